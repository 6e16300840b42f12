import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, startServer } from '#test/local/server-process.ts';
import { MINI } from '#test/render/child.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';

const WAN = resolve(import.meta.dirname, '..', 'fixtures', 'bundles', 'wan-2.1-t2v');

let folder: string;
/** As the list tells it: "16.0 MB". */
const sizeOf = async (bundle: string) => {
  const { files } = JSON.parse(await readFile(join(bundle, 'bundle.json'), 'utf8'));
  return `${(files.reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 0) / 1e6).toFixed(1)} MB`;
};
const models = (...args: string[]) => cli(['models', ...args], { REELAY_DATA: join(folder, 'data') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-models-'));
  await writeFastBundle(join(folder, 'fast'), { id: 'fast' });
  const manifest = join(folder, 'fast', 'bundle.json');
  const presets = { quick: { steps: 1, guidance: 1 } };
  await writeFile(manifest, JSON.stringify({ ...JSON.parse(await readFile(manifest, 'utf8')), presets }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('reelay models', () => {
  test('add, list, generate, verify and remove: the life of a model', async () => {
    const added = await models('add', join(folder, 'fast'));
    expect(added).toMatchObject({ code: 0, stdout: `added fast (${resolve(folder, 'data/models/fast')})\n` });
    const sizes = { mini: await sizeOf(MINI), fast: await sizeOf(join(folder, 'fast')) };
    expect(added.stderr).toContain(`family reelay-mini, t2v; license Apache-2.0; ${sizes.fast}`);
    expect(added.stderr).toContain('loading it once');

    const { stdout: listed } = await models('list');
    expect(listed).toMatch(/^reelay-mini {2}Apache-2.0 {2}t2v, i2v, v2v$/m);
    expect(listed).toMatch(/^fast {2}Apache-2.0 {2}t2v$/m);
    expect(listed.match(/^ +--preset .*$/gm)).toEqual([
      '  --preset fast: 4 steps, guidance 1',
      '  --preset quick: 1 step, guidance 1',
    ]);
    expect(listed).toMatch(
      new RegExp(`^  family reelay-mini; ${sizes.mini}; digest [0-9a-f]{12}; comes with Reelay$`, 'm'),
    );
    expect(listed).toMatch(new RegExp(`^  family reelay-mini; ${sizes.fast}; digest [0-9a-f]{12}; added$`, 'm'));
    expect(JSON.parse((await models('list', '--json')).stdout)).toMatchObject([
      { id: 'reelay-mini', family: 'reelay-mini', added: false, tasks: ['t2v', 'i2v', 'v2v'] },
      { id: 'fast', family: 'reelay-mini', added: true, tasks: ['t2v'] },
    ]);

    const env = { REELAY_DATA: join(folder, 'data') };
    const video = await cli(['generate', 'a red circle', '--model', 'fast', '--steps', '1', '--json'], env);
    expect(JSON.parse(video.stdout)).toMatchObject({ status: 'completed', model: 'fast' });

    expect(await models('verify', 'fast')).toMatchObject({ code: 0, stdout: 'fast: every file matches its sha256\n' });
    expect(await models('remove', 'fast')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('removed fast ('),
    });
    expect(JSON.parse((await models('list', '--json')).stdout)).toHaveLength(1);
  });

  test('verify names the file that broke, and exits with 1', async () => {
    await models('add', join(folder, 'fast'), '--id', 'broken', '--no-try', '--yes');
    const path = join(folder, 'data/models/broken/scheduler/scheduler_config.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('3', '4'));
    const verified = await models('verify', '--json');
    expect(verified.code).toBe(1);
    expect(JSON.parse(verified.stdout)).toMatchObject([
      { model: 'reelay-mini', ok: true },
      { model: 'broken', ok: false, error: expect.stringContaining('scheduler/scheduler_config.json does not match') },
    ]);
    expect(await models('verify', 'broken')).toMatchObject({ code: 1, stdout: '' });
    expect((await models('verify', 'reelay-mini')).code).toBe(0);
    expect(await models('verify', 'none')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there are: reelay'),
    });
    await models('remove', 'broken');
  });

  test('add says what it took a folder without bundle.json for, and prints JSON for a script', async () => {
    const source = join(folder, 'wan');
    await cp(WAN, source, { recursive: true });
    await rm(join(source, 'bundle.json'));
    const unlicensed = await models('add', source, '--no-try');
    expect(unlicensed).toMatchObject({ code: 1, stdout: '' });
    expect(unlicensed.stderr).toContain('say it with --license');
    const added = await models('add', source, '--license', 'Apache-2.0', '--no-try', '--json');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(added.stdout)).toMatchObject({ id: 'wan', family: 'wan', added: true, license: 'Apache-2.0' });
    await models('remove', 'wan');
  });

  test.each([
    [['add', '/nowhere'], 1, '/nowhere is no folder that can be read'],
    [['add'], 2, "missing required argument 'folder'"],
    [['remove', 'nothing'], 2, 'There is no model "nothing". None was added.'],
    [['remove', 'reelay-mini'], 1, 'comes with Reelay and cannot be removed'],
    [['frobnicate'], 2, "unknown command 'frobnicate'"],
  ])('%j ends with a sentence and exit code %i', async (args, code, sentence) => {
    const refused = await models(...args);
    expect(refused).toMatchObject({ code, stdout: '' });
    expect(refused.stderr).toContain(sentence);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
  });

  test('remove is refused while a server runs, and add says when the server will offer the model', async () => {
    const data = join(folder, 'served');
    const env = { REELAY_DATA: data };
    const server = await startServer(data);
    const added = await cli(['models', 'add', join(folder, 'fast'), '--no-try'], env);
    expect(added.stderr).toContain('offers it after its next start');
    const refused = await cli(['models', 'remove', 'fast'], env);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('stop it first') });
    await server.stop();
    expect((await cli(['models', 'remove', 'fast'], env)).code).toBe(0);
  });
});
