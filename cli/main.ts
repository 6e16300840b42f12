import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { auditCommand } from './audit.ts';
import { budgetCommand } from './budget.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { doctorCommand } from './doctor.ts';
import { eraseCommand, subjectCommand } from './erase.ts';
import { evidenceCommand } from './evidence.ts';
import { explain } from './explain.ts';
import { generateCommand } from './generate.ts';
import { keyCommand } from './key.ts';
import { modelsCommand } from './models.ts';
import { planCommand } from './plan.ts';
import { policyCommand } from './policy.ts';
import { receiptsCommand } from './receipts.ts';
import { quoteCommand } from './quote.ts';
import { serveCommand, startCommand } from './serve.ts';
import { tenantCommand } from './tenant.ts';
import { verifyCommand } from './verify.ts';
import { usageCommand } from './usage.ts';
import { webhooksCommand } from './webhooks.ts';
import { workerCommand } from './worker.ts';

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `reelay: this is Node ${process.versions.node}; start it with npm start or npx reelay, which bring Node 24.\n`,
  );
  process.exit(1);
}
// cli/bootstrap.mjs holds the other end of this channel: when it is gone, so is whoever could stop us.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();

// Whoever read this has had enough (`| head`): an end as by SIGPIPE, which is no success and nothing to trace.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(141);
  });

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  version: string;
};

const program = new Command('reelay')
  .description('Your own video-generation API, on your own GPUs.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('(reelay --help lists what is allowed)')
  .addCommand(startCommand(), { hidden: true })
  .addCommand(generateCommand())
  .addCommand(serveCommand())
  .addCommand(workerCommand())
  .addCommand(keyCommand())
  .addCommand(tenantCommand())
  .addCommand(modelsCommand())
  .addCommand(usageCommand())
  .addCommand(budgetCommand())
  .addCommand(quoteCommand())
  .addCommand(deadLettersCommand())
  .addCommand(webhooksCommand())
  .addCommand(policyCommand())
  .addCommand(planCommand())
  .addCommand(verifyCommand())
  .addCommand(receiptsCommand())
  .addCommand(eraseCommand())
  .addCommand(subjectCommand())
  .addCommand(auditCommand())
  .addCommand(evidenceCommand())
  .addCommand(doctorCommand());
/** Bad usage is told and ends with 2 at every depth. */
function tellBadUsage(command: Command): void {
  command.exitOverride().showHelpAfterError();
  for (const below of command.commands) tellBadUsage(below);
}
for (const command of program.commands) tellBadUsage(command);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = explain(error);
}
