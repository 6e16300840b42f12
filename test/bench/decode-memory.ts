/**
 * Memory while a clip is decoded and encoded: 17 and 161 frames of 256x256 through the tiny Wan bundle's streaming decoder and the MP4
 * writer, each in a process of its own; with --whole the frames are kept first, as a decoder without streaming does.
 *
 *     npm run bench:memory
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { floats } from '#gpu-container/engine/tensor.ts';
import { openClipWriter } from '#gpu-container/media/clip-writer.ts';
import { openFamily } from '#gpu-container/render/open-family.ts';
import { openVideoDecoder, rgbOf } from '#gpu-container/render/video-decoder.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';

const SIZE = 256;
const BUNDLE = join(import.meta.dirname, '../fixtures/bundles/wan-2.1-t2v');
const [frames, whole] = [Number(process.argv[2]), process.argv.includes('--whole')];

if (Number.isNaN(frames)) {
  for (const mode of [[], ['--whole']])
    for (const count of ['17', '161']) {
      const child = spawnSync(process.execPath, [import.meta.filename, count, ...mode], { encoding: 'utf8' });
      if (child.status !== 0) throw new Error(child.stderr);
      process.stdout.write(child.stdout);
    }
} else await measure();

async function measure(): Promise<void> {
  const bundle = await loadBundle(BUNDLE);
  const decoder = await openVideoDecoder(bundle, openFamily(bundle).decoder, createOrtBackend({ threads: 2 }));
  const channels = (bundle.configs.vae_decoder as { z_dim: number }).z_dim;
  const dims = [1, channels, (frames - 1) / 4 + 1, SIZE / 8, SIZE / 8];
  const values = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 0.7));
  const clip = { frames, height: SIZE, width: SIZE, fps: 16 };
  const before = process.memoryUsage().rss;
  const writer = await openClipWriter(clip);
  const kept: Uint8Array[] = [];
  for await (const chunk of decoder.decode({ latent: floats(values, dims) }, clip)) {
    const rgb = rgbOf(chunk, clip);
    for (let at = 0; at < rgb.length; at += 3 * SIZE * SIZE) {
      const frame = rgb.subarray(at, at + 3 * SIZE * SIZE);
      if (whole) kept.push(frame);
      else await writer.add(frame);
    }
  }
  for (const frame of kept) await writer.add(frame);
  const { video } = await writer.finish();
  const peak = process.resourceUsage().maxRSS * 1024;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  console.log(
    `${String(frames).padStart(4)} frames of ${SIZE}x${SIZE}, ${whole ? 'frames kept' : 'streamed'}: peak ${mb(peak)}, ${mb(peak - before)} above the loaded model; file ${mb(video.length)}`,
  );
}
