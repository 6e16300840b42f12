/** What a tenant's disclosure profile comes to in the file: label in the picture, fields in the container, the name in the manifest. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BufferSource, Input, MP4 } from 'mediabunny';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { updateTenant } from '#core/accounts/tenants.ts';
import { parseDisclosing } from '#core/audit/disclosing.ts';
import type { Job } from '#core/job.ts';
import { submit } from '#core/jobs/submit.ts';
import { type Label, prepareLabel } from '#gpu-container/media/draw-label.ts';
import { eachOwnFrame } from '#gpu-container/media/own-frames.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { type Embedded, LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { writeFastBundle } from '#test/runtime/fast-bundle.ts';

let folder: string;
let embedded: Embedded;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-disclosure-'));
  await writeFastBundle(join(folder, 'models', 'fast'), { blocks: 1 });
  const env = { REELAY_OPERATOR: 'Example Studio' };
  const options = { dataFolder: join(folder, 'data'), modelsFolder: join(folder, 'models') };
  embedded = await openEmbedded({ ...options, disclosing: parseDisclosing(env) });
  embedded.work();
});
afterAll(async () => {
  await embedded.close();
  await rm(folder, { recursive: true, force: true });
});

async function render(tenant: string): Promise<{ job: Job; file: Uint8Array; luma: Uint8Array }> {
  const { deps } = embedded;
  const { id } = await submit(deps, tenant, { prompt: 'a red circle', seed: 1 });
  for (let tries = 0; tries < 600; tries++) {
    const job = await deps.store.load(id);
    if (job?.status === 'completed') {
      const file = new Uint8Array(await readFile(embedded.pathOf(job.artifacts.video!.key)));
      let luma = new Uint8Array();
      await eachOwnFrame(file, 1, i420 => {
        luma = i420.slice(0, (i420.length / 3) * 2);
      });
      return { job, file, luma };
    }
    if (job?.status === 'failed') throw new Error(job.error?.message);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('the job did not end');
}

/** Mean difference of two luma planes of one width in a box. */
function difference(a: Uint8Array, b: Uint8Array, width: number, box: Label['box']): number {
  let sum = 0;
  for (let y = box.y; y < box.y + box.height; y++)
    for (let x = box.x; x < box.x + box.width; x++) sum += Math.abs(a[y * width + x]! - b[y * width + x]!);
  return sum / (box.width * box.height);
}

async function tagsOf(file: Uint8Array) {
  using input = new Input({ formats: [MP4], source: new BufferSource(file) });
  return (await input.getMetadataTags()).raw ?? {};
}

describe('a video of a tenant', () => {
  test('that chose nothing has no label; one that chose China has the label, the AIGC field and the name of the provider', async () => {
    const plain = await render(LOCAL_TENANT);
    expect(plain.job.disclosure).toBeNull();
    expect(await tagsOf(plain.file)).toEqual({});
    await updateTenant(embedded.deps, 'default', { disclosure: { profiles: ['eu', 'cn'] } });
    const labeled = await render('default');
    expect(labeled.job.disclosure).toEqual({ profiles: ['eu', 'cn'], label: false });
    expect(labeled.job.marking?.framesSha256).toBe(plain.job.marking?.framesSha256);
    expect(JSON.parse(String((await tagsOf(labeled.file)).AIGC))).toMatchObject({
      Label: '1',
      ContentProducer: 'Example Studio',
      ProduceID: labeled.job.id,
    });
    const [width, height] = (labeled.job.marking?.size ?? '').split('x').map(Number) as [number, number];
    const { box } = prepareLabel('AI生成', width, height, 0.05);
    expect(difference(plain.luma, labeled.luma, width, box)).toBeGreaterThan(25);
    expect(difference(plain.luma, labeled.luma, width, { x: 0, y: 0, width, height: box.y - 8 })).toBeLessThan(8);
    const read = await readMp4(labeled.file, { trustRoots: embedded.marking.keys.trustRoots });
    expect(read.state).toBe('valid');
    expect(Buffer.from(labeled.file).includes('Example Studio')).toBe(true);
  });
});

describe('what an installation discloses', () => {
  test.each([
    [{ REELAY_DISCLOSURE: 'cn' }, 'REELAY_OPERATOR: it is not set; a profile of REELAY_DISCLOSURE (cn) names'],
    [{ REELAY_DISCLOSURE: 'mars' }, 'REELAY_DISCLOSURE: got "mars"; a list of some of eu, us-ca, cn, in'],
    [{ REELAY_LABEL: 'maybe' }, 'REELAY_LABEL: got "maybe"; yes and no are allowed.'],
    [{ REELAY_OPERATOR: 'x'.repeat(201) }, 'REELAY_OPERATOR: got 201 characters; 200 are allowed.'],
  ])('is refused in a sentence at the start where it cannot be kept: %j', (env, sentence) => {
    expect(() => parseDisclosing(env)).toThrow(sentence);
  });

  test('is the EU profile unless it says otherwise', () => {
    expect(parseDisclosing({})).toEqual({ disclosure: { profiles: ['eu'], label: false }, operator: undefined });
    expect(parseDisclosing({ REELAY_DISCLOSURE: 'eu,in', REELAY_LABEL: 'yes' }).disclosure).toEqual({
      profiles: ['eu', 'in'],
      label: true,
    });
  });
});
