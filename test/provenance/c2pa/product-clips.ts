/** Videos that the product itself has made: submitted, rendered, marked and stored, of each task and in each delivery. */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTerminal } from '#core/job.ts';
import { submit } from '#core/jobs/submit.ts';
import { LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { addBundle, planBundle } from '#local/model-registry.ts';
import { makeImage } from '#test/media/make-media.ts';

/** A finished video, and whom it is to hold for. */
export interface ProductClip {
  readonly name: string;
  readonly file: Uint8Array;
  readonly trustRoots: string;
}

const BUNDLES = join(import.meta.dirname, '..', '..', 'fixtures', 'bundles');

/** Some twenty of them, from a data folder that is removed again. */
export async function productClips(): Promise<readonly ProductClip[]> {
  const dataFolder = join(tmpdir(), `reelay-product-${process.pid}`);
  for (const name of ['ltx', 'animatediff-lcm', 'wan-2.2-ti2v', 'cogvideox-2b'])
    await addBundle(await planBundle(join(BUNDLES, name), { created: 1 }), { dataFolder });
  const embedded = await openEmbedded({ dataFolder });
  embedded.work();
  const clips: ProductClip[] = [];
  const make = async (name: string, fields: Record<string, unknown>) => {
    const { id } = await submit(embedded.deps, LOCAL_TENANT, { prompt: 'a red circle', ...fields });
    for (;;) {
      const job = await embedded.deps.store.load(id);
      if (job === undefined || !isTerminal(job.status)) await new Promise(done => setTimeout(done, 50));
      else if (job.status !== 'completed') throw new Error(`${name}: ${job.error?.message}`);
      else {
        const file = await readFile(embedded.pathOf(job.artifacts.video!.key));
        clips.push({ name, file, trustRoots: embedded.marking.keys.trustRoots });
        return file;
      }
    }
  };
  try {
    for (let seed = 0; seed < 8; seed++)
      await make(`the bundled model, seed ${seed}`, { seed: `${seed}`, num_inference_steps: '4' });
    for (const model of ['ltx-tiny', 'animatediff-lcm-tiny', 'wan-2.2-ti2v-tiny'])
      await make(`${model}, t2v`, { model });
    const image = { file: true, contentType: 'image/png', bytes: await makeImage('png', 60, 40) };
    for (const model of ['ltx-tiny', 'wan-2.2-ti2v-tiny'])
      await make(`${model}, i2v`, { model, image_reference: image });
    const bytes = await make('a clip to edit', { seed: '99', num_inference_steps: '4' });
    const video = { file: true, contentType: 'video/mp4', bytes };
    for (const model of ['cogvideox-2b-tiny', 'animatediff-lcm-tiny'])
      await make(`${model}, v2v of a marked clip`, { model, video_reference: video, strength: '0.5' });
  } finally {
    await embedded.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
  return clips;
}
