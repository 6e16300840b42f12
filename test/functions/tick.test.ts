import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { submit } from '#core/jobs/submit.ts';
import type { WebhookRequest } from '#core/webhooks/ports.ts';
import { tick } from '#functions/tick.ts';
import { type LocalBench, openLocalBench } from '#test/core/local-bench.ts';

let bench: LocalBench;
beforeEach(async () => {
  bench = await openLocalBench();
});
afterEach(() => bench.close());

describe('the schedule', () => {
  test('ends a missed deadline with no worker up, and tells its webhook; one sweep that fails does not keep the others', async () => {
    const deadline = Math.floor(bench.time.nowMs / 1000) + 60;
    const fields = { prompt: 'x', deadline, webhook_url: 'https://hooks.example.com/reelay' };
    const { id } = await submit(bench.ports, 'acme', fields);
    const sent: WebhookRequest[] = [];
    const webhooks = {
      ...bench.ports.webhooks,
      now: bench.ports.now,
      sender: {
        send: async (request: WebhookRequest) => {
          sent.push(request);
          return { status: 200, ms: 1 };
        },
      },
    };
    const lines: unknown[][] = [];
    const log = (...line: unknown[]) => void lines.push(line);
    const dispatch = { ...webhooks, announce: async () => undefined, sleep: async () => undefined, log };
    const down = () => Promise.reject(new ReelayError('store_unavailable', 'out'));
    const accounts = () => bench.ports.accounts.sweep(bench.ports.store);
    const sweep = { ...bench.ports, queue: { ...bench.ports.queue, depth: down } };
    await submit(bench.ports, 'acme', { prompt: 'another that waits' });
    bench.time.nowMs += 61_000;
    await expect(tick({ sweep: [sweep], dispatch, accounts, erasures: async () => 0, log })()).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(await bench.job(id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    expect(sent.map(request => JSON.parse(request.body))).toMatchObject([{ type: 'video.failed', data: { id } }]);
    expect(lines).toEqual([['error', 'sweep failed', expect.objectContaining({ sweep: 'sweepLostMessages' })]]);
    expect(JSON.stringify(lines)).not.toContain('hooks.example.com');
  });
});
