import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { holdLock } from '#adapters/local/process-lock.ts';
import { checkHash, readGraph } from '#gpu-container/runtime/bundle-files.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { tryBundle } from '#gpu-container/worker/render-child.ts';
import { findBundles } from '#local/bundles.ts';
import { copyBundle } from '#local/copy-bundle.ts';
import { RENDER_CHILD } from '#local/local-worker.ts';
import { type AddOptions, addBundle, planBundle, removeBundle, workingOwners } from '#local/model-registry.ts';
import { startApi } from '#test/functions/api-server.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';

const WAN = resolve(import.meta.dirname, '..', 'fixtures', 'bundles', 'wan-2.1-t2v');

let root: string;
let dataFolder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelay-registry-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  dataFolder = join(root, 'data');
});

const add = async (folder: string, told: { id?: string; license?: string } = {}, more: Partial<AddOptions> = {}) =>
  addBundle(await planBundle(folder, { created: 1_795_219_200, ...told }), { dataFolder, ...more });
const fast = async (id: string) => {
  await writeFastBundle(join(root, id), { id });
  return join(root, id);
};
/** Names in the folder of added models, the moving folder's content among them. */
const left = async () => {
  const names = await readdir(join(dataFolder, 'models'), { recursive: true }).catch(() => []);
  return names.filter(name => !name.includes('/') || name.startsWith('.moving/')).sort();
};

