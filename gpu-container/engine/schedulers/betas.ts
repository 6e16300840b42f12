/**
 * @file The noise schedule a diffusion model was trained with: betas and their cumulative alphas (Ho et al. 2020, arXiv
 * 2006.11239), in float32 as torch computes them.
 */
import { choice, integer, number, optionalNumbers } from './read-config.ts';

const f32 = Math.fround;

/** float32 or, where a class asks torch for it, float64. */
export type Round = (value: number) => number;

/** What of a config the betas depend on. */
export interface BetaConfig {
  readonly num_train_timesteps: number;
  readonly beta_start: number;
  readonly beta_end: number;
  readonly beta_schedule: string;
  readonly trained_betas: readonly number[] | null;
}

/** The config keys of the betas with a class's defaults; `schedules` are those it takes, its default first. */
export const betaFields = (start: number, end: number, ...schedules: [string, ...string[]]) => ({
  num_train_timesteps: integer(1000, 1),
  beta_start: number(start),
  beta_end: number(end),
  beta_schedule: choice(...schedules),
  trained_betas: optionalNumbers,
});

/** The schedules most classes take. */
export const COMMON_SCHEDULES = ['scaled_linear', 'squaredcos_cap_v2'];

/**
 * Product of alphas up to each training timestep, exact in float32. With `rescale` the last has no signal left (Lin et al. 2023,
 * arXiv 2305.08891, algorithm 1).
 */
export function alphasCumprod(config: BetaConfig, rescale: boolean): Float64Array {
  let betas = makeBetas(config, f32);
  if (rescale) {
    const bars = zeroTerminalSnr(cumulativeAlphas(betas, f32), f32);
    betas = betas.map((_, i) => f32(1 - (i === 0 ? bars[0]! : f32(bars[i]! / bars[i - 1]!))));
  }
  return cumulativeAlphas(betas, f32);
}

/** alphasCumprod of the classes that keep 2^-24 of signal at the last timestep, so that its sigma is finite: 4096. */
export function alphasCumprodWithFloor(config: BetaConfig, rescale: boolean): Float64Array {
  const alphas = alphasCumprod(config, rescale);
  if (rescale) alphas[alphas.length - 1] = 2 ** -24;
  return alphas;
}

/** The betas; `round` is the precision of the scaled_linear table, float32 elsewhere. */
export function makeBetas(config: BetaConfig, round: Round): Float64Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end } = config;
  if (config.trained_betas !== null) return Float64Array.from(config.trained_betas, f32);
  switch (config.beta_schedule) {
    case 'linear':
      return torchLinspace(start, end, count, f32);
    case 'scaled_linear':
      return torchLinspace(start ** 0.5, end ** 0.5, count, round).map(root => round(root * root));
    case 'squaredcos_cap_v2':
      return betasOfAlphaBar(count, t => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2);
    case 'exp':
      return betasOfAlphaBar(count, t => Math.exp(t * -12));
    case 'laplace':
      return betasOfAlphaBar(count, laplace);
    case 'sigmoid':
      return torchLinspace(-6, 6, count, f32).map(x => {
        const sigmoid = f32(1 / f32(1 + f32(Math.exp(-x))));
        return f32(f32(sigmoid * f32(end - start)) + f32(start));
      });
    default:
      throw new Error(`scheduler: got beta_schedule ${config.beta_schedule}.`);
  }
}

/** torch.cumprod(1 - betas): torch multiplies in float64 and rounds each entry. */
export function cumulativeAlphas(betas: Float64Array, round: Round): Float64Array {
  let product = 1;
  return betas.map(beta => {
    product *= round(1 - beta);
    return round(product);
  });
}

/** Cumulative alphas, shifted and stretched so that the first stays and the last is 0. */
export function zeroTerminalSnr(alphas: Float64Array, round: Round): Float64Array {
  const roots = alphas.map(alpha => round(Math.sqrt(alpha)));
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const stretch = round(first / round(first - last));
  return roots.map(root => {
    const stretched = round(round(root - last) * stretch);
    return round(stretched * stretched);
  });
}

/** torch.linspace: from either end towards the middle, with fused multiply-adds. */
export function torchLinspace(from: number, to: number, count: number, round: Round): Float64Array {
  const [start, end] = [round(from), round(to)];
  const stride = round(round(end - start) / (count - 1));
  const half = Math.floor(count / 2);
  return Float64Array.from({ length: count }, (_, i) => {
    if (count === 1) return start;
    return i < half ? round(start + stride * i) : round(end - stride * (count - i - 1));
  });
}

/** Betas that make `alphaBar`, a function of t in 0..1, the cumulative alpha; at most 0.999. */
function betasOfAlphaBar(count: number, alphaBar: (t: number) => number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) =>
    f32(Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999)),
  );
}

function laplace(t: number): number {
  const side = t > 0.5 ? -1 : 1;
  const snr = Math.exp(-0.5 * side * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6));
  return Math.sqrt(snr / (1 + snr));
}
