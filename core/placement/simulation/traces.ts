/**
 * The three traces that every figure of docs/scale is measured on. The order of draws is part of each: the checksums in
 * test/placement/traces.test.ts hold only with it. S is calibrated to published moments of a diffusion-serving trace; no line of
 * that trace is in here.
 */
import { type Draw, exponential, mulberry32, normal } from './random.ts';
import { collectTrace, type Trace } from './trace.ts';

const day = 86_400;
const hour = 3_600;

type Add = (at: number, service: number) => void;

/** No job of a reference trace takes longer than this. */
const longestServiceSeconds = 600;

function collectReference(name: string, fill: (add: Add) => void): Trace {
  return collectTrace(name, add => fill((at, service) => add(at, Math.min(longestServiceSeconds, service))));
}

/** Relative load of the hours of a day, of diffusion serving. */
const hourWeights = [
  1.8, 2.5, 0.8, 0.7, 2.7, 3.1, 3, 3.5, 1.5, 0.9, 1.1, 0.7, 0.35, 0.3, 0.25, 0.08, 0.05, 0.03, 0.002, 0.002, 0.002,
  0.004, 0.01, 0.35,
];
const lightDays = new Set([0, 1, 2, 3, 8, 14, 15, 21, 22]);

/** A factor of mean 1 whose logarithm has the deviation `x`. */
function wobble(draw: Draw, x: number): number {
  return Math.exp(x * normal(draw) - (x * x) / 2);
}

function diffusionService(draw: Draw): number {
  const seconds = draw() < 0.72 ? 20 * Math.exp(0.4 * normal(draw)) : 40 * Math.exp(0.52 * normal(draw));
  return Math.max(3, seconds);
}

function addDiffusionHour(add: Add, draw: Draw, from: number, jobs: number): void {
  for (let k = 0; k < 12; k++) {
    const meanGap = 300 / ((jobs / 12) * wobble(draw, 0.25));
    const start = from + 300 * k;
    for (let t = start + exponential(draw, meanGap); t < start + 300; t += exponential(draw, meanGap)) {
      add(t, diffusionService(draw));
    }
  }
}

/** S: 23 days of diffusion serving, busy and light days, strong hours, bursts; 26,392 jobs. */
export function traceS(): Trace {
  const draw = mulberry32(32);
  const weight = hourWeights.reduce((a, b) => a + b, 0);
  const trace = collectReference('S', add => {
    for (let d = 0; d < 23; d++) {
      const light = lightDays.has(d);
      const jobs = light ? 140 * wobble(draw, 0.6) : 1800 * wobble(draw, 0.15);
      for (const [h, share] of hourWeights.entries()) {
        const wild = light || share < 0.5;
        addDiffusionHour(add, draw, d * day + h * hour, ((jobs * share) / weight) * wobble(draw, wild ? 1.5 : 0.25));
      }
      if (light || draw() >= 0.5) continue;
      let t = d * day + 8 * hour * draw();
      const burst = 10 + Math.floor(50 * draw());
      for (let i = 0; i < burst; i++) {
        t += exponential(draw, 1);
        add(t, diffusionService(draw));
      }
    }
  });
  const shift = 600 - (trace.arrivals[0] ?? 0);
  return { ...trace, arrivals: trace.arrivals.map(at => at + shift) };
}

/** Jobs an hour in the states quiet, busy, burst; how long each lasts; and which follows. */
const apiRates = [0.3, 25, 360];
const apiDwells = [5400, 1800, 420];
const apiNext = [
  [0, 0.8, 0.2],
  [0.6, 0, 0.4],
  [0.5, 0.5, 0],
];

function apiMeanGap(state: number, t: number): number {
  const daily = 0.15 + 0.85 * Math.max(0, Math.sin((Math.PI * ((t % day) / hour - 6)) / 14));
  const weekly = Math.floor(t / day) % 7 >= 5 ? 0.35 : 1;
  return hour / (apiRates[state]! * daily * weekly);
}

function nextApiState(draw: Draw, state: number): number {
  const u = draw();
  let sum = 0;
  for (const [next, share] of apiNext[state]!.entries()) {
    sum += share;
    if (u < sum) return next;
  }
  return 2;
}

/** B: 14 days of an API's bursts, modulated by hour and weekend; 2,950 jobs. */
export function traceB(): Trace {
  const draw = mulberry32(11);
  return collectReference('B', add => {
    let state = 0;
    let until = exponential(draw, apiDwells[state]!);
    for (let t = 0; t < 14 * day; ) {
      const gap = exponential(draw, apiMeanGap(state, t));
      if (t + gap >= until) {
        t = until;
        state = nextApiState(draw, state);
        until = t + exponential(draw, apiDwells[state]!);
        continue;
      }
      t += gap;
      if (t < 14 * day) add(t, 75 * Math.exp(0.6 * normal(draw)));
    }
  });
}

/** C: 14 days of a drop folder: a batch each night, dumps and single files on weekdays; 1,962 jobs. */
export function traceC(): Trace {
  const draw = mulberry32(23);
  const service = () => 60 * Math.exp(0.4 * normal(draw));
  const dump = (add: Add, from: number, files: number) => {
    let t = from;
    for (let i = 0; i < files; i++) {
      t += exponential(draw, 1.5);
      add(t, service());
    }
  };
  return collectReference('C', add => {
    for (let d = 0; d < 14; d++) {
      const weekend = d % 7 >= 5;
      const files = weekend ? 20 + Math.floor(30 * draw()) : 40 + Math.floor(120 * draw());
      dump(add, d * day + 22 * hour + (draw() - 0.5) * 2400, files);
      if (weekend) continue;
      const dumps = 1 + Math.floor(3 * draw());
      for (let i = 0; i < dumps; i++) {
        const at = d * day + 8 * hour + 10 * hour * draw();
        dump(add, at, 10 + Math.floor(50 * draw()));
      }
      for (let t = d * day + 8 * hour; t < d * day + 19 * hour; ) {
        t += exponential(draw, 1800);
        add(t, service());
      }
    }
  });
}

/** The three traces, in the order of every table. */
export function referenceTraces(): readonly Trace[] {
  return [traceS(), traceB(), traceC()];
}
