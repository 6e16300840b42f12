import { isTerminal, type Job } from '#core/job.ts';
import { type Standing, standingsOrNone } from '#core/jobs/standing.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from './deps.ts';
import { toVideo } from './wire.ts';

/** One server-sent event (WHATWG HTML, section 9.2); the id is the record's version, so a reconnect repeats nothing. */
async function frame(deps: Deps, job: Job, name: 'status' | 'progress' | 'done', known?: Standing): Promise<string> {
  const standing = known ?? (await standingOf(deps, job));
  return `id: ${job.version}\nevent: ${name}\ndata: ${JSON.stringify(toVideo(job, true, standing))}\n\n`;
}

async function standingOf(deps: Deps, job: Job): Promise<Standing | undefined> {
  return (await standingsOrNone(deps, [job])).get(job.id);
}

/** What a front without streams sends: the state now, and how soon to ask again. */
export async function currentState(deps: Deps, job: Job): Promise<string> {
  return `retry: ${limits.retryAfterMs}\n\n${await frame(deps, job, isTerminal(job.status) ? 'done' : 'status')}`;
}

/** Streams of one process, all and by tenant. */
export interface OpenStreams {
  streams: number;
  readonly of: Map<string, number>;
}

/** Watches the record, which also shows the progress of workers in other processes. Ends with `done`, or after an hour. */
export async function* eventStream(
  deps: Deps,
  first: Job,
  watch: { lastEventId: string | undefined; open: OpenStreams; client: { readonly gone: boolean } },
): AsyncGenerator<Uint8Array> {
  const { open, client } = watch;
  const encoder = new TextEncoder();
  let seen = Number(watch.lastEventId ?? -1);
  let status = '';
  let quietSinceMs = deps.now();
  let position: number | null = null;
  let countedAtMs = 0;
  const endsAtMs = deps.now() + limits.sseMaxSeconds * 1000;
  count(open, first.tenant, 1);
  try {
    for (
      let job: Job | undefined = first;
      job !== undefined && deps.now() < endsAtMs;
      job = await deps.store.load(first.id)
    ) {
      if (job.deletedAtMs !== null || client.gone) return;
      const ended = isTerminal(job.status);
      if (job.version !== seen || ended) {
        yield encoder.encode(await frame(deps, job, ended ? 'done' : job.status === status ? 'progress' : 'status'));
        quietSinceMs = deps.now();
      }
      if (ended) return;
      // Its place in the queue changes without its record.
      if (job.status === 'queued' && deps.now() - countedAtMs > limits.ssePositionMs) {
        const standing = await standingOf(deps, job);
        const moved = position !== null && standing?.queuePosition !== position;
        position = standing?.queuePosition ?? null;
        countedAtMs = deps.now();
        if (moved) yield encoder.encode(await frame(deps, job, 'status', standing));
      }
      ({ version: seen, status } = job);
      if (deps.now() - quietSinceMs > limits.sseCommentSeconds * 1000) {
        yield encoder.encode(': still here\n\n');
        quietSinceMs = deps.now();
      }
      await deps.sleep(limits.ssePollMs);
    }
  } finally {
    count(open, first.tenant, -1);
  }
}

function count(open: OpenStreams, tenant: string, change: 1 | -1): void {
  open.streams += change;
  const now = (open.of.get(tenant) ?? 0) + change;
  if (now === 0) open.of.delete(tenant);
  else open.of.set(tenant, now);
}
