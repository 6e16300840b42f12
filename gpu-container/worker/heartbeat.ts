import { ReelayError } from '#core/errors.ts';
import type { Checkpoint, Job, Progress } from '#core/job.ts';
import { beat, type LeasePorts } from '#core/jobs/lease.ts';
import { limits } from '#core/limits.ts';
import type { Delivery } from '#core/ports.ts';
import type { Clock } from './clock.ts';

/**
 * Keeps a lease while the renderer works, and is where the worker learns that it must stop.
 *
 *     holding --step report or 1 s passed--> look: write progress (at most every progressEveryMs) or just read
 *     holding --cancel flag on the record--> stop(cancelled)
 *     holding --record has another attempt, or no write for a whole lease--> stop(lease_lost): write nothing more
 *
 * A store that fails to answer is not a lost lease until the lease's time is over by our own clock that never jumps: before that
 * nobody else may call it dead (see core/jobs/lease-watch.ts).
 */
export interface Heartbeat {
  /** Aborted with a ReelayError `cancelled` or `lease_lost` as its reason. */
  readonly signal: AbortSignal;
  /** The record as last seen or written. */
  readonly job: () => Job;
  /** The message that this job still holds; undefined once it was sent afresh. */
  readonly delivery: () => Delivery | undefined;
  report(progress: Progress): void;
  /** Puts a checkpoint on the record; false: it is not there (the lease is lost, or the store failed). */
  save(checkpoint: Checkpoint): Promise<boolean>;
  /** Waits for a write under way, then writes no more. */
  stop(): Promise<void>;
}

/** What is said of a job whose person was erased while it waited or ran: it ends as cancelled. */
export const ERASED = 'The data of the person that this job is for was erased.';

/** The record is read at least this often, so that a cancel is seen between two long steps. */
const LOOK_EVERY_MS = 1_000;
const HOUR_MS = 3_600_000;

/** What keeping a lease needs. */
export interface HeartbeatPorts extends LeasePorts, Clock {
  /** The record is looked at this often, at most; a step report is what usually asks for it. */
  readonly progressEveryMs: number;
  /** Where the platform may end an idle worker: told that this one is busy, again with each beat. */
  readonly taskGuard?: TaskGuard;
}

/** Keeps the platform from ending this worker while it has a job (ECS task protection). */
export interface TaskGuard {
  hold(): Promise<void>;
  free(): Promise<void>;
}

/** Starts to keep the lease of a job that was just taken; it was asked for at `askedMs` of the monotonic clock. */
export function startHeartbeat(ports: HeartbeatPorts, leased: Job, taken: Delivery, askedMs: number): Heartbeat {
  const beatEveryMs = (ports.leaseSeconds * 1000) / limits.beatsPerLease;
  const startedMs = askedMs;
  const hold = createHold(leased);
  const message = holdMessage(ports, leased.id, taken, { startedMs, beatEveryMs });
  const turns = createTurns();
  let progress: Progress = leased.progress ?? { phase: 'loading', step: 0, steps: 0 };
  let written = progress;
  let heldUntilMs = startedMs + ports.leaseSeconds * 1000;
  let [wroteAtMs, lookedAtMs] = [startedMs, startedMs];

  const write = async (checkpoint?: Checkpoint) => {
    const sentMs = ports.monotonicMs();
    const sent = progress;
    const after = await beat(ports, hold.job(), sent, checkpoint);
    [wroteAtMs, written] = [sentMs, sent];
    hold.judge(after);
    if (after !== undefined) heldUntilMs = sentMs + ports.leaseSeconds * 1000;
    return after !== undefined;
  };
  const look = async () => {
    const nowMs = ports.monotonicMs();
    lookedAtMs = nowMs;
    const moved = written !== progress && nowMs - wroteAtMs >= ports.progressEveryMs;
    const due = nowMs - wroteAtMs >= beatEveryMs;
    if (due) ports.taskGuard?.hold().catch(() => undefined); // without it a scale-in costs a checkpoint interval
    if (moved || due) await write();
    else hold.judge(await ports.store.load(leased.id));
    if (!hold.isOver()) await message.keep(nowMs);
  };
  const missed = (error: unknown) => {
    // The message may be shown to another worker, but only the record decides: while it is ours, we go on.
    if (ports.monotonicMs() >= heldUntilMs) hold.end('lease_lost', 'The store did not answer for a whole lease.');
    else if (!(error instanceof ReelayError)) hold.end('lease_lost', 'The heartbeat itself failed.');
  };
  const alone = <T>(work: () => Promise<T>): Promise<T | undefined> =>
    turns.take(() => (hold.isOver() ? undefined : work().catch(missed as () => undefined)));
  const tick = () => {
    if (hold.isOver()) return;
    if (turns.busy() === undefined) void alone(look);
    // A process that was stopped for a while asks the record first; only a store that does not answer ends the lease unasked.
    else if (ports.monotonicMs() >= heldUntilMs) missed(new ReelayError('store_unavailable', 'no answer'));
  };
  const lookEveryMs = Math.min(LOOK_EVERY_MS, beatEveryMs / 2);
  const stopTimer = ports.every(lookEveryMs / 4, () => {
    if (ports.monotonicMs() - lookedAtMs >= lookEveryMs * 0.95) tick();
  });
  return {
    signal: hold.signal,
    job: hold.job,
    delivery: message.delivery,
    report: next => {
      progress = next;
      if (ports.monotonicMs() - lookedAtMs >= ports.progressEveryMs) tick();
    },
    save: async checkpoint => (await alone(() => write(checkpoint))) === true,
    stop: async () => {
      hold.close();
      stopTimer();
      await turns.busy();
    },
  };
}

