import { ReelayError } from '#core/errors.ts';
import type { Job, Progress } from '#core/job.ts';
import { beat, type LeasePorts } from '#core/jobs/lease.ts';
import { limits } from '#core/limits.ts';
import type { Delivery } from '#core/ports.ts';

/**
 * Keeps a lease while the renderer works, and is where the worker learns that it must stop.
 *
 *     holding --step report or 1 s passed--> look: write progress (at most every progressEveryMs) or just read
 *     holding --cancel flag on the record--> stop(cancelled)
 *     holding --record has another attempt, or no write for a whole lease--> stop(lease_lost): write nothing more
 *
 * A store that fails to answer is not a lost lease until the lease's time is over by our own clock.
 */
export interface Heartbeat {
  /** Aborted with a ReelayError `cancelled` or `lease_lost` as its reason. */
  readonly signal: AbortSignal;
  report(progress: Progress): void;
  /** Waits for a write under way, then writes no more. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;

/** What keeping a lease needs. */
export interface HeartbeatPorts extends LeasePorts {
  /** The record is looked at this often, at most; a step report is what usually asks for it. */
  readonly progressEveryMs: number;
}

/** Starts to keep the lease of a job that was just taken. */
export function startHeartbeat(ports: HeartbeatPorts, job: Job, delivery: Delivery): Heartbeat {
  const stopped = new AbortController();
  let progress: Progress = job.progress ?? { phase: 'loading', step: 0, steps: 0 };
  let written = progress;
  let heldUntilMs = ports.now() + limits.leaseSeconds * 1000;
  let wroteAtMs = ports.now();
  let lookedAtMs = ports.now();
  let extendedAtMs = ports.now();
  let busy: Promise<void> | undefined;
  let over = false;

  const end = (code: 'cancelled' | 'lease_lost', message: string) => {
    over = true;
    stopped.abort(new ReelayError(code, message));
  };
  const judge = (now: Job | undefined) => {
    if (now === undefined || now.attempt !== job.attempt || now.status !== 'in_progress')
      end('lease_lost', 'Another worker has taken the job over.');
    else if (now.cancelRequestedAtMs !== null) end('cancelled', 'The job was cancelled.');
  };
  const look = async () => {
    const nowMs = ports.now();
    lookedAtMs = nowMs;
    const moved = written !== progress && nowMs - wroteAtMs >= ports.progressEveryMs;
    if (moved || nowMs - wroteAtMs >= limits.heartbeatSeconds * 1000) {
      const sent = progress;
      const after = await beat(ports, job, sent);
      wroteAtMs = nowMs;
      written = sent;
      judge(after);
      if (after !== undefined) heldUntilMs = nowMs + limits.leaseSeconds * 1000;
    } else judge(await ports.store.load(job.id));
    if (over || nowMs - extendedAtMs < limits.heartbeatSeconds * 1000) return;
    await ports.queue.extend(delivery, limits.leaseSeconds);
    extendedAtMs = nowMs;
  };
  const tick = () => {
    if (over || busy !== undefined) return;
    busy = look()
      .catch(error => {
        // The message may be shown to another worker, but only the record decides: while it is ours, we go on.
        if (ports.now() >= heldUntilMs) end('lease_lost', 'The store did not answer for a whole lease.');
        else if (!(error instanceof ReelayError)) end('lease_lost', 'The heartbeat itself failed.');
      })
      .finally(() => {
        busy = undefined;
      });
  };
  const timer = setInterval(() => ports.now() - lookedAtMs >= LOOK_EVERY_MS - 50 && tick(), LOOK_EVERY_MS / 4);
  return {
    signal: stopped.signal,
    report: next => {
      progress = next;
      if (ports.now() - lookedAtMs >= ports.progressEveryMs) tick();
    },
    stop: async () => {
      over = true;
      clearInterval(timer);
      await busy;
    },
  };
}
