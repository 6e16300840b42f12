/** Squares of a picture that are compared with their right neighbours: 8 rows of 8 comparisons. */
const [ACROSS, DOWN] = [9, 8];

/**
 * 64 bits of a picture as 16 hex digits: whether each square of its luma is darker than the one to its right (a "difference hash"). It
 * outlives recompression and another size; two pictures that differ in ten bits or fewer are probably of the same. No proof of anything.
 */
export function pictureHash(luma: Uint8Array, width: number, height: number): string {
  const means = new Float64Array(ACROSS * DOWN);
  for (let row = 0; row < DOWN; row++)
    for (let column = 0; column < ACROSS; column++) {
      const [top, bottom] = [row, row + 1].map(edge => Math.floor((edge * height) / DOWN)) as [number, number];
      const [left, right] = [column, column + 1].map(edge => Math.floor((edge * width) / ACROSS)) as [number, number];
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += luma[y * width + x]!;
      means[row * ACROSS + column] = sum / Math.max(1, (bottom - top) * (right - left));
    }
  let bits = 0n;
  for (let row = 0; row < DOWN; row++)
    for (let column = 0; column + 1 < ACROSS; column++) {
      const at = row * ACROSS + column;
      bits = (bits << 1n) | (means[at]! < means[at + 1]! ? 1n : 0n);
    }
  return bits.toString(16).padStart(16, '0');
}
