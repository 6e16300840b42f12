import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { openPolicies } from '#adapters/policy-files.ts';
import { decide } from '#core/policy/content/decide.ts';
import { floorRules, floorVersion } from '#core/policy/content/floor-rules.ts';
import { consentCommand } from './policy-consent.ts';
import { appealsCommand, reviewsCommand } from './policy-reviews.ts';

/** `reelay policy`: what may be asked for, who agreed to be shown, and what waits for a person. */
export function policyCommand(): Command {
  const policy = new Command('policy').description('the content policy: its rules, consents, reviews and appeals');
  policy
    .command('check')
    .description(
      'what the policy would say of a prompt; nothing is made or written. Exit 0 for allow, 1 for review and deny',
    )
    .argument('<prompt...>', 'the prompt')
    .option('--negative <text>', 'the negative prompt', '')
    .option('--tenant <id>', 'whose policy of REELAY_POLICY', 'local')
    .option('--json', 'as JSON')
    .action((words: string[], options: CheckOptions) => check(words.join(' '), options));
  policy
    .command('rules')
    .description('the rules that hold, the gravest first: of the floor, and of a tenant (REELAY_POLICY)')
    .option('--tenant <id>', 'whose', 'local')
    .action((options: { tenant: string }) => rules(options.tenant));
  return policy.addCommand(consentCommand()).addCommand(reviewsCommand()).addCommand(appealsCommand());
}

interface CheckOptions {
  readonly negative: string;
  readonly tenant: string;
  readonly json?: boolean;
}

function check(prompt: string, { negative, tenant, json }: CheckOptions): void {
  const decision = decide(
    openPolicies(process.env.REELAY_POLICY).policyOf(tenant),
    { tenant, prompt, negativePrompt: negative, references: [], consents: [] },
    // Only consent records are compared with these, and none is named here.
    { nowMs: 0, proven: () => false, nameKey: name => createHash('sha256').update(name).digest('hex') },
  );
  const { outcome, told, rules: ids, consentRequired, policyHash } = decision;
  if (json === true) process.stdout.write(`${JSON.stringify(decision)}\n`);
  else {
    const why = told.length === 0 ? '' : ` (${told.join(', ')})`;
    const rulesLine = ids.length === 0 ? '' : `rules    ${ids.join(', ')}\n`;
    const consent = consentRequired ? 'consent  a live record of the person would answer it\n' : '';
    process.stdout.write(`${outcome}${why}\n${rulesLine}${consent}policy   ${policyHash}\n`);
  }
  if (outcome !== 'allow') process.exitCode = 1;
}

function rules(tenant: string): void {
  const { tenant: own, hash } = openPolicies(process.env.REELAY_POLICY).policyOf(tenant);
  process.stdout.write(`${floorVersion}, for every tenant\n`);
  for (const { id, family, outcome, consent } of floorRules)
    process.stdout.write(`  ${family}  ${outcome}  ${id}${consent === true ? '  (consent answers it)' : ''}\n`);
  process.stdout.write(`${tenant}\n`);
  for (const { id, outcome } of own.rules) process.stdout.write(`  tenant.${id}  ${outcome}\n`);
  process.stdout.write(
    `  names: ${own.names.length}  adult content: ${own.adultContent}  review means deny: ${own.reviewMeansDeny}  consent for: ${own.consentFor}\n`,
  );
  process.stdout.write(`policy ${hash}\n`);
}
