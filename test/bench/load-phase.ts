import type { LoadClient, Outcome } from './load-client.ts';

/** One kind of request at a mean rate. */
export interface Stream {
  readonly name: string;
  readonly perSecond: number;
  /** The bytes of the n-th request. */
  readonly request: (n: number) => string;
  /** Sees each answer's body. */
  readonly onAnswer?: (outcome: Outcome, text: string) => void;
}

/** One request's end. Times in ms; `atMs` since the phase began. */
export interface Sample {
  /** When it was to be sent. */
  readonly atMs: number;
  /** From then, not from the sending, to the last byte of the answer: what a user feels when things are slow. */
  readonly latencyMs: number;
  readonly outcome: Outcome;
}

/** What one stream saw in one phase. */
export interface StreamResult {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** So long the load is so many times each stream's rate. */
export interface Stretch {
  readonly seconds: number;
  readonly factor: number;
}

/** Timers of Node are no finer. */
const TICK_MS = 1;

/**
 * Open-model load: arrivals are a Poisson process drawn from the seed, and each request starts at its time whether or not earlier ones
 * have ended; so a slow server meets a growing crowd, as it would outside. The stretches follow each other without a pause. Resolves when
 * all requests have ended.
 */
export async function runPhase(
  client: LoadClient,
  streams: readonly Stream[],
  { stretches, seed }: { stretches: readonly Stretch[]; seed: number },
): Promise<readonly StreamResult[]> {
  const startMs = performance.now();
  return Promise.all(
    streams.map((stream, i) =>
      runStream(client, stream, arrivals(stream.perSecond, stretches, mulberry32(seed + i)), startMs),
    ),
  );
}

/** The times at which requests are due, in ms. */
function* arrivals(perSecond: number, stretches: readonly Stretch[], random: () => number): Generator<number> {
  let fromMs = 0;
  for (const { seconds, factor } of stretches) {
    const endMs = fromMs + seconds * 1000;
    const gapMs = () => (-Math.log(1 - random()) * 1000) / (perSecond * factor);
    for (let atMs = fromMs + gapMs(); atMs < endMs; atMs += gapMs()) yield atMs;
    fromMs = endMs;
  }
}

function runStream(client: LoadClient, stream: Stream, due: Generator<number>, startMs: number): Promise<StreamResult> {
  const samples: Sample[] = [];
  let sent = 0;
  let next = due.next();
  return new Promise(resolve => {
    const endIfDone = () => next.done === true && samples.length === sent && resolve({ name: stream.name, samples });
    const start = (atMs: number) => {
      sent++;
      void client.send(stream.request(sent)).then(({ outcome, text }) => {
        samples.push({ atMs, latencyMs: performance.now() - startMs - atMs, outcome });
        stream.onAnswer?.(outcome, text);
        endIfDone();
      });
    };
    const tick = () => {
      const nowMs = performance.now() - startMs;
      for (; next.done !== true && next.value <= nowMs; next = due.next()) start(next.value);
      if (next.done === true) endIfDone();
      else setTimeout(tick, TICK_MS);
    };
    tick();
  });
}

/** A small seeded generator, uniform in [0, 1): the same load for the same seed. (Tommy Ettinger's mulberry32.) */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
