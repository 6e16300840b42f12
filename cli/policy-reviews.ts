import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { decideReview, listOpenReviews, listReviews, viewReview } from '#core/policy/reviews/queue.ts';
import type { ReviewRecord } from '#core/policy/reviews/review-record.ts';
import { queueOf, toReview, toReviewView } from '#functions/policy-wire.ts';
import { asWhoever } from './policy-identity.ts';

const WHO =
  '\nActs as the key in REELAY_API_KEY; without one as the operator at the machine, who is one person:\nnobody looks at or decides about what they asked for themselves.';

interface ListOptions {
  readonly limit: string;
  readonly json?: boolean;
}

/** `reelay policy reviews` */
export function reviewsCommand(): Command {
  const reviews = new Command('reviews').description('what waits for a person').addHelpText('after', WHO);
  reviews
    .command('list')
    .description('requests that wait, the most urgent first; without their texts')
    .option('--limit <n>', 'at most so many', '20')
    .option('--json', 'one JSON object a line')
    .action((options: ListOptions) => list(options, 'waiting'));
  reviews
    .command('show')
    .description('one item with its texts; that you looked is written down')
    .argument('<review>', 'rev_…')
    .option('--tenant <id>', 'whose item it is')
    .action(async (id: string, { tenant }: { tenant?: string }) => show(id, tenant));
  for (const verdict of ['approve', 'deny'] as const)
    reviews
      .command(verdict)
      .description(
        verdict === 'approve'
          ? 'let it be rendered; of an appeal against the floor: the rule is at fault'
          : 'refuse it; of an appeal: the refusal stands',
      )
      .argument('<review>', 'rev_…; look at it first')
      .option('--tenant <id>', 'whose item it is')
      .action(async (id: string, { tenant }: { tenant?: string }) => act(id, verdict, tenant));
  return reviews;
}

/** `reelay policy appeals` */
export function appealsCommand(): Command {
  return new Command('appeals')
    .description('refusals that somebody objects to; `reelay policy reviews show|approve|deny` decides about them')
    .option('--limit <n>', 'at most so many', '20')
    .option('--json', 'one JSON object a line')
    .action((options: ListOptions) => list(options, 'appealed'));
}

async function list({ limit, json }: ListOptions, state: 'waiting' | 'appealed'): Promise<void> {
  if (!/^[1-9]\d{0,3}$/.test(limit))
    throw new ReelayError('invalid_request', `--limit: got "${limit.slice(0, 20)}"; 1 to 9999 is allowed.`);
  const { records } = await asWhoever(({ embedded: { deps }, reviewer }) =>
    reviewer.role === 'operator'
      ? listOpenReviews(deps, Number(limit))
      : listReviews(deps, reviewer.tenant, { limit: Number(limit), all: false }),
  );
  const shown = records.filter(({ item }) => item.state === state);
  for (const record of shown)
    process.stdout.write(`${json === true ? JSON.stringify(toReview(record)) : lineOf(record)}\n`);
  if (shown.length === 0 && json !== true) process.stdout.write(state === 'waiting' ? 'no reviews\n' : 'no appeals\n');
}

function lineOf({ item, jobId }: ReviewRecord): string {
  const due = new Date(item.dueAtMs).toISOString();
  return [item.id, item.tenant, item.state, `due ${due}`, jobId ?? 'no video', item.rules.join(',')].join('  ');
}

async function show(id: string, tenant: string | undefined): Promise<void> {
  const view = await asWhoever(({ embedded: { deps }, reviewer }) =>
    viewReview(deps, reviewer, queueOf(reviewer, tenant), id),
  );
  process.stdout.write(`${JSON.stringify(toReviewView(view.record, view.job), undefined, 2)}\n`);
}

async function act(id: string, verdict: 'approve' | 'deny', tenant: string | undefined): Promise<void> {
  const { item } = await asWhoever(({ embedded: { deps }, reviewer }) =>
    decideReview(deps, reviewer, queueOf(reviewer, tenant), id, verdict),
  );
  process.stdout.write(`${item.id}  ${item.state.replaceAll('_', ' ')}\n`);
}
