/**
 * @file Sums of arrays in float32, each product and each sum rounded as torch does. Plain loops: a latent has millions of values.
 * The weights are float32 or are rounded to it first, as torch does with a scalar.
 */
const f32 = Math.fround;

/** a x + b y. */
export function mix(a: number, x: Float32Array, b: number, y: Float32Array): Float32Array {
  const [wa, wb] = [f32(a), f32(b)];
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = f32(wa * x[i]!) + f32(wb * y[i]!);
  return out;
}

/** (a x + b y) / d. */
export function mixOver(a: number, x: Float32Array, b: number, y: Float32Array, d: number): Float32Array {
  const [wa, wb, wd] = [f32(a), f32(b), f32(d)];
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = f32(f32(wa * x[i]!) + f32(wb * y[i]!)) / wd;
  return out;
}

/** total + a x, in place. */
export function accumulate(total: Float32Array, a: number, x: Float32Array): Float32Array {
  const wa = f32(a);
  for (let i = 0; i < total.length; i++) total[i] = total[i]! + f32(wa * x[i]!);
  return total;
}

/** a x. */
export function scale(a: number, x: Float32Array): Float32Array {
  const wa = f32(a);
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = wa * x[i]!;
  return out;
}

/** x / d. */
export function divide(x: Float32Array, d: number): Float32Array {
  const wd = f32(d);
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = x[i]! / wd;
  return out;
}

/** x between -bound and bound, over `divisor`. Comparisons: Math.min and Math.max take three times as long. */
export function clamp(x: Float32Array, bound: number, divisor = 1): Float32Array {
  const limit = f32(bound);
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) {
    let value = x[i]!;
    if (value > limit) value = limit;
    else if (value < -limit) value = -limit;
    out[i] = value / divisor;
  }
  return out;
}
