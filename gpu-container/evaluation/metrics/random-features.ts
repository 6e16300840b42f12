/**
 * @file What rFVD looks at: a clip through two 3D convolutions whose weights are random and never change. No network was trained for
 * it, so it is not FVD, whose features are those of I3D. Its figures compare with each other only.
 */
import { createTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { type Clip, checkedClip } from '../clip.ts';

/** Numbers that a clip becomes. */
export const FEATURES = 32;
/** Side of the picture that the networks see. */
const SIDE = 32;
const SEED = 20_240_731;
/** First layer: half of the filters see a picture, half, whose taps sum to 0 over time, only what changes. */
const FIRST = 16;
/** What changes is a small part of most pictures: without this the distance would hardly see motion. */
const CHANGE_GAIN = 4;

interface Volume {
  readonly channels: number;
  readonly frames: number;
  readonly side: number;
  readonly values: Float32Array;
}

interface Layer {
  /** [out, in / groups, 3, kernel, kernel] */
  readonly weights: Float32Array;
  readonly out: number;
  readonly groups: number;
  /** Of height and width; over time it is 3. */
  readonly kernel: number;
  readonly strideTime: number;
}

const layers = (() => {
  let made: readonly Layer[] | undefined;
  return () => {
    made ??= makeLayers();
    return made;
  };
})();

function makeLayers(): readonly Layer[] {
  const rng = createTorchRng(SEED);
  const scaled = (count: number, inputs: number) => rng.randn(count).map(value => value * Math.sqrt(2 / inputs));
  const first = scaled(FIRST * 3 * 3 * 25, 3 * 3 * 25);
  for (let filter = FIRST / 2; filter < FIRST; filter++)
    for (let color = 0; color < 3; color++)
      for (let place = 0; place < 25; place++) {
        const at = (filter * 3 + color) * 3 * 25 + place;
        const mean = (first[at]! + first[at + 25]! + first[at + 50]!) / 3;
        for (const tap of [at, at + 25, at + 50]) first[tap] = CHANGE_GAIN * (first[tap]! - mean);
      }
  return [
    { weights: first, out: FIRST, groups: 1, kernel: 5, strideTime: 1 },
    { weights: scaled(FEATURES * 8 * 27, 8 * 27), out: FEATURES, groups: 2, kernel: 3, strideTime: 2 },
  ];
}

/**
 * A clip's features [32]: 32×32 pixels by area means, -1..1; 16 filters of 3×5×5, stride 1×2×2; 32 filters of 3×3×3 in two groups,
 * stride 2; each clamped at 0, zeros around the edges; means over time and place. The same on every machine to float32's rounding.
 * Only clips with as many frames compare.
 */
export function randomFeatures(clip: Clip): Float64Array {
  let volume = shrunk(checkedClip(clip));
  for (const layer of layers()) volume = convolved(volume, layer);
  const cells = volume.values.length / volume.channels;
  return Float64Array.from({ length: volume.channels }, (_, channel) => {
    let sum = 0;
    for (let i = channel * cells; i < (channel + 1) * cells; i++) sum += volume.values[i]!;
    return sum / cells;
  });
}

/** Each of SIDE×SIDE cells is the mean of the pixels it touches, as torch's adaptive_avg_pool2d. */
function shrunk({ frames, height, width, rgb }: Clip): Volume {
  const rows = cellsOf(height);
  const columns = cellsOf(width);
  const values = new Float32Array(3 * frames * SIDE * SIDE);
  for (let t = 0; t < frames; t++)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++) {
        const [top, bottom] = rows[y]!;
        const [left, right] = columns[x]!;
        let [r, g, b] = [0, 0, 0];
        for (let row = top; row < bottom; row++)
          for (let at = 3 * ((t * height + row) * width + left), end = at + 3 * (right - left); at < end; at += 3) {
            r += rgb[at]!;
            g += rgb[at + 1]!;
            b += rgb[at + 2]!;
          }
        const scale = 1 / (127.5 * (bottom - top) * (right - left));
        for (const [color, sum] of [r, g, b].entries())
          values[((color * frames + t) * SIDE + y) * SIDE + x] = sum * scale - 1;
      }
  return { channels: 3, frames, side: SIDE, values };
}

const cellsOf = (pixels: number) =>
  Array.from(
    { length: SIDE },
    (_, i) => [Math.floor((i * pixels) / SIDE), Math.ceil(((i + 1) * pixels) / SIDE)] as const,
  );

/** A 3D convolution with zeros around, then max(0, x). Height and width are halved. */
function convolved(input: Volume, layer: Layer): Volume {
  const { weights, out, groups, kernel, strideTime } = layer;
  const frames = Math.ceil(input.frames / strideTime);
  const side = input.side / 2;
  const values = new Float32Array(out * frames * side * side);
  const filters = out / groups;
  const patch = new Float32Array((input.channels / groups) * 3 * kernel * kernel);
  for (let group = 0; group < groups; group++)
    for (let t = 0; t < frames; t++)
      for (let place = 0; place < side * side; place++) {
        const [y, x] = [Math.floor(place / side), place % side];
        gather(input, layer, { group, t: t * strideTime, y: 2 * y, x: 2 * x }, patch);
        for (let filter = group * filters; filter < (group + 1) * filters; filter++) {
          const from = filter * patch.length;
          let sum = 0;
          for (let i = 0; i < patch.length; i++) sum += weights[from + i]! * patch[i]!;
          if (sum > 0) values[(filter * frames + t) * side * side + place] = sum;
        }
      }
  return { channels: out, frames, side, values };
}

interface Place {
  readonly group: number;
  readonly t: number;
  readonly y: number;
  readonly x: number;
}

/** What the kernel sees around a place, in the order of its weights. */
function gather(input: Volume, { groups, kernel }: Layer, { group, t, y, x }: Place, patch: Float32Array): void {
  const { frames, side, values } = input;
  const channels = input.channels / groups;
  const pad = (kernel - 1) / 2;
  let to = 0;
  for (let channel = group * channels; channel < (group + 1) * channels; channel++)
    for (let frame = t - 1; frame <= t + 1; frame++)
      for (let row = y - pad; row <= y + pad; row++) {
        const isRow = frame >= 0 && frame < frames && row >= 0 && row < side;
        const start = ((channel * frames + frame) * side + row) * side;
        for (let column = x - pad; column <= x + pad; column++, to++)
          patch[to] = isRow && column >= 0 && column < side ? values[start + column]! : 0;
      }
}
