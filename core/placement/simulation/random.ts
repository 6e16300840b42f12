/** A stream of numbers in [0, 1): the only randomness the simulator knows. */
export type Draw = () => number;

/** The mulberry32 stream of a 32-bit seed (Tommy Ettinger's generator, public domain): each call gives one number in [0, 1). */
export function mulberry32(seed: number): Draw {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A standard normal number by Box and Muller's cosine: always two draws, so that a stream stays aligned. */
export function normal(draw: Draw): number {
  const radius = Math.sqrt(-2 * Math.log(Math.max(draw(), 1e-12)));
  return radius * Math.cos(2 * Math.PI * draw());
}

/** An exponential number of the given mean, in one draw. */
export function exponential(draw: Draw, mean: number): number {
  return -mean * Math.log(1 - draw());
}
