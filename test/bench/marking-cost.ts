/**
 * What the marks cost a clip of the bundled model at its defaults, in one process, clip by clip: the same frames with marks and without,
 * in turns, so that both see the same load.
 *
 *     node test/bench/marking-cost.ts [clips]      20 unless said; prints medians in milliseconds and the share of the job
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClipWriter } from '#gpu-container/media/clip-writer.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { openModel } from '#gpu-container/render/model.ts';
import { rgbOf } from '#gpu-container/render/video-decoder.ts';
import { createVideoPipeline } from '#gpu-container/render/video-pipeline.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { unmarked } from '#test/media/unmarked.ts';
import { MINI, requestOf } from '#test/render/child.ts';
import { markingKeys, testMarking } from '#test/worker/marks-for.ts';

const clips = Number(process.argv[2] ?? 20);
const folder = await mkdtemp(join(tmpdir(), 'reelay-cost-'));
const model = await openModel(await loadBundle(MINI), createOrtBackend({ threads: 2 }));
const library = openLibrary();
await library.warm();
const render = createVideoPipeline(model, library);
const marking = { order: testMarking, sign: markingKeys.signer.sign };

/** The same clip to files that carry no marks, as before there were any. */
async function bare(seed: number): Promise<void> {
  const { clip, chunks } = await generateFrames(model, requestOf(model.bundle.card, { seed }));
  const writer = await openClipWriter(clip, { draw: unmarked, tags: {}, embed: unmarked, seal: async file => file });
  const size = 3 * clip.height * clip.width;
  for await (const chunk of chunks) {
    const rgb = rgbOf(chunk, clip);
    for (let i = 0; i < chunk.frames; i++) await writer.add(rgb.subarray(i * size, (i + 1) * size));
  }
  createHash('sha256')
    .update((await writer.finish()).video)
    .digest();
}

const rows: Record<'job' | 'bare' | 'embed' | 'sign' | 'verify', number>[] = [];
for (let seed = 0; seed <= clips; seed++) {
  const before = performance.now();
  await bare(seed);
  const between = performance.now();
  const { timings } = await render(requestOf(model.bundle.card, { seed }), folder, { marking });
  const after = performance.now();
  const { embedMs: embed, signMs: sign, verifyMs: verify } = timings;
  if (seed === 0) console.log(`the first clip of a process: sign ${sign.toFixed(0)}, verify ${verify.toFixed(0)} ms`);
  else rows.push({ job: after - between, bare: between - before, embed, sign, verify });
}
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const of = (name: keyof (typeof rows)[0]) => median(rows.map(row => row[name]));
const share = median(rows.map(row => (row.embed + row.sign + row.verify) / row.job));
console.log(
  `${clips} clips of ${model.bundle.card.defaults.size}, ${model.bundle.card.defaults.frames} frames, medians: ` +
    `with marks ${of('job').toFixed(0)} ms, without ${of('bare').toFixed(0)} ms; embed ${of('embed').toFixed(1)} ` +
    `(${(of('embed') / model.bundle.card.defaults.frames).toFixed(2)} a frame), sign ${of('sign').toFixed(1)}, ` +
    `verify ${of('verify').toFixed(1)}; marks are ${(100 * share).toFixed(1)} % of the job`,
);
await model.release();
await library.close();
await rm(folder, { recursive: true, force: true });
