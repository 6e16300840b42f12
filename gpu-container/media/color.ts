/**
 * @file RGB to I420 by BT.709, limited range (ITU-R BT.709-6, section 3; luma 16..235, chroma 16..240). Done here because
 * webcodecs 1.3.1 given RGBA tags the stream GBR full range, and players then show wrong colours.
 *
 * 16-bit fixed point, rounded to nearest: luma per pixel, chroma from the sum of each 2x2 block. Within one level of the real
 * numbers.
 */

/** A round(65536 * coefficient * range / 255): Kr = 0.2126, Kb = 0.0722. */
const luma = (coefficient: number) => Math.round((65536 * coefficient * 219) / 255);
const chroma = (coefficient: number, divisor: number) => Math.round((65536 * coefficient * 224) / 255 / divisor);

const [KR, KG, KB] = [0.2126, 0.7152, 0.0722];
const Y_R = luma(KR);
const Y_B = luma(KB);
const Y_G = luma(1) - Y_R - Y_B; // the three add up, so that greys are exact
const CB_R = chroma(-KR, 2 * (1 - KB));
const CB_G = chroma(-KG, 2 * (1 - KB));
const CB_B = -CB_R - CB_G; // grey has no colour
const CR_G = chroma(-KG, 2 * (1 - KR));
const CR_B = chroma(-KB, 2 * (1 - KR));
const CR_R = -CR_G - CR_B;
const HALF = 1 << 15;

/** Bytes of one I420 frame: luma, then a quarter of it twice. */
export function i420Bytes(width: number, height: number): number {
  return (width * height * 3) / 2;
}

/** RGB [H, W, 3] -> I420 planes Y [H, W], Cb and Cr [H/2, W/2], in one array. Width and height are even. */
export function rgbToI420(rgb: Uint8Array, width: number, height: number): Uint8Array {
  if (width % 2 !== 0 || height % 2 !== 0)
    throw new RangeError(`color: got ${width}x${height}; even sizes are needed.`);
  if (rgb.length !== width * height * 3)
    throw new RangeError(`color: got ${rgb.length} bytes; ${width}x${height} RGB has ${width * height * 3}.`);
  const planes = new Uint8Array(i420Bytes(width, height));
  for (let i = 0, p = 0; i < width * height; i++, p += 3)
    planes[i] = 16 + ((Y_R * rgb[p]! + Y_G * rgb[p + 1]! + Y_B * rgb[p + 2]! + HALF) >> 16);
  const cb = width * height;
  const cr = cb + cb / 4;
  const row = width * 3;
  for (let y = 0, i = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2, i++) {
      const p = y * row + x * 3;
      const q = p + row;
      const red = rgb[p]! + rgb[p + 3]! + rgb[q]! + rgb[q + 3]!;
      const green = rgb[p + 1]! + rgb[p + 4]! + rgb[q + 1]! + rgb[q + 4]!;
      const blue = rgb[p + 2]! + rgb[p + 5]! + rgb[q + 2]! + rgb[q + 5]!;
      // sums of four pixels: two more bits to shift out; at most 4 * 255 * 28784 < 2^25, well inside 32 bits
      planes[cb + i] = 128 + ((CB_R * red + CB_G * green + CB_B * blue + 4 * HALF) >> 18);
      planes[cr + i] = 128 + ((CR_R * red + CR_G * green + CR_B * blue + 4 * HALF) >> 18);
    }
  return planes;
}
