/** @file What happens to files on their way, done by ffmpeg: two processes a clip, one that writes all copies and one that decodes them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FrameSize, frameBytes } from '#gpu-container/provenance/watermark/i420.ts';
import type { Geometry } from '#gpu-container/provenance/watermark/resample.ts';

export interface Attack {
  readonly name: string;
  /** ffmpeg's video filter. */
  readonly filter?: string;
  /** Encoder and its settings. */
  readonly encode: readonly string[];
  readonly size: FrameSize;
  /** The part that a crop left. */
  readonly geometry?: Geometry;
}

/** What came back of one of them. */
export interface Copy extends Attack {
  readonly frames: readonly Uint8Array[];
}

const x264 = (crf: number) => ['-c:v', 'libx264', '-preset', 'medium', '-crf', String(crf)];
const x265 = (crf: number) => ['-c:v', 'libx265', '-preset', 'medium', '-x265-params', `crf=${crf}:log-level=error`];
const even = (value: number) => 2 * Math.round(value / 2);

/** The attacks on a clip; where a crop lies comes from `random`. */
export function attacksOn(size: FrameSize, frames: number, random: () => number): Attack[] {
  const half = { width: even(size.width / 2), height: even(size.height / 2) };
  const filtered = (name: string, filter: string, crf: number, to = size): Attack => ({
    ...{ name, filter, encode: x264(crf), size: to },
  });
  const crop = (percent: number): Attack => {
    const to = { width: even((size.width * percent) / 100), height: even((size.height * percent) / 100) };
    const [left, top] = [even(random() * (size.width - to.width)), even(random() * (size.height - to.height))];
    const geometry = { scale: to.width / size.width, x: left / size.width, y: top / size.height };
    return { ...filtered(`crop ${percent} %`, `crop=${to.width}:${to.height}:${left}:${top}`, 23, to), geometry };
  };
  const third = Math.floor(frames / 3);
  return [
    ...[23, 28, 32, 35, 38].map(crf => ({ name: `crf ${crf}`, encode: x264(crf), size })),
    { name: 'x265 crf 28', encode: x265(28), size },
    filtered('50 %, crf 23', `scale=${half.width}:${half.height}`, 23, half),
    filtered('50 %, crf 28', `scale=${half.width}:${half.height}`, 28, half),
    filtered('trim to a third, crf 28', `trim=start_frame=${third}:end_frame=${2 * third},setpts=PTS-STARTPTS`, 28),
    filtered('half fps, crf 28', "select='not(mod(n,2))',setpts=N/FRAME_RATE/TB", 28),
    filtered('through RGB, crf 23', 'format=gbrp,format=yuv420p', 23),
    filtered('saturation 0.6', 'hue=s=0.6', 23),
    filtered('contrast 0.8', 'eq=contrast=0.8', 23),
    filtered('gamma 1.2', 'eq=gamma=1.2', 23),
    filtered('hue 10 degrees', 'hue=h=10', 23),
    filtered('gray', 'hue=s=0', 23),
    ...[90, 80, 75].map(crop),
  ];
}

/** What the goals name; the others are measured on fewer clips. */
export const NAMED: readonly string[] = [
  ...['crf 23', 'crf 28', 'crf 35', 'crf 38', '50 %, crf 23', 'trim to a third, crf 28', 'half fps, crf 28'],
  ...['saturation 0.6', 'gray', 'crop 90 %'],
];

/** The frames of a file, as it is, and of its attacked copies. */
export function attack(file: Uint8Array, size: FrameSize, attacks: readonly Attack[], folder: string): Copy[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  writeFileSync(at('own.mp4'), file);
  const writes = attacks.flatMap(({ filter, encode }, i) => [
    ...(filter === undefined ? [] : ['-vf', filter]),
    ...[...encode, '-pix_fmt', 'yuv420p', '-threads', '1', '-vsync', '0', at(`${i}.mp4`)],
  ]);
  ffmpeg(['-i', at('own.mp4'), ...writes]);
  const all: readonly Attack[] = [{ name: 'as delivered', encode: [], size }, ...attacks];
  const files = all.map((_, i) => at(i === 0 ? 'own.mp4' : `${i - 1}.mp4`));
  const reads = files.flatMap((_, i) => ['-map', `${i}:v`, '-f', 'rawvideo', '-vsync', '0', at(`${i}.yuv`)]);
  ffmpeg([...files.flatMap(name => ['-threads', '1', '-i', name]), ...reads]);
  const copies = all.map((one, i) => ({ ...one, frames: framesOf(readFileSync(at(`${i}.yuv`)), one.size) }));
  rmSync(folder, { recursive: true, force: true });
  return copies;
}

function framesOf(bytes: Uint8Array, size: FrameSize): Uint8Array[] {
  const each = frameBytes(size);
  if (bytes.length === 0 || bytes.length % each !== 0) throw new Error(`ffmpeg gave ${bytes.length} bytes of ${each}.`);
  return Array.from({ length: bytes.length / each }, (_, i) => bytes.subarray(i * each, (i + 1) * each));
}

function ffmpeg(args: readonly string[]): void {
  const run = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { encoding: 'utf8', timeout: 300_000 });
  if (run.status !== 0) throw new Error(run.stderr || String(run.error));
}
