/** @file The decision of a gate: golden and new clips in, sentences of what is wrong out. */
import { type Clip, expectSameShape } from '../clip.ts';
import { type ClipFigures, FIGURES } from '../metrics/judge-clip.ts';
import { psnr } from '../metrics/psnr.ts';
import { colorSsim, likeness } from '../metrics/ssim.ts';
import { type Spread, spreadOf } from '../report.ts';
import { compareLatents } from './compare-latents.ts';
import { type Gate, gateLimits } from './gate-limits.ts';

/** One clip with what led to it. */
export interface GateClip {
  readonly clip: Clip;
  /** The sample after each step. */
  readonly latents: readonly Float32Array[];
  /** Both lower-case hex. */
  readonly latentsSha256: string;
  readonly framesSha256: string;
}

/** How a new clip stands to its golden. */
export interface GateFinding {
  readonly latentsEqual: boolean;
  readonly framesEqual: boolean;
  /** The worst of any step. */
  readonly cosine: number;
  readonly maxAbs: number;
  readonly lastCosine: number;
  readonly psnr: number;
  readonly ssim: number;
  /** A change of hue shows here, and not in `ssim`; told, and held to nothing. */
  readonly colorSsim: number;
  /** What is outside the gate's limits, a sentence each; none: passed. */
  readonly problems: readonly string[];
}

/** Compares one clip with its golden and holds it to the gate's limits. A clip of another shape or step count passes none. */
export function judgeAgainstGolden(gate: Gate, golden: GateClip, made: GateClip): GateFinding {
  const latentsEqual = golden.latentsSha256 === made.latentsSha256;
  const framesEqual = golden.framesSha256 === made.framesSha256;
  const odd = otherForm(golden, made);
  if (odd !== undefined) {
    const none = { cosine: 0, maxAbs: Number.POSITIVE_INFINITY, lastCosine: 0, psnr: 0, ssim: 0, colorSsim: 0 };
    return { latentsEqual, framesEqual, ...none, problems: [odd] };
  }
  const steps = golden.latents.map((latent, i) => compareLatents(latent, made.latents[i]!));
  const numbers = {
    cosine: Math.min(...steps.map(step => step.cosine)),
    maxAbs: Math.max(...steps.map(step => step.maxAbs)),
    lastCosine: steps.at(-1)?.cosine ?? 0,
    psnr: psnr(golden.clip, made.clip),
    ssim: likeness(golden.clip, made.clip).ssim,
    colorSsim: colorSsim(golden.clip, made.clip),
  };
  const finding = { latentsEqual, framesEqual, ...numbers };
  return { ...finding, problems: problemsOf(gate, finding) };
}

function otherForm(golden: GateClip, made: GateClip): string | undefined {
  if (golden.latents.length !== made.latents.length)
    return `it took ${made.latents.length} steps and the golden ${golden.latents.length}`;
  if (golden.latents.some((latent, i) => latent.length !== made.latents[i]!.length))
    return `its latents have ${made.latents[0]?.length} values and the golden's ${golden.latents[0]?.length}`;
  try {
    expectSameShape(golden.clip, made.clip);
    return undefined;
  } catch (error) {
    return error instanceof RangeError ? error.message.replace(/\.$/, '') : String(error);
  }
}

function problemsOf(gate: Gate, found: Omit<GateFinding, 'problems'>): string[] {
  const limits = gateLimits;
  const below = (name: string, got: number, least: number) =>
    got >= least ? [] : [`${name} is ${shown(got)}; ${least} or more is needed`];
  if (gate === 'L0')
    return [
      ...(found.latentsEqual ? [] : ['the latents are not the golden ones']),
      ...(found.framesEqual ? [] : ['the frames are not the golden ones']),
    ];
  if (gate === 'L1')
    return [
      ...below('the cosine of some step', found.cosine, limits.l1Cosine),
      ...(found.maxAbs <= limits.l1MaxAbs
        ? []
        : [`a latent is off by ${shown(found.maxAbs)}; at most ${limits.l1MaxAbs} is allowed`]),
    ];
  return [
    ...below('the cosine of the last step', found.lastCosine, limits.l2Cosine),
    ...below('PSNR', found.psnr, limits.l2Psnr),
    ...below('SSIM', found.ssim, limits.l2Ssim),
  ];
}

/** Figures of a prompt set, one list a seed. */
export type FiguresBySeed = readonly (readonly ClipFigures[])[];

/** Mean and deviation over the seeds of each figure's mean over the prompts. */
export function seedSpread(bySeed: FiguresBySeed): Record<keyof ClipFigures, Spread> {
  const meanOf = (figures: readonly ClipFigures[], name: keyof ClipFigures) =>
    figures.reduce((sum, one) => sum + one[name], 0) / figures.length;
  return Object.fromEntries(
    FIGURES.map(name => [name, spreadOf(bySeed.map(figures => meanOf(figures, name)))]),
  ) as Record<keyof ClipFigures, Spread>;
}

/** Figures whose mean has moved further than three deviations of the golden's own seeds; a sentence each. */
export function driftProblems(
  golden: Readonly<Record<keyof ClipFigures, Pick<Spread, 'mean' | 'deviation'>>>,
  made: FiguresBySeed,
): string[] {
  const now = seedSpread(made);
  return FIGURES.flatMap(name => {
    const { mean, deviation } = golden[name];
    const most = gateLimits.driftSigmas * Math.max(deviation, gateLimits.driftFloor * Math.abs(mean));
    const moved = now[name].mean - mean;
    if (Math.abs(moved) <= most) return [];
    const [before, after, allowed] = [mean, now[name].mean, most].map(value => shown(value, 4));
    return [`${name} went from ${before} to ${after}; ${allowed} either way is allowed`];
  });
}

function shown(value: number, digits = 6): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'no number' : 'infinite';
  return Math.abs(value) >= 0.001 || value === 0 ? String(Number(value.toPrecision(digits))) : value.toExponential(2);
}
