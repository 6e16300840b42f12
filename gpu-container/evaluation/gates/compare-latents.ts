/** How near two samples of one step are. */
export interface LatentLikeness {
  /** Of the angle between them, -1 to 1; 1 for two of nothing but zeros, 0 where only one is. */
  readonly cosine: number;
  /** Of the difference of any value. */
  readonly maxAbs: number;
}

/** Compares two samples; NaN in either makes both figures NaN, which passes no gate. RangeError where their lengths differ. */
export function compareLatents(a: Float32Array, b: Float32Array): LatentLikeness {
  if (a.length !== b.length) throw new RangeError(`latents: ${a.length} values cannot be compared with ${b.length}.`);
  let [dot, first, second, maxAbs] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    dot += x * y;
    first += x * x;
    second += y * y;
    const difference = Math.abs(x - y);
    if (!(difference <= maxAbs)) maxAbs = difference;
    if (Number.isNaN(difference)) return { cosine: Number.NaN, maxAbs: Number.NaN };
  }
  if (first === 0 && second === 0) return { cosine: 1, maxAbs };
  return { cosine: first === 0 || second === 0 ? 0 : dot / Math.sqrt(first * second), maxAbs };
}
