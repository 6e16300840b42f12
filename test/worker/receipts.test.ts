import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { submit as submitJob } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import { checkReceipt } from '#core/placement/check-receipt.ts';
import { readReceipt } from '#core/placement/read-receipt.ts';
import { processJob, type WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createReceipts } from '#gpu-container/worker/receipts.ts';
import { receiptKeys } from './receipts-for.ts';
import { openWorkerBench, type WorkerBench } from './worker-bench.ts';

let bench: WorkerBench;
const never = new AbortController().signal;

// One render child for all: each test leaves nothing queued.
beforeAll(async () => {
  bench = await openWorkerBench();
});
afterAll(() => bench.close());

const submit = () => bench.submit({ num_inference_steps: 1 });
const process = async (ports: WorkerPorts = bench.ports) => processJob(ports, await bench.receive(), never);
const filesOf = (id: string) =>
  readdir(join(bench.folder, 'blobs', 'videos', 'local', id), { recursive: true }).catch(() => []);
/** The bench's ports with something that happens when the receipt's bytes are put. */
const whenReceiptIsPut = (act: () => Promise<void>): WorkerPorts => ({
  ...bench.ports,
  blobs: {
    ...bench.ports.blobs,
    put: async (key, bytes, options) => {
      if (key.endsWith('receipt.json')) await act();
      return bench.ports.blobs.put(key, bytes, options);
    },
  },
});

