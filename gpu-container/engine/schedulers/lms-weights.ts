/**
 * @file The weights of LMSDiscreteScheduler: integrals of cubics at most. diffusers leaves them to QUADPACK's 21 points of
 * Gauss-Kronrod, with an integrand that is float32; two points of Gauss in float64 would be exact, and other in the sixth digit.
 */

const f32 = Math.fround;

/** Positive nodes of the rule in -1..1 with their weights; QUADPACK sums the even ones first. */
const NODES: readonly (readonly [number, number])[] = [
  [0.9739065285171717, 0.032558162307964725],
  [0.8650633666889845, 0.07503967481091996],
  [0.6794095682990244, 0.10938715880229764],
  [0.4333953941292472, 0.13470921731147334],
  [0.14887433898163122, 0.14773910490133849],
  [0.9956571630258081, 0.011694638867371874],
  [0.9301574913557082, 0.054755896574351995],
  [0.7808177265864169, 0.0931254545836976],
  [0.5627571346686047, 0.12349197626206584],
  [0.2943928627014602, 0.14277593857706009],
];
const MIDDLE_WEIGHT = 0.1494455540029169;

/**
 * The integral, over the step from sigma `index` to the next, of the Lagrange polynomial that is 1 at the sigma `back` steps ago
 * and 0 at the other `order` - 1.
 */
export function multistepWeight(sigmas: readonly number[], index: number, order: number, back: number): number {
  const [from, to] = [sigmas[index]!, sigmas[index + 1]!];
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  let sum = MIDDLE_WEIGHT * lagrange(sigmas, index, order, back, middle);
  for (const [node, weight] of NODES) {
    const distance = half * node;
    const below = lagrange(sigmas, index, order, back, middle - distance);
    sum += weight * (below + lagrange(sigmas, index, order, back, middle + distance));
  }
  return half * sum;
}

function lagrange(sigmas: readonly number[], index: number, order: number, back: number, at: number): number {
  const own = sigmas[index - back]!;
  let product = 1;
  for (let k = 0; k < order; k++) {
    if (k === back) continue;
    const other = sigmas[index - k]!;
    product = f32(product * f32(f32(f32(at) - other) / f32(own - other)));
  }
  return product;
}
