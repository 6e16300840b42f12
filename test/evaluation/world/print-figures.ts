/**
 * @file What the oracle reads right in perfect clips: as drawn at 256 x 256, and from H.264 as clips are delivered. docs/world.md has the
 * figures.
 *
 *     node test/evaluation/world/print-figures.ts [how many of the fixed prompts]
 */
import type { Clip } from '#gpu-container/evaluation/clip.ts';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { type JudgedPrompt, ratesOf } from '#gpu-container/evaluation/world/rates.ts';
import { readClip } from '#gpu-container/evaluation/world/read-clip.ts';
import { compareReading } from '#gpu-container/evaluation/world/readings.ts';
import { FPS } from '#gpu-container/evaluation/world/scene.ts';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { eachOwnFrame } from '#gpu-container/media/own-frames.ts';
import { yuvToRgb } from '#gpu-container/media/yuv-to-rgb.ts';

const SIDE = 256;
const prompts = fixedPrompts().slice(0, Number(process.argv[2] ?? 256));
const judged: Record<string, JudgedPrompt[]> = { drawn: [], 'through H.264': [] };
const took = { draw: 0, read: 0 };
for (const { prompt, scene, want } of prompts) {
  const clip = timed('draw', () => drawClip(scene, SIDE));
  for (const [source, seen] of Object.entries({ drawn: clip, 'through H.264': await delivered(clip) })) {
    const got = timed('read', () => readClip(seen));
    judged[source]!.push({ want, got });
    if (!compareReading(want, got).all)
      console.log(`${source}, misread: ${prompt}\n  ${JSON.stringify(want)}\n  ${JSON.stringify(got)}`);
  }
}
for (const [source, rows] of Object.entries(judged)) {
  const { clips, percent, eachOfTwo } = ratesOf(rows);
  console.log(`${source} (${clips}):`, JSON.stringify({ ...percent, eachOfTwo }));
}
const [draw, read] = [took.draw / prompts.length, took.read / (2 * prompts.length)].map(Math.round);
console.log(`${draw} ms of CPU to draw a clip of ${SIDE}x${SIDE}, ${read} to read one, prototypes included`);

/** Encoded as videos are delivered, and decoded. */
async function delivered(clip: Clip): Promise<Clip> {
  const file = await encodeMp4({ ...clip, fps: FPS }, () => undefined);
  const rgb = new Uint8Array(clip.rgb.length);
  const [luma, chroma] = [SIDE * SIDE, (SIDE * SIDE) / 4];
  let frame = 0;
  await eachOwnFrame(file, clip.frames, bytes => {
    const picture = yuvToRgb({
      width: SIDE,
      height: SIDE,
      bytes,
      luma: { offset: 0, stride: SIDE },
      cb: { offset: luma, stride: SIDE / 2 },
      cr: { offset: luma + chroma, stride: SIDE / 2 },
      chromaStep: 1,
      shiftX: 1,
      shiftY: 1,
      matrix: 'bt709',
      fullRange: false,
    });
    rgb.set(picture, picture.length * frame++);
  });
  if (frame !== clip.frames) throw new Error(`the file has ${frame} frames of ${clip.frames}.`);
  return { ...clip, rgb };
}

/** CPU time, since the machine may have other work. */
function timed<T>(what: keyof typeof took, work: () => T): T {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  took[what] += (user + system) / 1000;
  return result;
}