describe('a receipt', () => {
  test('is the last of the bytes and lies there before the record names it', async () => {
    const { id } = await submit();
    let seen: unknown;
    await process(
      whenReceiptIsPut(async () => {
        const { status, receipt } = await bench.job(id);
        seen = { status, receipt, files: (await filesOf(id)).filter(name => /\./.test(name)).length };
      }),
    );
    expect(seen).toEqual({ status: 'in_progress', receipt: null, files: 3 });
    const { receipt, artifacts, attempt } = await bench.job(id);
    expect(receipt?.key).toBe(`videos/local/${id}/attempt=${attempt}/receipt.json`);
    const signed = readReceipt(await readFile(join(bench.folder, 'blobs', receipt!.key), 'utf8'));
    const checks = checkReceipt(signed, { verify: receiptKeys.verify, video: artifacts.video });
    expect(checks.filter(({ outcome }) => outcome === 'fails')).toEqual([]);
  });

  test('names the weights that rendered the video, also where the front door knew others', async () => {
    const [card] = bench.ports.models;
    const asked = { ...bench.ports, models: [{ ...card!, digest: 'e'.repeat(64) }] };
    const { id } = await submitJob(asked, 'local', { prompt: 'a red circle', num_inference_steps: 1 });
    await process();
    const { receipt, modelDigest } = await bench.job(id);
    const signed = readReceipt(await readFile(join(bench.folder, 'blobs', receipt!.key), 'utf8'));
    expect([modelDigest, signed.receipt.model]).toEqual(['e'.repeat(64), { id: card!.id, digest: card!.digest }]);
  });

  test('whose salt cannot be read lets its job wait before anything is rendered', async () => {
    const { id } = await submit();
    const away = { ...bench.ports.kv, get: () => Promise.reject(new ReelayError('store_unavailable', 'out')) };
    const { place } = bench.ports;
    const stores = { records: place, objects: place };
    const receipts = createReceipts({ ...bench.ports, kv: away, signer: receiptKeys, stores });
    const renderer = { ...bench.ports.renderer, render: () => Promise.reject(new Error('it rendered')) };
    expect(await process({ ...bench.ports, receipts, renderer })).toBe('outage');
    expect(await bench.job(id)).toMatchObject({ status: 'queued', failures: 0, attempt: 1 });
    await bench.ports.queue.send({ v: 1, jobId: id });
    await process({ ...bench.ports, now: () => Date.now() + 60_000 });
    expect((await bench.job(id)).status).toBe('completed');
  });

  test('that cannot be written keeps its job from completing until there is room', async () => {
    const { id } = await submit();
    const full = new ReelayError('store_unavailable', 'the store is full');
    await process(whenReceiptIsPut(() => Promise.reject(full)));
    expect(await bench.job(id)).toMatchObject({ status: 'queued', failures: 0, receipt: null, artifacts: {} });
    await bench.ports.queue.send({ v: 1, jobId: id });
    await process({ ...bench.ports, now: () => Date.now() + 60_000 });
    expect(await bench.job(id)).toMatchObject({ status: 'completed', receipt: { key: expect.any(String) } });
  });

  test('that does not verify keeps its job from completing, and after its last try the job fails', async () => {
    const { id } = await submit();
    const signer = { ...receiptKeys, sign: () => '00'.repeat(64) };
    const { place } = bench.ports;
    const receipts = createReceipts({ ...bench.ports, signer, stores: { records: place, objects: place } });
    for (let tries = 1; tries <= limits.maxFailures; tries++) {
      const now = () => Date.now() + tries * 60_000;
      await bench.ports.queue.send({ v: 1, jobId: id });
      await process({ ...bench.ports, receipts, now });
      expect((await bench.job(id)).status).toBe(tries < limits.maxFailures ? 'queued' : 'failed');
    }
    expect(await bench.job(id)).toMatchObject({ error: { code: 'internal' }, receipt: null, artifacts: {} });
    const said = bench.log.filter(line => line.message === 'no receipt').map(line => line.fields.why);
    expect(said[0]).toMatch(/^The placement receipt does not hold: It was changed after it was signed/);
  });

  test('of a job that an earlier attempt took where it may not be says so, and the operator is told', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1, residency: 'sovereign' });
    const abroad = {
      pool: 'abroad',
      site: 'cloud',
      region: 'r',
      attempt: 1,
      worker: 'w',
      startedAtMs: 0,
      fromStep: 0,
    } as const;
    const { version } = await bench.job(id);
    await bench.ports.store.transition(
      id,
      { status: 'queued', attempt: 0, version },
      { attempt: 1, placements: [abroad] },
    );
    await process();
    const { status, receipt } = await bench.job(id);
    expect(status).toBe('completed');
    expect(bench.log.map(line => line.message)).toContain('residency broken by an earlier attempt');
    const signed = readReceipt(await readFile(join(bench.folder, 'blobs', receipt!.key), 'utf8'));
    const failed = checkReceipt(signed, { verify: receiptKeys.verify }).filter(({ outcome }) => outcome === 'fails');
    expect(failed).toMatchObject([{ check: 'residency', sentence: expect.stringMatching(/^BREACH/) }]);
  });

  test('tells one worker from another and one tenant from another, and is guessed at with no list of names', async () => {
    const read = async () => {
      const { id } = await submit();
      await process();
      const { receipt } = await bench.job(id);
      return readReceipt(await readFile(join(bench.folder, 'blobs', receipt!.key), 'utf8')).receipt;
    };
    const [first, second] = [await read(), await read()];
    expect(second.tenant).toBe(first.tenant);
    expect(second.attempts[0]!.worker).toBe(first.attempts[0]!.worker);
    expect(first.tenant).not.toBe(first.attempts[0]!.worker);
    const plain = [bench.ports.sha256('local'), bench.ports.sha256('\nlocal'), bench.ports.sha256('test')];
    expect(plain).not.toContain(first.tenant);
    // The same request, and yet not the same hash: who is shown one learns nothing of the other.
    expect(second.request.hmac_sha256).not.toBe(first.request.hmac_sha256);
  });

  test('of an attempt that lost its lease is never seen', async () => {
    const { id } = await submit();
    const stale = whenReceiptIsPut(async () => {
      const { attempt } = await bench.job(id);
      const taken = {
        status: 'in_progress',
        attempt: attempt + 1,
        lease: { owner: 'another', expiresAtMs: 0 },
      } as const;
      await bench.ports.store.transition(id, { status: 'in_progress', attempt }, taken);
    });
    await process(stale);
    expect(await bench.job(id)).toMatchObject({ status: 'in_progress', attempt: 2, receipt: null });
    expect((await filesOf(id)).filter(name => name.includes('receipt'))).toEqual([]);
  });
});
