/**
 * Keeps ECS from ending this task while it works on a job: a scale-in or a deployment takes idle tasks first and waits for a protected
 * one. It does not help against the end of a Spot instance. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 *
 *     free -> held (until half of `minutes` is over, then renewed) -> free
 *
 * After a call that failed the agent may have done either, so the next `hold` or `free` always asks.
 */
import { ReelayError } from '#core/errors.ts';

/** The agent asks ECS itself before it answers. */
const TIMEOUT_MS = 5_000;

/** Where the agent is, and for how long it protects. */
export interface TaskProtectionOptions {
  /** ECS gives it to the container as ECS_AGENT_URI. */
  readonly agentUri: string;
  /** ECS takes 1 to 2,880. A worker that hangs is safe from a scale-in for so long. */
  readonly minutes: number;
  readonly fetch?: typeof fetch;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** The protection of the one task that this process runs in. Calls are made one after another. */
export interface TaskProtection {
  /** Protects, or renews when half of the time is over; else does nothing, so it may be called with each beat. */
  hold(): Promise<void>;
  /** Gives the protection up; does nothing where none was asked for. */
  free(): Promise<void>;
}

/** The protection by the ECS agent. Throws `store_unavailable` when the agent fails or refuses, as it does a task without a service. */
export function createTaskProtection(options: TaskProtectionOptions): TaskProtection {
  const { minutes, now = () => performance.now() } = options;
  /** Until when `hold` has nothing to do; undefined when it must ask. */
  let renewAtMs: number | undefined;
  let mayBeProtected = false;
  let last: Promise<void> = Promise.resolve();

  /** A free that overtook a hold would leave an idle task protected. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  return {
    hold: () =>
      inTurn(async () => {
        const at = now();
        if (renewAtMs !== undefined && at < renewAtMs) return;
        mayBeProtected = true;
        renewAtMs = undefined;
        await change(options, { ProtectionEnabled: true, ExpiresInMinutes: minutes });
        renewAtMs = at + (minutes * 60_000) / 2;
      }),

    free: () =>
      inTurn(async () => {
        if (!mayBeProtected) return;
        renewAtMs = undefined;
        await change(options, { ProtectionEnabled: false });
        mayBeProtected = false;
      }),
  };
}

interface State {
  readonly ProtectionEnabled: boolean;
  readonly ExpiresInMinutes?: number;
}

async function change({ agentUri, fetch: send = fetch }: TaskProtectionOptions, state: State): Promise<void> {
  let answer: unknown;
  try {
    const response = await send(`${agentUri}/task-protection/v1/state`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(state),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.json();
  } catch (error) {
    throw new ReelayError('store_unavailable', 'The ECS agent did not answer a change of task protection.', {
      cause: error,
    });
  }
  // It refuses in the body: a `failure` comes with 200, an `error` with another status.
  const { protection, failure, error } = (answer ?? {}) as Answer;
  if (protection?.ProtectionEnabled === state.ProtectionEnabled) return;
  const why = failure?.Reason ?? error?.Code ?? 'no reason given';
  throw new ReelayError('store_unavailable', `The ECS agent refused a change of task protection (${why}).`);
}

interface Answer {
  readonly protection?: { readonly ProtectionEnabled?: boolean };
  readonly failure?: { readonly Reason?: string };
  readonly error?: { readonly Code?: string };
}
