import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { type DeadLetter, listDeadLetters, redrive } from '#core/jobs/dead-letters.ts';
import { openEmbedded } from '#local/embedded.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

/** `reelay dlq`: the jobs that the workers gave up, and a way back for them. */
export function deadLettersCommand(): Command {
  return new Command('dlq')
    .description('the dead letter queue: jobs that failed for good (REELAY_DATA, default .reelay)')
    .addCommand(
      new Command('list')
        .description('show the letters: job, reason, model, when it failed, the sentence it failed with')
        .option('--json', 'one JSON object a line')
        .option('--limit <n>', 'at most so many', '100')
        .action(async (options: { json?: boolean; limit: string }) => list(options)),
    )
    .addCommand(
      new Command('redrive')
        .description('make a new job of each letter; the old job stays as it is')
        .option('--reason <code>', 'only letters with this code, such as renderer_lost')
        .option('--limit <n>', 'at most so many', '1000')
        .option('--rate <n>', 'at most so many a second', '10')
        .action(async (options: { reason?: string; limit: string; rate: string }) => redriveLetters(options)),
    );
}

async function list({ json, limit }: { json?: boolean; limit: string }): Promise<void> {
  const embedded = await open();
  try {
    const letters = await listDeadLetters(embedded.deps, wholeNumber('--limit', limit));
    for (const letter of letters) process.stdout.write(`${json === true ? toJson(letter) : toLine(letter)}\n`);
    if (letters.length === 0 && json !== true) process.stdout.write('no dead letters\n');
  } finally {
    await embedded.close();
  }
}

function toJson({ message, job }: DeadLetter): string {
  const failed = job && {
    model: job.request.model,
    attempt: job.attempt,
    failed_at: job.completedAtMs === null ? null : Math.floor(job.completedAtMs / 1000),
    error: job.error,
  };
  return JSON.stringify({ id: message.jobId, reason: message.reason ?? null, ...failed });
}

function toLine({ message, job }: DeadLetter): string {
  const when = job?.completedAtMs ? new Date(job.completedAtMs).toISOString() : '-';
  const why = job?.error?.message ?? 'its job was removed';
  return [message.jobId, message.reason ?? '-', job?.request.model ?? '-', when, why].join('  ');
}

async function redriveLetters(options: { reason?: string; limit: string; rate: string }): Promise<void> {
  const everyMs = 1000 / wholeNumber('--rate', options.rate);
  const limit = wholeNumber('--limit', options.limit);
  const embedded = await open();
  try {
    const { jobs, dropped, stopped } = await redrive(embedded.deps, {
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      limit,
      pace: () => sleep(everyMs),
    });
    for (const [old, job] of jobs) process.stdout.write(`${old} -> ${job.id}\n`);
    for (const [old, why] of dropped) process.stdout.write(`${old} not redriven: ${why}\n`);
    process.stdout.write(`${jobs.size} redriven, ${dropped.size} not\n`);
    if (stopped === null) return;
    process.stderr.write(`The other letters wait: ${stopped}\n`);
    process.exitCode = 1;
  } finally {
    await embedded.close();
  }
}

const open = () => openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new ReelayError('invalid_request', `${name}: got "${text.slice(0, 20)}"; a whole number from 1 is allowed.`);
}
