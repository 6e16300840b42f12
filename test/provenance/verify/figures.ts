/**
 * The figures of docs/verify.md, by the product's own parts. `copies` needs ffmpeg with libx264.
 *
 *     node test/provenance/verify/figures.ts times     how long an answer takes, with and without a search
 *     node test/provenance/verify/figures.ts copies    a video that the product made, and what happens to copies of it
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { startApi } from '#test/functions/api-server.ts';
import { encodeI420 } from '#test/provenance/watermark/encode-i420.ts';
import { drawClip } from '#test/provenance/watermark/pictures.ts';
import { openWorld } from './world.ts';

const x264 = (crf: number) => ['-c:v', 'libx264', '-preset', 'medium', '-crf', String(crf), '-pix_fmt', 'yuv420p'];
const ATTACKS: readonly (readonly [name: string, file: string, args: readonly string[]])[] = [
  ['x264 crf 28', 'a.mp4', x264(28)],
  ['trimmed to its middle third, crf 28', 'b.mp4', ['-ss', '0.7', '-t', '0.6', ...x264(28)]],
  ['half the size, crf 23', 'c.mp4', ['-vf', 'scale=iw/2:-2', ...x264(23)]],
  ['remuxed without its metadata', 'd.mp4', ['-c', 'copy', '-map_metadata', '-1']],
  [
    'WebM, VP9 crf 32',
    'e.webm',
    ['-c:v', 'libvpx-vp9', '-b:v', '0', '-crf', '32', '-deadline', 'realtime', '-cpu-used', '8'],
  ],
  ['screenshot of one frame, PNG', 'f.png', ['-vf', 'select=eq(n\\,7)', '-frames:v', '1']],
  [
    'screenshot, 1.5 times as large, JPEG',
    'g.jpg',
    ['-vf', 'select=eq(n\\,7),scale=iw*1.5:-2', '-frames:v', '1', '-q:v', '4'],
  ],
  [
    'screenshot, 0.7 times as large, WebP',
    'h.webp',
    ['-vf', 'select=eq(n\\,7),scale=iw*0.7:-2', '-frames:v', '1', '-quality', '80'],
  ],
  ['cropped to 85 % of each side, crf 23', 'i.mp4', ['-vf', 'crop=iw*0.85:ih*0.85:iw*0.06:ih*0.1', ...x264(23)]],
];

console.log(`load ${loadavg().map(value => value.toFixed(1))}`);
if (process.argv[2] === 'times') await times();
else if (process.argv[2] === 'copies') await copies();
else throw new Error('times or copies?');

async function times(): Promise<void> {
  const world = await openWorld();
  const verifier = world.verifier();
  const sizes = [
    { width: 256, height: 256, frames: 24 },
    { width: 512, height: 288, frames: 24 },
    { width: 512, height: 288, frames: 120 },
    { width: 1280, height: 720, frames: 24 },
  ];
  for (const { frames, ...size } of sizes) {
    const ours = await world.make({ size, frames, fps: 24, kind: 'shapes' });
    const foreign = await encodeI420(drawClip('shapes', 9, size, frames), { ...size, fps: 24 });
    const name = `${size.width}x${size.height}, ${frames} frames`;
    console.log(
      `${name}, ours: ${await timed(verifier, ours, false)}; at once again ${await timed(verifier, ours, false)}`,
    );
    console.log(
      `${name}, unmarked: ${await timed(verifier, foreign, false)}; with a search ${await timed(verifier, foreign, true)}`,
    );
  }
  await world.close();
}

async function timed(
  verifier: ReturnType<Awaited<ReturnType<typeof openWorld>>['verifier']>,
  file: Uint8Array,
  search: boolean,
) {
  const began = performance.now();
  const { kind } = await verifier.verify(file, { search });
  return `${((performance.now() - began) / 1000).toFixed(2)} s (${kind})`;
}

async function copies(): Promise<void> {
  const api = await startApi();
  const prompts = ['a red circle bouncing over a dark blue background', 'a yellow star spinning over black'];
  for (const [n, prompt] of prompts.entries()) {
    const { id } = await api.post({ prompt, seed: n + 1, num_inference_steps: 8 });
    const job = await api.ended(id);
    if (job.state !== 'completed') throw new Error(JSON.stringify(job.error));
    const file = new Uint8Array(await (await fetch(`${api.url}/v1/videos/${id}/content`)).arrayBuffer());
    const at = (name: string) => join(api.folder, name);
    writeFileSync(at('own.mp4'), file);
    for (const [name, to, args] of ATTACKS) {
      ffmpeg(['-i', at('own.mp4'), ...args, at(to)]);
      await tell(name, readFileSync(at(to)));
      rmSync(at(to));
    }
    await tell('as delivered', file);
    const flipped = file.slice();
    flipped[file.length - 900]! ^= 1;
    await tell('one bit turned', flipped);
    await tell('the last tenth missing', file.slice(0, Math.floor(file.length * 0.9)));
  }
  await api.close();

  async function tell(name: string, file: Uint8Array): Promise<void> {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(file)]), 'file');
    form.set('search', 'true');
    const began = performance.now();
    const { status, body } = await api.call('POST', '/v1/verify', { body: form });
    const took = ((performance.now() - began) / 1000).toFixed(2);
    console.log(
      `${name}: ${status} ${body.kind}, ${body.watermark?.agreeing_bits} bits, job ${body.registry?.job === null ? 'not named' : 'named'}, ${took} s`,
    );
  }
}

function ffmpeg(args: readonly string[]): void {
  const run = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { encoding: 'utf8', timeout: 120_000 });
  if (run.status !== 0) throw new Error(run.stderr || String(run.error));
}
