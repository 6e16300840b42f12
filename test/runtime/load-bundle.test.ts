import { readdirSync } from 'node:fs';
import { appendFile, cp, link, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '#core/errors.ts';
import { loadBundle, readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { smallBundle, TANH_GRAPH } from './small-bundle.ts';

const MINI = fileURLToPath(new URL('../../models/reelay-mini', import.meta.url));

async function refusal(folder: string, code: ErrorCode, sentence: string): Promise<void> {
  await expect(loadBundle(folder)).rejects.toMatchObject({
    code,
    retryable: false,
    message: expect.stringContaining(sentence),
  });
}

describe('the bundled model', () => {
  test('loads, and its card says the same with and without hashing', async () => {
    const bundle = await loadBundle(MINI);
    expect(bundle.name).toBe('models/reelay-mini');
    expect(bundle.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await readModelCard(MINI)).toEqual(bundle.card);
    expect(bundle.card).toMatchObject({
      id: 'reelay-mini',
      license: 'Apache-2.0',
      digest: bundle.digest,
      tasks: ['t2v', 'i2v', 'v2v'],
      sizes: ['256x256'],
      defaults: { size: '256x256', negative_prompt: '' },
    });
    expect(bundle.scheduler._class_name).toBe('FlowMatchEulerDiscreteScheduler');
  });
});

const FIXTURES = fileURLToPath(new URL('../fixtures/bundles', import.meta.url));

describe('the bundles that the exporters made', () => {
  test.each(readdirSync(FIXTURES))('%s loads, with its configs by component', async bundle => {
    const { manifest, configs, graphs, modelIndex } = await loadBundle(join(FIXTURES, bundle));
    const components = [...new Set(Object.keys(graphs).map(graph => graph.split('.')[0]!))];
    expect(components.sort()).toEqual(Object.keys(manifest.components).sort());
    const isOwn = manifest.family === 'reelay-mini'; // its sizes are in bundle.json
    for (const component of isOwn ? [] : components) expect(configs, component).toHaveProperty(component);
    expect(modelIndex._class_name).toMatch(/Pipeline$/);
  });
});

describe('a file that is not what bundle.json says is named', () => {
  test('one byte flipped', async () => {
    const { folder } = await smallBundle();
    await writeFile(join(folder, 'transformer/model.onnx'), TANH_GRAPH.with(1, 9));
    await refusal(folder, 'bundle_corrupt', 'models/small: transformer/model.onnx does not match its sha256');
  });

  test('longer, missing, a folder', async () => {
    const { folder } = await smallBundle();
    const path = join(folder, 'vae_decoder/model.onnx');
    await appendFile(path, 'x');
    await refusal(
      folder,
      'bundle_corrupt',
      `vae_decoder/model.onnx has ${TANH_GRAPH.length + 1} bytes, bundle.json says ${TANH_GRAPH.length}`,
    );
    await rm(path);
    await refusal(folder, 'bundle_corrupt', 'vae_decoder/model.onnx is missing');
    await cp(join(folder, 'scheduler'), path, { recursive: true });
    await refusal(folder, 'bundle_corrupt', 'vae_decoder/model.onnx is not a plain file');
  });

  test('reached through a link, of the file or of a folder above it; a second name of the same file is fine', async () => {
    const { folder } = await smallBundle();
    const path = join(folder, 'text_encoder/model.onnx');
    await rename(path, join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), path);
    await refusal(folder, 'bundle_corrupt', 'text_encoder/model.onnx is not a plain file');
    await rm(path);
    await link(join(folder, 'elsewhere'), path);
    await loadBundle(folder);
    await rename(join(folder, 'text_encoder'), join(folder, 'moved'));
    await symlink(join(folder, 'moved'), join(folder, 'text_encoder'));
    await refusal(folder, 'bundle_corrupt', 'links are not followed');
  });
});

describe('a bundle.json we cannot follow is refused with a sentence', () => {
  test.each([
    ['an absolute path', (m: any) => (m.files[0].path = '/etc/passwd'), 'files.0.path: got "/etc/passwd"'],
    ['a path out of the folder', (m: any) => (m.files[0].path = 'a/../../b'), 'files.0.path'],
    ['a backslash', (m: any) => (m.files[0].path = 'a\\b'), 'files.0.path'],
    ['a graph that is not listed', (m: any) => m.files.splice(1, 1), 'transformer/model.onnx is used but not listed'],
    ['a tokenizer that is not listed', (m: any) => m.files.splice(3, 1), 'tokenizer/tokenizer.json is used but not'],
    ['a file listed twice', (m: any) => m.files.push(m.files[0]), 'text_encoder/model.onnx is listed twice'],
    ['a family of another engine', (m: any) => (m.family = 'mochi'), 'family: got "mochi"'],
    [
      'a decoding plan of another engine',
      (m: any) => (m.components.vae_decoder.plan = 'streaming'),
      'vae_decoder.first: is missing',
    ],
    ['a limit that is none', (m: any) => (m.limits.fps = { min: 8, max: 4 }), 'limits.fps: min is above max'],
    ['a shortened hash', (m: any) => (m.files[0].sha256 = 'abc'), 'files.0.sha256: expected 64 lower-case hex digits'],
    ['a later format', (m: any) => (m.bundle = 2), 'bundle.json: bundle'],
  ])('%s', async (_, change, sentence) => {
    const { folder, rewrite } = await smallBundle();
    await rewrite(change);
    await refusal(folder, 'bundle_invalid', sentence);
    await expect(readModelCard(folder)).rejects.toMatchObject({ code: 'bundle_invalid' });
  });

  test('missing, a link, no JSON', async () => {
    const { folder } = await smallBundle();
    const path = join(folder, 'bundle.json');
    await writeFile(path, '{');
    await refusal(folder, 'bundle_invalid', 'models/small: bundle.json is not JSON');
    await rename(path, join(folder, 'other.json'));
    await refusal(folder, 'bundle_invalid', 'there is no bundle.json');
    await symlink(join(folder, 'other.json'), path);
    await refusal(
      folder,
      'bundle_corrupt',
      'bundle.json is not a plain file inside the bundle; links are not followed',
    );
    await rm(path);
    await mkdir(path);
    await refusal(folder, 'bundle_corrupt', 'bundle.json is not a plain file inside the bundle');
    await rm(path, { recursive: true });
    await writeFile(path, ' '.repeat(1_048_577));
    await refusal(folder, 'bundle_invalid', 'bundle.json is not a file of at most 1048576 bytes');
  });
});

test('the digest names the weights: it follows the list, not its order', async () => {
  const { folder, rewrite } = await smallBundle();
  const { digest } = await readModelCard(folder);
  await rewrite(m => m.files.reverse());
  expect((await readModelCard(folder)).digest).toBe(digest);
  await rewrite(m => {
    m.files[0]!.sha256 = '0'.repeat(64);
  });
  expect((await readModelCard(folder)).digest).not.toBe(digest);
});

test('a scheduler_config.json with the bare Infinity that Python writes is read', async () => {
  const { folder } = await smallBundle(undefined, {
    'scheduler/scheduler_config.json': '{"_class_name":"X","lambda_min_clipped":-Infinity,"note":"-Infinity"}',
  });
  const { scheduler } = await loadBundle(folder);
  expect(scheduler).toEqual({ _class_name: 'X', lambda_min_clipped: Number.NEGATIVE_INFINITY, note: '-Infinity' });
});
