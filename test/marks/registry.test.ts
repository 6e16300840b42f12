import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findMark, type MarkedOutput, marksOfJob, payloadName, recordMark, reserveMark } from '#core/marks/registry.ts';
import { deploymentTag, jobNonce, openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { createMemoryKeyValueStore } from '#test/simulation/memory-key-value-store.ts';

const mac = (message: Uint8Array) => createHmac('sha256', 'a key').update(message).digest();
const open = () => ({ kv: createMemoryKeyValueStore(), now: () => 5 });
const job = (id: string) => ({ id, tenant: 'acme' });
const output = (attempt: number): MarkedOutput => ({
  attempt,
  manifestId: `urn:c2pa:${attempt}`,
  sha256: 'ab',
  framesSha256: 'cd',
  pictureHashes: [],
  bundleDigest: 'ef',
  watermark: 'lf-stdm/1',
  strength: 'full',
  markedAtMs: 7,
});

describe('the registry of marks', () => {
  test('gives a later attempt of a job the payload of the first', async () => {
    const ports = open();
    const first = await reserveMark(ports, job('a'), counter => `p${counter}`);
    expect(await reserveMark(ports, job('a'), counter => `p${counter}`)).toEqual(first);
  });

  test('gives no two jobs one payload, however many ask for it at once', async () => {
    const ports = open();
    const asked = Array.from({ length: 12 }, (_, i) => reserveMark(ports, job(`j${i}`), counter => `p${counter}`));
    const payloads = (await Promise.all(asked)).map(({ payload }) => payload);
    expect(new Set(payloads).size).toBe(12);
    for (const [i, payload] of payloads.entries()) expect((await findMark(ports.kv, payload))?.jobId).toBe(`j${i}`);
  });

  test('keeps what each attempt marked, and finds it by payload and by job', async () => {
    const ports = open();
    const { payload } = await reserveMark(ports, job('a'), () => 'p');
    expect(await marksOfJob(ports.kv, 'a')).toBeUndefined();
    for (const attempt of [1, 2, 2]) await recordMark(ports, { payload, jobId: 'a' }, output(attempt));
    const row = await findMark(ports.kv, payload);
    expect(row).toMatchObject({ jobId: 'a', tenant: 'acme', outputs: [{ attempt: 1 }, { attempt: 2 }] });
    expect(await marksOfJob(ports.kv, 'a')).toEqual(row);
    expect(await findMark(ports.kv, 'another')).toBeUndefined();
  });

  test('takes no note of a mark that is not the job’s', async () => {
    const ports = open();
    const { payload } = await reserveMark(ports, job('a'), () => 'p');
    await expect(recordMark(ports, { payload, jobId: 'b' }, output(1))).rejects.toThrow('not of this job');
    await expect(recordMark(ports, { payload: 'q', jobId: 'a' }, output(1))).rejects.toThrow('not of this job');
  });

  test('names all 58 bits of a payload, and two payloads apart', () => {
    const payload = { tag: deploymentTag(mac, 'x'), nonce: jobNonce(mac, 'video_1') };
    const read = openPayload(mac, sealPayload(mac, payload));
    expect(payloadName(read)).toBe(payloadName(payload));
    expect(payloadName({ tag: 2 ** 24 - 1, nonce: 2 ** 34 - 1 })).toBe('3ffffffffffffff');
    expect(payloadName({ tag: 0, nonce: 1 })).toBe('000000000000001');
  });
});