describe('a bundle that is added', () => {
  test('is a copy of its listed files, loads, and is offered beside the bundled model', async () => {
    const source = await fast('fast');
    await writeFile(join(source, 'notes.txt'), 'not listed');
    const watched: number[] = [];
    const added = await add(
      source,
      {},
      {
        onProgress: (copied, all) => watched.push(copied / all),
        tryBundle: folder => tryBundle({ childPath: RENDER_CHILD, folder, threads: 1 }),
      },
    );
    expect(added).toMatchObject({ folder: join(dataFolder, 'models', 'fast'), family: 'reelay-mini', added: true });
    expect(watched.at(-1)).toBe(1);
    expect(await left()).toEqual(['.moving', 'fast']);
    expect(await readdir(added.folder)).not.toContain('notes.txt');
    await rm(source, { recursive: true });
    expect((await loadBundle(added.folder)).digest).toBe(added.card.digest);
    const api = await startApi({ dataFolder });
    onTestFinished(() => api.close());
    const models = (await api.call('GET', '/v1/models')).body.data.map((model: { id: string }) => model.id);
    expect(models).toEqual(['reelay-mini', 'fast']);
    const { id } = await api.post({ prompt: 'a red circle', model: 'fast', num_inference_steps: 1 });
    expect(await api.ended(id)).toMatchObject({ status: 'completed', model: 'fast' });
  });

  test('may be a diffusers folder in ONNX as it is: its bundle.json is written', async () => {
    const source = join(root, 'tiny-wan');
    await cp(WAN, source, { recursive: true });
    await rm(join(source, 'bundle.json'));
    await expect(add(source)).rejects.toThrow('say it with --license');
    const added = await add(source, { license: 'Apache-2.0' });
    expect(added).toMatchObject({ family: 'wan', card: { id: 'tiny-wan', license: 'Apache-2.0' } });
    expect((await loadBundle(added.folder)).manifest.files.length).toBeGreaterThan(8);
  });

  test('has the id that it is told, and keeps the license that it states', async () => {
    const source = await fast('fast');
    await expect(add(source, { license: 'MIT' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: `license: got "MIT"; ${basename(root)}/fast/bundle.json states "Apache-2.0", which stays.`,
    });
    const added = await add(source, { id: 'mine', license: 'apache-2.0' });
    expect(added).toMatchObject({ folder: join(dataFolder, 'models', 'mine'), card: { license: 'Apache-2.0' } });
  });

  test('sweeps away what a killed process left', async () => {
    const moving = join(dataFolder, 'models', '.moving');
    await mkdir(join(moving, 'dead'), { recursive: true });
    await writeFile(join(moving, 'dead.lock'), '');
    await mkdir(join(moving, 'lockless')); // killed between the removal of its lock and its own
    await add(await fast('fast'));
    expect(await left()).toEqual(['.moving', 'fast']);
  });

  test('that a killed process left half copied is swept away by the start of a server, one on its way is not', async () => {
    const moving = join(dataFolder, 'models', '.moving');
    await mkdir(join(moving, 'dead'), { recursive: true });
    await mkdir(join(moving, 'living'));
    const lock = holdLock(join(moving, 'living.lock'))!;
    const api = await startApi({ dataFolder });
    onTestFinished(() => api.close());
    expect(await left()).toEqual(['.moving', '.moving/living', '.moving/living.lock']);
    lock.release();
  });
});

describe('a bundle that is refused leaves nothing behind', () => {
  const refused = async (adding: Promise<unknown>, code: string, sentence: string) => {
    await expect(adding).rejects.toMatchObject({ code, message: expect.stringContaining(sentence) });
    expect((await left()).filter(name => name !== '.moving')).toEqual([]);
  };

  test('for a file that is not what bundle.json says', async () => {
    const source = await fast('fast');
    const path = join(source, 'transformer', 'model.onnx');
    const bytes = await readFile(path);
    await writeFile(path, bytes.with(bytes.length - 20, bytes[bytes.length - 20]! ^ 1));
    await refused(
      add(source),
      'bundle_corrupt',
      `${basename(root)}/fast: transformer/model.onnx does not match its sha256`,
    );
    await writeFile(path, bytes.subarray(1));
    await refused(
      add(source),
      'bundle_corrupt',
      `transformer/model.onnx has ${bytes.length - 1} bytes, bundle.json says`,
    );
  });

  test('for a graph that ONNX Runtime must not see', async () => {
    const source = join(root, 'bad');
    await cp(WAN, source, { recursive: true });
    await rm(join(source, 'bundle.json'));
    await writeFile(join(source, 'transformer', 'model.onnx'), 'not a graph');
    await refused(
      add(source, { license: 'MIT' }),
      'bundle_invalid',
      'transformer/model.onnx is no graph that can be loaded',
    );
  });

  test('for a link in the place of a file', async () => {
    const source = await fast('fast');
    await rename(join(source, 'transformer'), join(root, 'elsewhere'));
    await symlink(join(root, 'elsewhere'), join(source, 'transformer'));
    await refused(add(source), 'bundle_corrupt', 'transformer/model.onnx is not a plain file inside the bundle');
  });

  test('for what keeps it from loading, in the name of the folder that was given', async () => {
    const tryOut = async (folder: string) => tryBundle({ childPath: RENDER_CHILD, folder, threads: 1 });
    const source = await fast('fast');
    const path = join(source, 'bundle.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    manifest.latents.channels = 7; // the graphs have 6
    await writeFile(path, JSON.stringify(manifest));
    await refused(add(source, {}, { tryBundle: tryOut }), 'bundle_invalid', `${basename(root)}/fast: `);
  });

  test.each(['..', '.moving', '', 'a/b', 'a b', 'x'.repeat(65)])('for the id %j', async id => {
    await refused(add(await fast('fast'), { id }), 'bundle_invalid', 'bundle.json: id: ');
  });

  test('for a disk that has no room, before anything is read', async () => {
    const files = [{ path: 'model.onnx', bytes: 1e18 }]; // an exabyte
    await refused(
      copyBundle(files, { name: 'x', from: '/nowhere', to: join(root, 'copy') }),
      'store_unavailable',
      'x: its files are 1000000000.0 GB; the disk of',
    );
  });

  test.skipIf(process.platform !== 'linux')(
    'for a file whose disk does not give it, in a sentence that names it',
    async () => {
      const from = await realpath('/proc/self'); // reading at 0 in `mem` is an EIO, for root too
      const refusal = { code: 'bundle_corrupt', message: 'x: mem cannot be read (EIO).' };
      const copying = copyBundle([{ path: 'mem', bytes: 0 }], { name: 'x', from, to: join(root, 'copy') });
      await expect(copying).rejects.toMatchObject(refusal);
      await expect(checkHash('x', from, { path: 'mem', bytes: 0, sha256: '' })).rejects.toMatchObject(refusal);
      await expect(readGraph('x', from, 'mem', () => 0)).rejects.toMatchObject({ code: 'bundle_invalid' }); // it has no bytes
    },
  );

  test('for no folder', async () => {
    await refused(add(join(root, 'nothing')), 'bundle_invalid', 'is no folder that can be read');
    await writeFile(join(root, 'file'), '');
    await refused(add(join(root, 'file')), 'bundle_invalid', 'file is no folder.');
  });

  test('for a bundle.json that is a link or a folder', async () => {
    const source = await fast('fast');
    await rename(join(source, 'bundle.json'), join(root, 'elsewhere.json'));
    await symlink(join(root, 'elsewhere.json'), join(source, 'bundle.json'));
    await refused(add(source), 'bundle_corrupt', 'bundle.json is not a plain file inside the bundle');
    await rm(join(source, 'bundle.json'));
    await mkdir(join(source, 'bundle.json'));
    await refused(add(source), 'bundle_corrupt', 'bundle.json is not a plain file inside the bundle');
  });

  test('for a data folder that cannot be written, in words', async () => {
    const source = await fast('fast');
    await writeFile(join(root, 'data'), 'a file');
    await expect(add(source)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('part of its path is a file, not a folder'),
    });
  });
});

describe('an id', () => {
  test('is that of one bundle: the second is refused, and so is that of the bundled model', async () => {
    await add(await fast('fast'));
    await expect(add(join(root, 'fast'))).rejects.toMatchObject({ code: 'conflict', retryable: false });
    await expect(add(join(root, 'fast'), { id: 'reelay-mini' })).rejects.toThrow(
      'The model "reelay-mini" comes with Reelay; give this one another name with --id.',
    );
  });

  test('that two add at once goes to one of them, and the other copies nothing', async () => {
    const plan = await planBundle(await fast('fast'), { created: 1 });
    const copied = [0, 0];
    const outcomes = await Promise.allSettled(
      [0, 1].map(i => addBundle(plan, { dataFolder, onProgress: bytes => (copied[i] = bytes) })),
    );
    expect(outcomes.map(one => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(one => one.status === 'rejected')!.reason).toMatchObject({
      code: 'conflict',
      message: 'A model "fast" is being added just now, by another process.',
    });
    expect(copied.sort()).toEqual([0, plan.bytes]);
    expect(await left()).toEqual(['.moving', 'fast']);
  });

  test('whose folder holds nothing that can be read keeps no other from being offered', async () => {
    await add(await fast('fast'));
    const broken = join(dataFolder, 'models', 'broken');
    await mkdir(join(broken, 'bundle.json'), { recursive: true });
    const { installed, refused } = await findBundles(undefined, dataFolder);
    expect(installed.map(bundle => bundle.card.id)).toEqual(['reelay-mini', 'fast']);
    expect(refused).toMatchObject([{ folder: broken, error: { code: 'bundle_corrupt' } }]);
    await expect(add(join(root, 'fast'), { id: 'broken' })).rejects.toThrow('There is a model "broken" already');
    await removeBundle('broken', dataFolder);
  });

  test('of a folder that someone put there by hand is offered once', async () => {
    const added = await add(await fast('fast'));
    await cp(added.folder, join(dataFolder, 'models', 'zwei'), { recursive: true });
    const { installed, refused } = await findBundles(undefined, dataFolder);
    expect(installed.map(bundle => bundle.card.id)).toEqual(['reelay-mini', 'fast']);
    expect(refused.map(bundle => bundle.error.message)).toEqual([
      expect.stringContaining(`the id "fast" is that of ${added.folder} already`),
    ]);
  });
});

describe('removing', () => {
  test('takes the folder away, also one that is broken', async () => {
    const { folder } = await add(await fast('fast'));
    await writeFile(join(folder, 'bundle.json'), '{');
    expect((await findBundles(undefined, dataFolder)).refused).toHaveLength(1);
    expect(await removeBundle('fast', dataFolder)).toBe(folder);
    expect(await left()).toEqual(['.moving']);
    await expect(removeBundle('fast', dataFolder)).rejects.toMatchObject({
      code: 'model_not_found',
      message: 'There is no model "fast". None was added.',
    });
  });

  test('is refused for the bundled model, and names what was added', async () => {
    await add(await fast('fast'));
    await expect(removeBundle('reelay-mini', dataFolder)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(removeBundle('../..', dataFolder)).rejects.toThrow('There is no model "../..". Added were: fast.');
  });

  test('waits for nobody: while a process works on the data folder it is refused, and the model stays', async () => {
    await add(await fast('fast'));
    const lock = holdLock(join(dataFolder, 'owners', 'here-1-abcd.lock'))!;
    expect(await workingOwners(dataFolder)).toEqual(['here-1-abcd']);
    await expect(removeBundle('fast', dataFolder)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('(here-1-abcd); stop it first'),
    });
    lock.release();
    await removeBundle('fast', dataFolder);
    expect(await workingOwners(dataFolder)).toEqual([]);
  });
});
