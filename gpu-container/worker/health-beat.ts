/**
 * @file The beat by which a container's health check knows that its worker lives: a small file, written anew every few seconds by the
 * worker's own event loop, with the time at which a store last answered. An error is an answer, for an outage is not mended by ending
 * workers; a call that never comes back is none.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { limits } from '#core/limits.ts';

/** What the file says. */
export interface HealthBeat {
  readonly v: 1;
  readonly pid: number;
  /** Wall clock. */
  readonly beatAtMs: number;
  /** When a queue last answered, or when the work began; null until then: bundles are still fetched. */
  readonly answeredAtMs: number | null;
}

/** A beat that goes on until stopped. */
export interface HealthBeating {
  /** A store has answered; the first time is the begin of the work. */
  answered(): void;
  stop(): Promise<void>;
}

/** Beats into a file. A disk that cannot be written makes the worker unhealthy, as it should. */
export function startHealthBeat(path: string, everyMs: number = limits.healthBeatMs): HealthBeating {
  let answeredAtMs: number | null = null;
  let writing: Promise<void> = Promise.resolve();
  const beat = () => {
    const said: HealthBeat = { v: 1, pid: process.pid, beatAtMs: Date.now(), answeredAtMs };
    writing = writing.then(() => writeWhole(path, JSON.stringify(said))).catch(() => undefined);
  };
  beat();
  const timer = setInterval(beat, everyMs);
  timer.unref();
  return {
    answered: () => {
      answeredAtMs = Date.now();
    },
    async stop() {
      clearInterval(timer);
      await writing;
      await rm(path, { force: true });
    },
  };
}

/** Under another name first: the check must never read half a beat. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, `${text}\n`, { mode: 0o600 });
  await rename(`${path}.next`, path);
}

/** Why a worker with this beat should be replaced, as a sentence; undefined: it lives. `text` undefined: there is no file. */
export function whyUnhealthy(text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return 'The worker has not begun to beat, or has ended.';
  const beat = parsed(text);
  if (beat === undefined) return 'The health file is not one that a worker writes.';
  const silentMs = nowMs - beat.beatAtMs;
  if (silentMs > limits.healthStaleMs)
    return `The worker's event loop has been stuck for ${Math.round(silentMs / 1000)} s.`;
  if (beat.answeredAtMs === null) return undefined;
  const waitingMs = nowMs - beat.answeredAtMs;
  if (waitingMs > limits.healthAnswerMs)
    return `No store has answered the worker for ${Math.round(waitingMs / 1000)} s.`;
  return undefined;
}

function parsed(text: string): HealthBeat | undefined {
  try {
    const beat = JSON.parse(text) as HealthBeat;
    const isTime = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
    const whole = beat.v === 1 && isTime(beat.beatAtMs) && (beat.answeredAtMs === null || isTime(beat.answeredAtMs));
    return whole ? beat : undefined;
  } catch {
    return undefined;
  }
}

/** A port whose every answer, good or bad, is told. */
export function tellAnswers<Port extends object>(port: Port, onAnswer: () => void): Port {
  const told = Object.entries(port).map(([name, member]) => {
    if (typeof member !== 'function') return [name, member];
    return [
      name,
      (...args: unknown[]) => {
        const result: unknown = member.apply(port, args);
        if (result instanceof Promise) result.then(onAnswer, onAnswer);
        return result;
      },
    ];
  });
  return Object.fromEntries(told) as Port;
}
