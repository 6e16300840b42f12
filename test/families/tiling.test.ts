/** Spatial tiles against diffusers' blending, and streaming against itself: how many frames a run takes must not show. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { floats } from '#gpu-container/engine/tensor.ts';
import { blendTiles, cropLatent, tilesOf } from '#gpu-container/engine/tiling.ts';
import { openFamily } from '#gpu-container/render/open-family.ts';
import { openVideoDecoder } from '#gpu-container/render/video-decoder.ts';
import { type Bundle, loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import oracle from './fixtures/tiled-decode.json' with { type: 'json' };

const FOLDER = join(import.meta.dirname, '../fixtures/bundles/wan-2.1-t2v');
const { frames, height, width } = oracle.latent;

/** The tiny bundle with another tile. */
async function tiled(tile: { size: number; stride: number } | undefined): Promise<Bundle> {
  const bundle = await loadBundle(FOLDER);
  const { tile: _, ...vae_decoder } = bundle.manifest.components.vae_decoder;
  const components = { ...bundle.manifest.components, vae_decoder: { ...vae_decoder, ...(tile && { tile }) } };
  return { ...bundle, manifest: { ...bundle.manifest, components } };
}

async function decode(bundle: Bundle): Promise<{ sample: Float32Array; runs: number }> {
  const decoder = await openVideoDecoder(bundle, openFamily(bundle).decoder, createOrtBackend({ threads: 1 }));
  const channels = (bundle.configs.vae_decoder as { z_dim: number }).z_dim;
  const values = Float32Array.from({ length: channels * frames * height * width }, (_, i) => Math.sin(i * 0.7));
  const clip = { frames: 4 * (frames - 1) + 1, height: 8 * height, width: 8 * width };
  const cells = clip.height * clip.width;
  const sample = new Float32Array(3 * clip.frames * cells);
  let [at, runs] = [0, 0];
  const input = { latent: floats(values, [1, channels, frames, height, width]) };
  for await (const chunk of decoder.decode(input, clip, async () => void runs++)) {
    for (let color = 0; color < 3; color++) {
      const size = chunk.frames * cells;
      sample.set(chunk.sample.subarray(color * size, (color + 1) * size), (color * clip.frames + at) * cells);
    }
    at += chunk.frames;
  }
  await decoder.release();
  return { sample, runs };
}

test('a picture of tiles is cut and blended as diffusers does it', async () => {
  const { sample, runs } = await decode(await tiled(oracle.tile));
  expect(runs).toBe(frames * 3 * 4);
  expect(sample.length).toBe(oracle.shape.reduce((product, size) => product * size, 1));
  const worst = oracle.values.reduce((most, value, i) => Math.max(most, Math.abs(value - sample[i * oracle.keep]!)), 0);
  expect(worst).toBeLessThan(1e-5);
});

test('one tile that holds all is the whole picture, bit by bit', async () => {
  const whole = await decode(await tiled(undefined));
  expect(whole.runs).toBe(frames);
  expect((await decode(await tiled({ size: 80, stride: 80 }))).sample).toEqual(whole.sample);
  expect((await decode(await tiled({ size: 48, stride: 24 }))).sample).not.toEqual(whole.sample);
});

test('tiles cover every cell, and impossible ones are refused', () => {
  expect(tilesOf(4, 4, undefined, 8)).toHaveLength(1);
  expect(tilesOf(7, 10, { size: 32, stride: 24 }, 8).map(t => [t.top, t.left, t.height, t.width])).toEqual(
    [0, 3, 6].flatMap(top => [0, 3, 6, 9].map(left => [top, left, Math.min(4, 7 - top), Math.min(4, 10 - left)])),
  );
  expect(() => tilesOf(9, 9, { size: 4, stride: 4 }, 8)).toThrow('both at least 8');
  const latent = Float32Array.from({ length: 2 * 3 * 3 }, (_, i) => i);
  const tile = { row: 0, column: 0, top: 1, left: 1, height: 2, width: 1 };
  expect([...cropLatent(latent, [1, 1, 2, 3, 3], [1, 2], tile)]).toEqual([13, 16]);
});

test('an overlap goes linearly from one tile to the next', () => {
  const rule = { size: 4, stride: 2 };
  const tiles = tilesOf(1, 6, rule, 1).map(tile => ({ ...tile, height: 1 }));
  const flat = (value: number, width: number) => ({ data: new Float32Array(width).fill(value), height: 1, width });
  const pictures = tiles.map((tile, i) => flat(i, tile.width));
  const row = blendTiles(tiles, pictures, rule, { planes: 1, height: 1, width: 6 });
  expect([...row]).toEqual([0, 0, 0, 0.5, 1, 1.5]);
});
