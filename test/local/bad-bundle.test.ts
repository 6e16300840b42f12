import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { MODELS_FOLDER } from '#local/bundles.ts';
import { type ApiServer, startApi } from '#test/functions/api-server.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';

let models: string;
let api: ApiServer | undefined;

beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), 'reelay-bad-'));
  await cp(join(MODELS_FOLDER, 'reelay-mini'), join(models, 'reelay-mini'), { recursive: true });
});
afterEach(async () => {
  await api?.close();
  api = undefined;
  await rm(models, { recursive: true, force: true });
});

describe('a server with a bad bundle stays up', () => {
  test('and fails the job by the name of the file that does not match its hash', async () => {
    await writeFile(join(models, 'reelay-mini', 'transformer', 'model.onnx'), 'not a graph');
    api = await startApi({ modelsFolder: models });
    const { id } = await api.post({ prompt: 'a red circle' });
    const ended = await api.ended(id);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'bundle_corrupt' } });
    expect(ended.error.message).toContain('transformer/model.onnx');
    expect((await api.call('GET', '/health')).body.status).toBe('ok');
  });

  test('and fails the jobs of a bundle that was replaced after its start, instead of passing them off as the old one', async () => {
    const folder = join(models, 'replaced');
    const old = await writeFastBundle(folder, { id: 'replaced' });
    api = await startApi({ modelsFolder: models });
    const path = join(folder, 'scheduler', 'scheduler_config.json');
    const changed = `${await readFile(path, 'utf8')} `;
    await writeFile(path, changed);
    const manifest = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'));
    const sha256 = createHash('sha256').update(changed).digest('hex');
    Object.assign(
      manifest.files.find((file: { path: string }) => file.path.startsWith('scheduler/')),
      { bytes: changed.length, sha256 },
    );
    await writeFile(join(folder, 'bundle.json'), JSON.stringify(manifest));
    expect((await loadBundle(folder)).digest).not.toBe(old.digest);
    const { id } = await api.post({ prompt: 'a red circle', model: 'replaced' });
    const ended = await api.ended(id);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'bundle_corrupt' } });
    expect(ended.error.message).toContain('"replaced" have changed since this process started; restart it');
  });

  test('and refuses requests in words when bundle.json itself makes no sense', async () => {
    await writeFile(join(models, 'reelay-mini', 'bundle.json'), '{"bundle": 1');
    api = await startApi({ modelsFolder: models });
    expect(api.embedded.refused[0]?.error.message).toContain('bundle.json');
    expect((await api.call('GET', '/v1/models')).body.data).toEqual([]);
    const refused = await api.post({ prompt: 'a red circle' });
    expect(refused.error).toMatchObject({
      code: 'model_not_found',
      message: 'model: this server has no model loaded.',
    });
  });
});