/** What is known of our hold on a job: the record as last seen, and whether it is over. */
function createHold(leased: Job) {
  const stopped = new AbortController();
  let job = leased;
  let over = false;
  const end = (code: 'cancelled' | 'lease_lost', message: string) => {
    over = true;
    if (!stopped.signal.aborted) stopped.abort(new ReelayError(code, message));
  };
  return {
    signal: stopped.signal,
    job: () => job,
    isOver: () => over,
    end,
    /** Over, and nobody is to blame. */
    close: () => {
      over = true;
    },
    judge: (now: Job | undefined) => {
      if (now === undefined || now.attempt !== job.attempt || now.status !== 'in_progress')
        return end('lease_lost', 'Another worker has taken the job over.');
      job = now;
      if (now.cancelRequestedAtMs !== null) end('cancelled', 'The job was cancelled.');
      else if (now.erased) end('cancelled', ERASED);
    },
  };
}

/** The queue's message of a job: hidden from others while the job is held, and sent afresh before its queue forgets it. */
function holdMessage(
  { queue, leaseSeconds }: HeartbeatPorts,
  jobId: string,
  taken: Delivery,
  { startedMs, beatEveryMs }: { readonly startedMs: number; readonly beatEveryMs: number },
) {
  let delivery: Delivery | undefined = taken;
  let extendedAtMs = startedMs;
  return {
    delivery: () => delivery,
    /** At most once in a beat. */
    async keep(nowMs: number): Promise<void> {
      if (delivery === undefined || nowMs - extendedAtMs < beatEveryMs) return;
      extendedAtMs = nowMs;
      if (nowMs - startedMs < limits.messageHoldHours * HOUR_MS) return queue.extend(delivery, leaseSeconds);
      await queue.send({ v: 1, jobId }, { delaySeconds: leaseSeconds });
      const old = delivery;
      delivery = undefined;
      await queue.ack(old);
    },
  };
}

/** One access at a time, so that what is written later is also newer. */
function createTurns() {
  let busy: Promise<unknown> | undefined;
  return {
    /** The last that was asked for; undefined when none is under way. */
    busy: () => busy,
    take<T>(work: () => Promise<T | undefined> | undefined): Promise<T | undefined> {
      const running = (busy ?? Promise.resolve()).then(work);
      const settled = running.finally(() => {
        if (busy === settled) busy = undefined;
      });
      busy = settled;
      return settled;
    },
  };
}
