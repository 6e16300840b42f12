/** `reelay generate` from images and videos, and with the settings of real families, in tiny bundles that were added. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { filesBelow } from '#test/audit/erase-world.ts';
import { cli } from '#test/local/server-process.ts';
import { makeImage, makeMp4 } from '#test/media/make-media.ts';
import { addTinyModels, addTunableModel } from './tiny-models.ts';

let folder: string;
let image: string;
let video: string;
const env = () => ({ REELAY_DATA: join(folder, 'data') });
const generate = (...args: readonly string[]) => cli(['generate', 'a small boat on the sea', ...args], env());

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-generate-'));
  await addTinyModels(env().REELAY_DATA, 'ltx', 'cogvideox-2b', 'wan-2.1-i2v', 'reelay-mini');
  await addTunableModel(env().REELAY_DATA, folder, 'tunable');
  image = join(folder, 'house.jpeg'); // whatever its name says: a PNG
  video = join(folder, 'clip.mp4');
  await writeFile(image, await makeImage('png', 300, 200));
  await writeFile(video, await makeMp4(16, 8));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The jobs of the data folder as records. */
async function jobs() {
  const { deps, close } = await openEmbedded({ dataFolder: env().REELAY_DATA });
  const { jobs: found } = await deps.store.list(LOCAL_TENANT, { limit: 100, order: 'desc' });
  await close();
  return found;
}

async function made(...args: readonly string[]) {
  const { code, stdout, stderr } = await generate('--json', '--seed', '7', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const facts = JSON.parse(stdout);
  expect((await readFile(facts.path)).subarray(4, 8).toString()).toBe('ftyp');
  const { request } = (await jobs()).find(job => job.id === facts.id)!;
  return { facts, request };
}

describe('reelay generate', () => {
  test('starts from an image with the first model that can, and the same image makes the same frames', async () => {
    const { facts, request } = await made('--image', image, '--steps', '1');
    expect(facts).toMatchObject({ status: 'completed', model: 'reelay-mini' });
    expect(request).toMatchObject({ task: 'i2v', reference: { contentType: 'image/png' } });
    expect((await made('--image', image, '--steps', '1')).facts.frames_sha256).toBe(facts.frames_sha256);
    expect((await made('--steps', '1')).facts.frames_sha256).not.toBe(facts.frames_sha256);
  });

  test('starts from a video, as far from it as strength says', async () => {
    const long = join(folder, 'long.mp4');
    await writeFile(long, await makeMp4(24, 8));
    const first = await made('--video', long, '--steps', '2');
    expect(first.facts).toMatchObject({ status: 'completed', model: 'reelay-mini' });
    expect(first.request).toMatchObject({ task: 'v2v', num_frames: 24 });
    const from = ['--video', video, '--model', 'cogvideox-2b-tiny'];
    const near = await made(...from, '--strength', '0.25');
    expect(near.request).toMatchObject({ task: 'v2v', strength: 0.25, reference: { contentType: 'video/mp4' } });
    expect((await made(...from)).facts.frames_sha256).not.toBe(near.facts.frames_sha256);
  });

  test('passes on a preset, and every setting that the model has', async () => {
    const preset = await made('--model', 'tunable', '--preset', 'fast');
    expect(preset.request).toMatchObject({ num_inference_steps: 2, guidance_scale: 1, flow_shift: 8 });
    const own = await made('--model', 'tunable', '--guidance-2', '3', '--flow-shift', '7', '--step-cache', '0.1');
    expect(own.request).toMatchObject({ guidance_scale_2: 3, flow_shift: 7, step_cache: 0.1, num_inference_steps: 4 });
  });

  test('names the words that the model does not know, and keeps them nowhere in the open', async () => {
    const model = ['--model', 'reelay-mini-tiny', '--preset', 'fast', '--image', image];
    const { code, stderr } = await cli(['generate', 'a boat, a Kreuzschnabel and the sea', ...model], env());
    expect({ code, told: stderr.split('\n').at(-2) }).toEqual({
      code: 0,
      told: 'reelay: The model does not know these words of the prompt: Kreuzschnabel.',
    });
    const [job] = await jobs();
    expect(job!.request).toMatchObject({ task: 'i2v', num_inference_steps: 4, guidance_scale: 1 });
    expect(job!.warnings).toEqual([{ code: 'unknown_words', words: ['Kreuzschnabel'] }]);
    expect([...filesBelow(env().REELAY_DATA)].filter(({ bytes }) => bytes.includes('Kreuzschnabel'))).toEqual([]);
  });

  test('refuses a file that it cannot take and says which, before anything is queued', async () => {
    const before = (await jobs()).length;
    await writeFile(join(folder, 'big.png'), Buffer.alloc(limits.maxReferenceImageBytes + 1));
    await writeFile(join(folder, 'note.png'), 'not an image');
    await mkdir(join(folder, 'a-folder'));
    const refusals: readonly (readonly [readonly string[], string])[] = [
      [['--image', join(folder, 'none.png')], `--image: ${folder}/none.png does not exist.`],
      [['--video', join(folder, 'a-folder')], `--video: ${folder}/a-folder is a folder; name a file.`],
      [['--video', '/dev/zero'], '--video: /dev/zero is no plain file.'],
      [['--image', join(folder, 'big.png')], 'big.png has 7000001 bytes; at most 7000000 are taken.'],
      [['--image', join(folder, 'note.png')], 'image_reference: its bytes are nothing that is taken: PNG, JPEG'],
      [['--image', video], 'image_reference: expected an image, got video/mp4.'],
      [['--image', image, '--video', video], 'a request starts from one file.'],
      [['--image', image, '--model', 'tunable'], 'asks for image-to-video; tunable offers text-to-video.'],
      [['--model', 'wan-2.1-i2v-tiny'], 'asks for text-to-video; wan-2.1-i2v-tiny offers image-to-video.'],
      [['--image', image, '--strength', '0.5'], 'strength: only video-to-video has one'],
      [['--video', video, '--strength', '2'], 'strength: got 2; 0 to 1 is allowed.'],
      [['--model', 'ltx-tiny', '--preset', 'fast'], 'preset: got "fast"; ltx-tiny has none.'],
      [['--guidance-2', '3'], 'guidance_scale_2: reelay-mini has one network for all steps; leave it out.'],
    ];
    for (const [args, sentence] of refusals) {
      const { code, stdout, stderr } = await generate(...args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr).toContain(sentence);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
    expect((await jobs()).length).toBe(before);
  });
});
