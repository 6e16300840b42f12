/**
 * Memory while a clip is decoded: 17, 161 and 641 frames of 256x256 through the tiny Wan bundle's streaming decoder, each in a process
 * of its own: decoded alone, decoded and encoded to an MP4 as jobs are, and with all frames kept as floats first, as a pipeline does
 * that decodes a whole clip.
 *
 *     npm run bench:memory
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { floats } from '#gpu-container/engine/tensor.ts';
import { openClipWriter } from '#gpu-container/media/clip-writer.ts';
import { openFamily } from '#gpu-container/render/open-family.ts';
import { type FrameChunk, openVideoDecoder, rgbOf } from '#gpu-container/render/video-decoder.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { unmarked } from '#test/media/unmarked.ts';

const SIZE = 256;
const BUNDLE = join(import.meta.dirname, '../fixtures/bundles/wan-2.1-t2v');
const MODES = ['decoded', 'encoded', 'kept'] as const;
const CHILD_MS = 120_000;

if (process.argv[3] !== undefined) await measure(Number(process.argv[2]), process.argv[3] as (typeof MODES)[number]);
else {
  console.log(
    `peak memory of the process, MB, ${SIZE}x${SIZE}\nframes  decoded  and encoded  kept first, then encoded`,
  );
  for (const frames of [17, 161, 641]) {
    const peaks = MODES.map(mode => {
      const args = [import.meta.filename, String(frames), mode];
      const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: CHILD_MS });
      if (child.status !== 0) throw new Error(child.stderr);
      return child.stdout.trim();
    });
    console.log(
      `${String(frames).padStart(6)} ${peaks[0]!.padStart(8)} ${peaks[1]!.padStart(12)} ${peaks[2]!.padStart(25)}`,
    );
  }
}

async function measure(frames: number, mode: (typeof MODES)[number]): Promise<void> {
  const bundle = await loadBundle(BUNDLE);
  const decoder = await openVideoDecoder(bundle, openFamily(bundle).decoder, createOrtBackend({ threads: 2 }));
  const channels = (bundle.configs.vae_decoder as { z_dim: number }).z_dim;
  const dims = [1, channels, (frames - 1) / 4 + 1, SIZE / 8, SIZE / 8];
  const values = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 0.7));
  const clip = { frames, height: SIZE, width: SIZE, fps: 16 };
  const writer =
    mode === 'decoded'
      ? undefined
      : await openClipWriter(clip, { draw: unmarked, tags: {}, embed: unmarked, seal: async file => file });
  const write = async (chunk: FrameChunk) => {
    const rgb = rgbOf(chunk, clip);
    const size = 3 * SIZE * SIZE;
    for (let at = 0; at < rgb.length; at += size) await writer?.add(rgb.subarray(at, at + size));
  };
  const kept: FrameChunk[] = [];
  for await (const chunk of decoder.decode({ latent: floats(values, dims) }, clip))
    if (mode === 'kept') kept.push(chunk);
    else await write(chunk);
  for (const chunk of kept) await write(chunk);
  await writer?.finish();
  console.log((process.resourceUsage().maxRSS / 1000).toFixed(0));
}
