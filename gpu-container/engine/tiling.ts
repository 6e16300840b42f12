/**
 * @file Spatial tiles of a latent and their frames blended into one picture, as diffusers' `tiled_decode` of its video VAEs: tiles
 * start every `stride`, overlap by size - stride, each is blended linearly with the one above and the one to the left (already
 * blended themselves), then cut to `stride`.
 */

/** Tile size and distance in pixels; both multiples of the decoder's scale. */
export interface TileRule {
  readonly size: number;
  readonly stride: number;
}

/** A tile's place in the latent, in cells. */
export interface Tile {
  readonly row: number;
  readonly column: number;
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Frames of one tile: [planes, height, width], where planes are colors times frames. */
export interface TilePicture {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** The tiles of a latent of height x width cells, row by row; one where it fits a tile. */
export function tilesOf(height: number, width: number, rule: TileRule | undefined, scale: number): Tile[] {
  const whole = { row: 0, column: 0, top: 0, left: 0, height, width };
  if (rule === undefined) return [whole];
  const size = Math.floor(rule.size / scale);
  const stride = Math.floor(rule.stride / scale);
  if (size < 1 || stride < 1 || stride > size)
    throw new RangeError(
      `tile: got size ${rule.size} and stride ${rule.stride}; stride is at most size, both at least ${scale}.`,
    );
  if (height <= size && width <= size) return [whole];
  const tiles: Tile[] = [];
  for (let top = 0, row = 0; top < height; top += stride, row++)
    for (let left = 0, column = 0; left < width; left += stride, column++)
      tiles.push({ row, column, top, left, height: Math.min(size, height - top), width: Math.min(size, width - left) });
  return tiles;
}

/** Cells of [1, C, T, h, w] in frames from..to of one tile -> [1, C, to - from, tile.height, tile.width]; the input where it is all. */
export function cropLatent(
  data: Float32Array,
  dims: readonly number[],
  frames: readonly [from: number, to: number],
  tile: Tile,
): Float32Array {
  const [, channels, all, height, width] = dims as [number, number, number, number, number];
  const [from, to] = frames;
  if (from === 0 && to === all && tile.height === height && tile.width === width) return data;
  const out = new Float32Array(channels * (to - from) * tile.height * tile.width);
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let t = from; t < to; t++)
      for (let y = tile.top; y < tile.top + tile.height; y++) {
        const start = ((c * all + t) * height + y) * width + tile.left;
        out.set(data.subarray(start, start + tile.width), at);
        at += tile.width;
      }
  return out;
}

/** Blends the pictures of `tiles` (same order) into [planes, height, width] pixels. Changes the pictures. */
export function blendTiles(
  tiles: readonly Tile[],
  pictures: readonly TilePicture[],
  rule: TileRule,
  size: { readonly planes: number; readonly height: number; readonly width: number },
): Float32Array {
  const { planes, height, width } = size;
  const overlap = rule.size - rule.stride;
  const columns = 1 + Math.max(...tiles.map(tile => tile.column));
  const out = new Float32Array(planes * height * width);
  for (const [i, { row, column }] of tiles.entries()) {
    const picture = pictures[i]!;
    if (row > 0) blendDown(pictures[i - columns]!, picture, planes, overlap);
    if (column > 0) blendRight(pictures[i - 1]!, picture, planes, overlap);
    const top = row * rule.stride;
    const left = column * rule.stride;
    const rows = Math.min(rule.stride, picture.height, height - top);
    const cells = Math.min(rule.stride, picture.width, width - left);
    for (let p = 0; p < planes; p++)
      for (let y = 0; y < rows; y++) {
        const from = (p * picture.height + y) * picture.width;
        out.set(picture.data.subarray(from, from + cells), (p * height + top + y) * width + left);
      }
  }
  return out;
}

function blendDown(above: TilePicture, picture: TilePicture, planes: number, overlap: number): void {
  const extent = Math.min(above.height, picture.height, overlap);
  const width = Math.min(above.width, picture.width);
  for (let p = 0; p < planes; p++)
    for (let y = 0; y < extent; y++) {
      const from = (p * above.height + above.height - extent + y) * above.width;
      const to = (p * picture.height + y) * picture.width;
      mix(above.data, from, picture.data, to, width, y / extent);
    }
}

function blendRight(before: TilePicture, picture: TilePicture, planes: number, overlap: number): void {
  const extent = Math.min(before.width, picture.width, overlap);
  const rows = Math.min(before.height, picture.height);
  for (let p = 0; p < planes; p++)
    for (let y = 0; y < rows; y++) {
      const from = (p * before.height + y) * before.width + before.width - extent;
      const to = (p * picture.height + y) * picture.width;
      for (let x = 0; x < extent; x++) mix(before.data, from + x, picture.data, to + x, 1, x / extent);
    }
}

/** b = a · (1 - weight) + b · weight, rounded as torch does. */
function mix(a: Float32Array, fromA: number, b: Float32Array, fromB: number, count: number, weight: number): void {
  const ofA = Math.fround(1 - weight);
  const ofB = Math.fround(weight);
  for (let i = 0; i < count; i++) b[fromB + i] = Math.fround(a[fromA + i]! * ofA) + Math.fround(b[fromB + i]! * ofB);
}
