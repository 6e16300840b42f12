/**
 * The figures of docs/evaluation.md: what the metrics cost, and what rFVD tells sets of drawn clips apart by.
 *
 *     node test/evaluation/figures.ts        some two minutes of one core
 */

import type { Clip } from '#gpu-container/evaluation/clip.ts';
import { flickerOf } from '#gpu-container/evaluation/metrics/flicker.ts';
import { frechetDistance } from '#gpu-container/evaluation/metrics/frechet.ts';
import { judgeClip } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { lumaOf } from '#gpu-container/evaluation/metrics/luma.ts';
import { psnr } from '#gpu-container/evaluation/metrics/psnr.ts';
import { randomFeatures } from '#gpu-container/evaluation/metrics/random-features.ts';
import { likeness } from '#gpu-container/evaluation/metrics/ssim.ts';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { disturbed } from './made-clips.ts';

/** Milliseconds of processor time of one call, the last of five. */
function cost(work: () => unknown): number {
  let used = 0;
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    used = (user + system) / 1000;
  }
  return used;
}

const large = drawClip(fixedPrompts()[0]!.scene, 256);
const noisy = disturbed(large, 1, 8);
console.log('processor time of one 25-frame 256x256 clip, ms');
for (const [name, work] of Object.entries({
  'all figures and defects of a drawn clip': () => judgeClip(large),
  'the same of a noisy one': () => judgeClip(noisy),
  'PSNR, SSIM and MS-SSIM of two clips': () => [psnr(large, noisy), likeness(large, noisy)],
  'features for rFVD': () => randomFeatures(noisy),
  'a drawn clip and its flicker': () => flickerOf(lumaOf(drawClip(fixedPrompts()[0]!.scene, 256))),
}))
  console.log(`  ${name}: ${cost(work).toFixed(0)}`);

const frozen = (clip: Clip): Clip => {
  const frame = 3 * clip.height * clip.width;
  return { ...clip, rgb: clip.rgb.map((_, i, all) => all[i % frame]!) };
};
const blurred = (clip: Clip): Clip => ({
  ...clip,
  rgb: clip.rgb.map((byte, i, all) => {
    const step = (x: number) => all[i + x] ?? byte;
    return (2 * byte + step(3) + step(-3) + step(3 * clip.width) + step(-3 * clip.width)) / 6;
  }),
});

const clips = fixedPrompts().map(({ scene }) => drawClip(scene, 128));
const features = clips.map(randomFeatures);
console.log('\nrFVD of two halves of drawn clips, other scenes in each');
for (const count of [16, 32, 64, 128])
  console.log(
    `  ${count} clips a side: ${frechetDistance(features.slice(0, count), features.slice(128, 128 + count)).toFixed(3)}`,
  );
console.log('\nrFVD of 128 drawn clips and the same, changed');
const changes = { 'noise of 12 levels': (clip: Clip) => disturbed(clip, 3, 12), 'blurred a little': blurred, frozen };
for (const [name, change] of Object.entries(changes))
  console.log(
    `  ${name}: ${frechetDistance(features.slice(0, 128), clips.slice(0, 128).map(change).map(randomFeatures)).toFixed(3)}`,
  );
