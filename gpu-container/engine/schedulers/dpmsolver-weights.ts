/**
 * @file The weights of one step of DPM-Solver (Lu et al. 2022, arXiv 2206.00927), DPM-Solver++ (arXiv 2211.01095) and their SDE
 * forms, in float32 as torch computes them.
 */
import type { Algorithm } from './dpmsolver-config.ts';
import type { SolverLevels } from './solver-levels.ts';

const f32 = Math.fround;

/** x_t = x ofSample + D0 ofValue + D1 ofSlope + D2 ofBend + noise ofNoise. */
export interface DpmWeights {
  readonly ofSample: number;
  readonly ofValue: number;
  readonly ofSlope: number;
  readonly ofBend: number;
  readonly ofNoise: number;
}

/** What the step is: from sigma `from` to the next. */
export interface DpmStep {
  readonly from: number;
  readonly order: number;
  readonly algorithm: Algorithm;
  readonly solver: 'midpoint' | 'heun';
}

/** The weights of a step; those of differences that its order does not have are not to be used. */
export function dpmWeights({ alpha, sigma, lambda }: SolverLevels, step: DpmStep): DpmWeights {
  const { from, algorithm } = step;
  const to = from + 1;
  const h = f32(lambda[to]! - lambda[from]!);
  const midpoint = step.order === 2 && step.solver === 'midpoint';
  const [a, s] = [alpha[to]!, sigma[to]!];
  const ofAlpha = f32(a / alpha[from]!);
  const ofSigma = f32(s / sigma[from]!);
  if (algorithm === 'dpmsolver++') {
    const less = f32(f32(Math.exp(-h)) - 1);
    return {
      ofSample: ofSigma,
      ofValue: -f32(a * less),
      ofSlope: midpoint ? -f32(0.5 * f32(a * less)) : f32(a * f32(f32(less / h) + 1)),
      ofBend: -f32(a * f32(f32(f32(less + h) / f32(h * h)) - 0.5)),
      ofNoise: 0,
    };
  }
  if (algorithm === 'sde-dpmsolver++') {
    const twice = f32(-2 * h);
    const more = f32(1 - f32(Math.exp(twice)));
    return {
      ofSample: f32(ofSigma * f32(Math.exp(-h))),
      ofValue: f32(a * more),
      ofSlope: midpoint ? f32(0.5 * f32(a * more)) : f32(a * f32(f32(more / twice) + 1)),
      ofBend: f32(a * f32(f32(f32(more + twice) / f32(twice * twice)) - 0.5)),
      ofNoise: f32(s * f32(Math.sqrt(more))),
    };
  }
  const more = f32(f32(Math.exp(h)) - 1);
  const heun = f32(s * f32(f32(more / h) - 1));
  if (algorithm === 'dpmsolver')
    return {
      ofSample: ofAlpha,
      ofValue: -f32(s * more),
      ofSlope: midpoint ? -f32(0.5 * f32(s * more)) : -heun,
      ofBend: -f32(s * f32(f32(f32(more - h) / f32(h * h)) - 0.5)),
      ofNoise: 0,
    };
  return {
    ofSample: ofAlpha,
    ofValue: -f32(2 * f32(s * more)),
    ofSlope: midpoint ? -f32(s * more) : -f32(2 * heun),
    ofBend: Number.NaN, // sde-dpmsolver has no third order
    ofNoise: f32(s * f32(Math.sqrt(f32(f32(Math.exp(f32(2 * h))) - 1)))),
  };
}

/** Whether a step of `order` has all that it needs: not where it is so short that its length rounds to 0. */
export function isDefined(levels: SolverLevels, step: DpmStep): boolean {
  const { ofSample, ofValue, ofSlope, ofBend, ofNoise } = dpmWeights(levels, step);
  const used = [ofSample, ofValue, ofNoise];
  if (step.order > 1) used.push(ofSlope, differenceWeights(levels, step.from, step.order).first);
  if (step.order > 2) used.push(ofBend, ...Object.values(differenceWeights(levels, step.from, step.order)));
  return used.every(Number.isFinite);
}

/** How the last outputs, newest first, combine to the differences D1 and D2. */
export interface DifferenceWeights {
  /** 1 / r0, of m0 - m1. */
  readonly first: number;
  /** 1 / r1, of m1 - m2. */
  readonly second: number;
  /** r0 / (r0 + r1) */
  readonly share: number;
  /** 1 / (r0 + r1) */
  readonly bend: number;
}

/** Of the step from sigma `from`; the last three only where its order is 3. */
export function differenceWeights({ lambda }: SolverLevels, from: number, order: number): DifferenceWeights {
  const h = f32(lambda[from + 1]! - lambda[from]!);
  const ratio = (back: number) => f32(f32(lambda[from - back]! - lambda[from - back - 1]!) / h);
  const r0 = ratio(0);
  const r1 = order === 3 ? ratio(1) : 0;
  const sum = f32(r0 + r1);
  return { first: f32(1 / r0), second: f32(1 / r1), share: f32(r0 / sum), bend: f32(1 / sum) };
}
