/** Receipts through the embedded server's HTTP API, and what an auditor makes of them. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { receiptKeyPath } from '#adapters/local/receipt-key-file.ts';
import { readReceipt } from '#core/placement/read-receipt.ts';
import { type ApiServer, startApi } from '#test/functions/api-server.ts';
import { cli } from '#test/local/server-process.ts';

let api: ApiServer;
let dataFolder: string;
const PROMPT = 'a red circle bouncing over a dark blue background';

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'reelay-receipts-'));
  api = await startApi({ dataFolder, place: { pool: 'cellar-1', site: 'onprem', region: 'berlin' } });
});
afterAll(async () => {
  await api.close();
  await rm(dataFolder, { recursive: true, force: true });
});

const raw = async (path: string, init: RequestInit = {}) => fetch(api.url + path, init);
const verify = (...args: readonly string[]) => cli(['verify', '--json', ...args], { REELAY_DATA: dataFolder });

describe('GET /v1/videos/{id}/receipt', () => {
  test('is the signed receipt of a finished video, and 404 before that and after it was deleted', async () => {
    const { id } = await api.post({ prompt: PROMPT, residency: 'sovereign', num_inference_steps: 2, seed: 1 });
    const early = await api.call('GET', `/v1/videos/${id}/receipt`);
    expect([early.status, early.body.error.code]).toEqual([404, 'video_not_ready']);
    const { sha256, model_digest, placement } = await api.ended(id);
    const receiptUrl = `/v1/videos/${id}/receipt`;
    expect(placement).toEqual({ site: 'onprem', zone: 'berlin', pool: 'cellar-1', receipt_url: receiptUrl });

    const response = await raw(receiptUrl);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    const text = await response.text();
    const { receipt } = readReceipt(text);
    expect(receipt).toMatchObject({
      job: id,
      residency: { class: 'sovereign', sites: ['onprem'], regions: null },
      model: { id: 'reelay-mini', digest: model_digest },
      accepted: { place: { pool: 'cellar-1', site: 'onprem', region: 'berlin' } },
      attempts: [{ attempt: 1, pool: 'cellar-1', site: 'onprem', region: 'berlin', from_step: 0 }],
      prompt: { kept: [{ store: 'records', site: 'onprem', region: 'berlin' }], left_premises: false },
      latents: { kept: [], left_premises: false },
      output: { left_premises: false },
    });
    expect(receipt.output.files.video.sha256).toBe(sha256);
    for (const secret of [PROMPT, '"local"']) expect(text).not.toContain(secret);

    const etag = response.headers.get('etag')!;
    expect((await raw(`/v1/videos/${id}/receipt`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await raw(`/v1/videos/${id}/receipt`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const odd = await api.call('GET', `/v1/videos/${id}/receipt?part=all`);
    expect([odd.status, odd.body.error.param]).toEqual([400, 'part']);

    const folder = join(dataFolder, 'blobs', 'videos', 'local', id);
    expect(await readdir(join(folder, 'attempt=1'))).toContain('receipt.json');
    await api.call('DELETE', `/v1/videos/${id}`);
    expect((await raw(`/v1/videos/${id}/receipt`)).status).toBe(404);
    await expect.poll(() => readdir(folder).catch(() => 'gone'), { timeout: 15_000 }).toBe('gone');
  });

  test('verifies offline with its video and its request, by the keys that the installation prints', async () => {
    const { id } = await api.post({ prompt: PROMPT, num_inference_steps: 1, seed: 2 });
    await api.ended(id);
    const path = (name: string) => join(dataFolder, name);
    await writeFile(path('r.json'), await (await raw(`/v1/videos/${id}/receipt`)).text());
    await writeFile(path('o.json'), await (await raw(`/v1/videos/${id}/receipt?part=opening`)).text());
    await writeFile(path('v.mp4'), Buffer.from(await (await raw(`/v1/videos/${id}/content`)).arrayBuffer()));
    const keys = await cli(['receipts', 'keys'], { REELAY_DATA: dataFolder });
    await writeFile(path('keys.json'), keys.stdout);

    const all = await verify(path('v.mp4'), path('r.json'), '--keys', path('keys.json'), '--request', path('o.json'));
    const said = JSON.parse(all.stdout);
    expect(all.code).toBe(0);
    expect(said.findings[0].checks.map((one: { outcome: string }) => one.outcome)).toEqual(Array(6).fill('holds'));

    const opening = await readFile(path('o.json'), 'utf8');
    expect(opening).toContain(PROMPT);
    await writeFile(path('other.json'), opening.replace('red', 'blue'));
    const other = await verify(path('r.json'), '--request', path('other.json'));
    expect([other.code, JSON.parse(other.stdout).findings[0].checks.at(-1)]).toMatchObject([
      1,
      { check: 'request', outcome: 'fails' },
    ]);
  });

  test('lists both places of a job that another pool went on with, and the data folder verifies as it lies', async () => {
    const { id } = await api.post({ prompt: PROMPT, residency: 'sovereign', num_inference_steps: 50, seed: 3 });
    const step = async () => (await api.call('GET', `/v1/videos/${id}`)).body.step ?? 0;
    await expect.poll(step, { timeout: 20_000 }).toBeGreaterThan(3);
    await api.close();
    api = await startApi({ dataFolder, place: { pool: 'attic-2', site: 'onprem', region: 'berlin' } });
    const { attempt } = await api.ended(id);
    expect(attempt).toBe(2);
    const { receipt } = readReceipt(await (await raw(`/v1/videos/${id}/receipt`)).text());
    expect(receipt.attempts).toMatchObject([
      { attempt: 1, pool: 'cellar-1', from_step: 0 },
      { attempt: 2, pool: 'attic-2', from_step: expect.any(Number) },
    ]);
    expect(receipt.attempts[1]!.from_step).toBeGreaterThan(3);
    expect(receipt.latents.kept).toHaveLength(1);
    expect(receipt.attempts[0]!.worker).not.toBe(receipt.attempts[1]!.worker);

    const whole = await verify(join(dataFolder, 'blobs'), '--premises-only');
    const { findings } = JSON.parse(whole.stdout);
    // Both pictures of each video hold by its receipt.
    expect([whole.code, findings.length]).toEqual([0, 6]);
    const names = findings.map(({ video }: { video: string }) => basename(video)).sort();
    const files = ['spritesheet.jpg', 'thumbnail.webp', 'video.mp4'];
    expect(names).toEqual(files.flatMap(name => [name, name]));
  });
});

describe('the key', () => {
  test("is its owner's alone, and in no log", async () => {
    const path = receiptKeyPath(dataFolder);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const secret = (await readFile(path, 'utf8')).split('\n')[1]!;
    expect(await readFile(join(dataFolder, 'log.jsonl'), 'utf8')).not.toContain(secret);
  });
});
