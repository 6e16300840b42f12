import { describe, expect, test } from 'vitest';
import { readDefaultSecrets, rotateDefaultSecret } from '#core/webhooks/default-secret.ts';
import {
  createEndpoint,
  deleteEndpoint,
  readEndpoint,
  readEndpoints,
  rotateEndpointSecret,
  testEndpoint,
  updateEndpoint,
} from '#core/webhooks/endpoints.ts';
import { secretHint, toBase64 } from '#core/webhooks/secret.ts';
import { webhookLimits } from '#core/webhooks/webhook-limits.ts';
import { createWorld, status } from './webhook-world.ts';

const BODY = { name: 'newsroom', url: 'https://hooks.example.com/in', event_types: ['video.completed'] };

describe('webhook endpoints', () => {
  test('are made, read, listed newest first, changed and deleted, each tenant its own', async () => {
    const { ports, clock } = createWorld();
    const first = await createEndpoint(ports, 'acme', BODY);
    clock.ms += 1_000;
    const second = await createEndpoint(ports, 'acme', { ...BODY, name: 'second' });
    expect(first.secrets.current).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(first.secrets.current).not.toBe(second.secrets.current);
    expect(await readEndpoint(ports, 'acme', first.id)).toEqual(first);
    expect((await readEndpoints(ports, 'acme')).map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(await readEndpoints(ports, 'other')).toEqual([]);
    clock.ms += 1_000;
    const changed = await updateEndpoint(ports, 'acme', first.id, { name: 'renamed' });
    expect(changed).toEqual({ ...first, name: 'renamed', updatedAtMs: clock.ms });
    clock.ms += 1_000;
    expect(await updateEndpoint(ports, 'acme', first.id, { name: 'renamed' })).toEqual(changed);
    await deleteEndpoint(ports, 'acme', first.id);
    for (const [tenant, id] of [
      ['acme', first.id],
      ['other', second.id],
      ['acme', 'whe_x'],
      ['acme', '../x'],
    ] as const)
      for (const call of [readEndpoint, deleteEndpoint])
        await expect(call(ports, tenant, id)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('every problem of a body is reported at once, and nothing is dropped', async () => {
    const { ports } = createWorld();
    const bad = { name: '', url: 'http://10.0.0.1', event_types: ['video.completed', 'batch.completed'], secret: 'x' };
    const error = await createEndpoint(ports, 'acme', bad).catch(e => e);
    expect(error.problems.map((p: { path: string }) => p.path)).toEqual(['secret', 'name', 'url', 'event_types']);
    for (const body of [null, 'x', [], {}, { ...BODY, event_types: [] }, { ...BODY, enabled: 'yes' }])
      await expect(createEndpoint(ports, 'acme', body)).rejects.toMatchObject({ code: 'invalid_request' });
    const twice = { ...BODY, event_types: ['video.failed', 'video.failed'] };
    await expect(createEndpoint(ports, 'acme', twice)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await readEndpoints(ports, 'acme')).toEqual([]);
  });

  test('there are so many and no more', async () => {
    const { ports } = createWorld();
    for (let n = 0; n < webhookLimits.maxEndpoints; n++) await createEndpoint(ports, 'acme', BODY);
    await expect(createEndpoint(ports, 'acme', BODY)).rejects.toThrow('delete one first');
    await createEndpoint(ports, 'other', BODY);
  });

  test('two rotations at once both count, and the hint shows which secret is meant', async () => {
    const { ports } = createWorld();
    const { id, secrets } = await createEndpoint(ports, 'acme', BODY);
    const keep = { keep_old_secret_active_for_24_hours: true };
    const both = await Promise.all([
      rotateEndpointSecret(ports, 'acme', id, keep),
      rotateEndpointSecret(ports, 'acme', id, keep),
    ]);
    const stored = (await readEndpoint(ports, 'acme', id)).secrets;
    expect(both.map(endpoint => endpoint.secrets.current)).toContain(stored.current);
    expect(both.map(endpoint => endpoint.secrets.current)).toContain(stored.old?.secret);
    expect(secretHint(secrets)).toBe(`whsec_…${secrets.current.slice(-5, -1)}`);
    for (const body of [{ keep: true }, { keep_old_secret_active_for_24_hours: 'yes' }, 'x'])
      await expect(rotateEndpointSecret(ports, 'acme', id, body)).rejects.toMatchObject({ code: 'invalid_request' });
    expect((await rotateEndpointSecret(ports, 'acme', id, {})).secrets.old).toBeNull();
  });

  test('the default secret is made once, however many ask for it, and can be rotated', async () => {
    const { ports } = createWorld();
    const asked = await Promise.all(Array.from({ length: 8 }, () => readDefaultSecrets(ports, 'acme')));
    expect(new Set(asked.map(({ current }) => current)).size).toBe(1);
    const next = await rotateDefaultSecret(ports, 'acme', true);
    expect(next.old?.secret).toBe(asked[0]!.current);
    expect(await readDefaultSecrets(ports, 'acme')).toEqual(next);
    expect((await readDefaultSecrets(ports, 'other')).current).not.toBe(next.current);
  });

  test('a test sends one event now, and says the status or why there is none', async () => {
    const world = createWorld();
    const { id, url } = await createEndpoint(world.ports, 'acme', BODY);
    world.answer = () => status(503);
    const type = { event_type: 'video.failed' };
    expect(await testEndpoint(world.ports, 'acme', id, type)).toEqual({ eventType: 'video.failed', status: 503 });
    expect(world.sent).toHaveLength(1);
    expect(world.sent[0]).toMatchObject({ url, timeoutMs: 10_000 });
    expect(JSON.parse(world.sent[0]!.body)).toMatchObject({ object: 'event', type: 'video.failed' });
    world.answer = () => ({ failure: 'timed_out', ms: 10_000 });
    await expect(testEndpoint(world.ports, 'acme', id, type)).rejects.toThrow('timed_out');
    for (const body of [{}, null, { event_type: 'batch.completed' }])
      await expect(testEndpoint(world.ports, 'acme', id, body)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(world.deliveries()).toEqual([]);
  });

  test('base64 is what the platform makes of it', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, n) => (n * 89 + length) & 255);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }
  });
});
