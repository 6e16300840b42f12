import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { explain } from './explain.ts';

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

/**
 * By the word that calls it, in the order of the help. What is not called is not loaded: all of them take a second of a slow machine, one
 * a third of that.
 */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./serve.ts')).startCommand(),
  generate: async () => (await import('./generate.ts')).generateCommand(),
  serve: async () => (await import('./serve.ts')).serveCommand(),
  worker: async () => (await import('./worker.ts')).workerCommand(),
  key: async () => (await import('./key.ts')).keyCommand(),
  tenant: async () => (await import('./tenant.ts')).tenantCommand(),
  usage: async () => (await import('./usage.ts')).usageCommand(),
  budget: async () => (await import('./budget.ts')).budgetCommand(),
  quote: async () => (await import('./quote.ts')).quoteCommand(),
  models: async () => (await import('./models.ts')).modelsCommand(),
  dlq: async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  webhooks: async () => (await import('./webhooks.ts')).webhooksCommand(),
  policy: async () => (await import('./policy.ts')).policyCommand(),
  plan: async () => (await import('./plan.ts')).planCommand(),
  eval: async () => (await import('./eval.ts')).evalCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  receipts: async () => (await import('./receipts.ts')).receiptsCommand(),
  erase: async () => (await import('./erase.ts')).eraseCommand(),
  subject: async () => (await import('./erase.ts')).subjectCommand(),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  evidence: async () => (await import('./evidence.ts')).evidenceCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
};

const program = new Command('reelay')
  .description('Your own video-generation API, on your own GPUs.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('(reelay --help lists what is allowed)');
const called = process.argv[2] ?? '';
const isVersion = called === '--version' || called === '-V';
const needed = Object.hasOwn(commands, called) ? [called] : isVersion ? [] : Object.keys(commands);
for (const name of needed) program.addCommand(await commands[name]!(), { hidden: name === 'start' });
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
