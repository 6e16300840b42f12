/**
 * `cuda-against-cpu.ts <app folder> [providers, "cpu,cuda"] [most clips]`: the same clips by a render child on each provider, the decoded
 * MP4s compared (PSNR over all bytes of I420; 40 dB and more is wanted) and timed: loading with the first clip, the median of those after.
 * Exit 1 below 40 dB, and where a provider cannot be had: there is no CPU in its place.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Provider } from '#core/provider.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { readGpu } from '#gpu-container/worker/gpu-facts.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { decodeMp4 } from '#test/media/decode-mp4.ts';
import { requestOf } from '#test/render/child.ts';
import { markingKeys, testMarking } from '#test/worker/marks-for.ts';

const WANTED_DB = 40;
const SEEDS = [1, 2, 3, 4, 5, 6];

interface Clips {
  readonly firstMs: number;
  readonly medianMs: number;
  readonly usedBytes: number | undefined;
  /** I420 of every frame, one array a seed. */
  readonly frames: readonly Uint8Array[];
}

const [app = '', providers = 'cpu,cuda', most = `${SEEDS.length}`] = process.argv.slice(2);
const model = join(app, 'models', 'reelay-mini');
const card = await readModelCard(model);

async function renderOn(provider: Provider): Promise<Clips> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-gpu-'));
  const childPath = join(app, 'gpu-container', 'render', 'render-process.ts');
  const onWarning = (why: string) => void process.stdout.write(`note: ${why}\n`);
  const renderer = createRenderer({ bundles: new Map([[card.id, model]]), threads: 4, provider, childPath, onWarning });
  const never = new AbortController().signal;
  const times: number[] = [];
  const frames: Uint8Array[] = [];
  try {
    for (const seed of SEEDS.slice(0, Number(most))) {
      const begun = performance.now();
      const task = {
        ...{ taskId: `${seed}`, request: requestOf(card, { seed }), folder: join(folder, `${seed}`) },
        marking: testMarking,
      };
      const checkpoint = { everySteps: 0, everyMs: 0 };
      const watch = {
        signal: never,
        pause: never,
        onProgress: () => undefined,
        onCheckpoint: () => undefined,
        checkpoint,
        sign: markingKeys.signer.sign,
      };
      const done = await renderer.render(task, watch);
      times.push(performance.now() - begun);
      if (done.outcome !== 'done') throw new Error('the clip was not made');
      frames.push(Buffer.concat((await decodeMp4(await readFile(done.files.video.path))).frames));
    }
    const later = times.slice(1).sort((a, b) => a - b);
    const usedBytes = (await readGpu())?.usedBytes;
    return { firstMs: times[0]!, medianMs: later[later.length >> 1] ?? times[0]!, usedBytes, frames };
  } finally {
    await renderer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Infinity where all bytes are equal. */
function psnr(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.NEGATIVE_INFINITY;
  const squares = a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / a.length));
}

const [first, second] = providers.split(',') as [Provider, Provider];
const [one, two] = [await renderOn(first), await renderOn(second)];
for (const [name, clips] of [
  [first, one],
  [second, two],
] as const) {
  const used = clips.usedBytes === undefined ? '' : `, ${(clips.usedBytes / 2 ** 30).toFixed(1)} GiB of the GPU in use`;
  process.stdout.write(
    `${name}: first clip ${clips.firstMs.toFixed(0)} ms with loading, then ${clips.medianMs.toFixed(0)} ms (median)${used}\n`,
  );
}
const worst = Math.min(...one.frames.map((frames, at) => psnr(frames, two.frames[at]!)));
process.stdout.write(
  `worst of ${one.frames.length} clips: ${worst.toFixed(1)} dB between ${first} and ${second}; ${WANTED_DB} dB are wanted\n`,
);
process.exitCode = worst >= WANTED_DB ? 0 : 1;
