/** Where a run of the fault suites plays: a folder of its own, a time limit, random choices from a seed, a line that tells how far it is. */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MODELS_FOLDER } from '#local/bundles.ts';
import { type FastBundleOptions, writeFastBundle } from '#test/runtime/fast-bundle.ts';
import { killOwn } from './processes.ts';

export interface StageOptions {
  readonly name: string;
  /** The same seed makes the same choices; the processes' timing stays its own. */
  readonly seed?: number;
  /** The run fails after so long. */
  readonly limitMinutes: number;
  /** Keep the folder, and print a line every ten seconds. */
  readonly keep?: boolean;
  readonly verbose?: boolean;
}

export interface Stage {
  readonly folder: string;
  /** Aborted when the time is over. */
  readonly over: AbortSignal;
  /** 0 ≤ x < 1 */
  random(): number;
  /** 0 ≤ x < below, whole */
  int(below: number): number;
  pick<T>(list: readonly T[]): T;
  /** Throws when the time is over. */
  sleep(ms: number): Promise<void>;
  /** Looks until there is something to see. */
  until<T>(
    what: string,
    look: () => T | undefined | Promise<T | undefined>,
    mostMs?: number,
    everyMs?: number,
  ): Promise<T>;
  /** What the line says. */
  note(text: () => string): void;
  /** A models folder with the bundled model, or with a fast one of this many convolutions. */
  models(options: 'reelay-mini' | FastBundleOptions): Promise<string>;
  /** Below the run's folder. */
  path(...names: string[]): string;
}

/** Plays, and clears up whatever happens: what the run started and did not stop is killed. */
export async function onStage<T>(options: StageOptions, play: (stage: Stage) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `reelay-${options.name}-`));
  const clear = () => {
    if (options.keep) process.stderr.write(`[${options.name}] kept ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', clear); // Ctrl-C, and a hung run
  const over = new AbortController();
  const limit = setTimeout(
    () => over.abort(new Error(`${options.name} took longer than its limit`)),
    options.limitMinutes * 60_000,
  );
  const startedMs = performance.now();
  let text = () => 'starting';
  const tell = () =>
    process.stderr.write(`[${options.name} ${Math.round((performance.now() - startedMs) / 1000)} s] ${text()}\n`);
  const line = options.verbose ? setInterval(tell, 10_000) : undefined;
  const stage = createStage(folder, over.signal, options.seed ?? 1, next => {
    text = next;
  });
  try {
    return await play(stage);
  } finally {
    clearTimeout(limit);
    clearInterval(line);
    over.abort(new Error(`${options.name} is over`)); // what goes on beside a part that failed stops at its next look
    await killOwn();
    process.off('exit', clear);
    clear();
  }
}

function createStage(folder: string, over: AbortSignal, seed: number, note: Stage['note']): Stage {
  const random = mulberry32(seed);
  const stage: Stage = {
    folder,
    over,
    note,
    random,
    int: below => Math.floor(random() * below),
    pick: list => list[Math.floor(random() * list.length)]!,
    path: (...names) => join(folder, ...names),
    sleep: async ms => {
      over.throwIfAborted();
      await sleep(ms, undefined, { signal: over }).catch(() => over.throwIfAborted());
    },
    until: async (what, look, mostMs = 60_000, everyMs = 20) => {
      const deadlineMs = performance.now() + mostMs;
      for (;;) {
        const seen = await look();
        if (seen !== undefined) return seen;
        if (performance.now() > deadlineMs) throw new Error(`waited ${mostMs} ms for ${what}`);
        await stage.sleep(everyMs);
      }
    },
    models: async options => {
      if (options === 'reelay-mini') return MODELS_FOLDER;
      const models = join(folder, `models-${options.blocks ?? 30}`);
      await mkdir(models, { recursive: true });
      await writeFastBundle(join(models, 'fast'), options);
      return models;
    },
  };
  return stage;
}

/** Tommy Ettinger's generator of 32 bits; good enough to choose when to kill. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
