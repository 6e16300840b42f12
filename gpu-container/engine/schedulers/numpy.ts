/**
 * @file What numpy computes, rounding for rounding: the tables of diffusers' schedulers are made with it. Every formula here was
 * compared bit for bit with numpy 2.4 on x86-64; see exporter/oracle/schedulers.py.
 */
const f32 = Math.fround;

/** numpy.linspace: the last value is `to` exactly; one value is `from`. */
export function linspace(from: number, to: number, count: number): number[] {
  const stride = count > 1 ? (to - from) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? to : i * stride + from));
}

/** numpy.arange(from, 0, -stride): floating-point error may make it one longer than from / stride. */
export function countDown(from: number, stride: number): number[] {
  const delta = from - stride - from; // as numpy fills it: by the difference of the first two
  return Array.from({ length: Math.ceil((0 - from) / -stride) }, (_, i) =>
    i === 1 ? from - stride : from + i * delta,
  );
}

/** numpy.round: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** numpy.interp over the abscissas 0, 1, 2 …, in float64; outside, the nearest end. */
export function interpolate(at: number, table: ArrayLike<number>): number {
  const last = table.length - 1;
  if (!(at > 0)) return table[0]!;
  if (at >= last) return table[last]!;
  const low = Math.floor(at);
  return (table[low + 1]! - table[low]!) * (at - low) + table[low]!;
}

/**
 * numpy.log of a float32, a rational approximation that is off by up to 4 ulp: truncated timesteps depend on its very bits.
 * Products and sums of float32 are exact enough in float64 to stand for its fused multiply-adds.
 */
export function logFloat32(value: number): number {
  let [mantissa, exponent] = split(value);
  if (mantissa <= Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const x = f32(mantissa - 1);
  const quotient = f32(polynomial(NUMERATOR, x) / polynomial(DENOMINATOR, x));
  return f32(exponent * LN2 + quotient);
}

const LN2 = f32(Math.LN2);

/** Minimax coefficients of log(1 + x) as numpy has them, highest power first. */
const NUMERATOR = [0.0258997912, 0.380883774, 1.48000063, 2.11267754, 1, 0].map(f32);
const DENOMINATOR = [0.0058750954, 0.154647638, 0.986494296, 2.45300607, 2.61267754, 1].map(f32);

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => f32(sum * x + coefficient));
}

/** frexp: value = mantissa * 2^exponent, mantissa in [0.5, 1). */
function split(value: number): [number, number] {
  let exponent = Math.floor(Math.log2(value)) + 1;
  let mantissa = value / 2 ** exponent;
  if (mantissa >= 1) [mantissa, exponent] = [mantissa / 2, exponent + 1];
  if (mantissa < 0.5) [mantissa, exponent] = [mantissa * 2, exponent - 1];
  return [mantissa, exponent];
}
