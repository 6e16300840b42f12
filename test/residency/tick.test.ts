import { afterEach, beforeEach, expect, test } from 'vitest';
import { submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import { tick } from '#functions/tick.ts';
import { cloud, openEnclaveWorld } from './enclave-world.ts';

let world: Awaited<ReturnType<typeof openEnclaveWorld>>;
beforeEach(async () => {
  world = await openEnclaveWorld();
});
afterEach(() => world.close());

function tickOnce(servedPlaces = world.door.servedPlaces, now = () => Date.now()): Promise<void> {
  const { webhooks } = world.enclaves.get('standard')!;
  const sweep = [...world.enclaves].map(([enclave, ports]) => ({
    ...world.door,
    ...ports,
    servedPlaces,
    enclave,
    now,
  }));
  const sleep = async () => undefined;
  const dispatch = { ...webhooks, announce: async () => undefined, sleep, log: () => undefined };
  const accounts = () => world.door.accounts.sweep(world.door.store);
  return tick({ sweep, dispatch, accounts, erasures: async () => 0, log: () => undefined })();
}

test('the schedule sweeps each enclave by itself: tokens in one do not stand for jobs in the other', async () => {
  const { queue } = world.enclaves.get('sovereign')!;
  await world.submit('acme', 'sovereign');
  await queue.ack((await queue.receive({ leaseSeconds: 30, waitMs: 0 }))!); // lost
  await world.submit('acme', 'standard');
  await tickOnce();
  expect(await queue.depth()).toBe(1);
  expect(await world.enclaves.get('standard')!.queue.depth()).toBe(1);
});

test('the schedule ends what no known pool may serve any more, and leaves the rest', async () => {
  const stuck = await submit(world.door, 'acme', { prompt: 'x', residency: 'sovereign' });
  const fine = await submit(world.door, 'acme', { prompt: 'x' });
  await tickOnce([cloud]);
  expect((await world.job(stuck.id)).status).toBe('queued');
  for (let minutes = 1; minutes <= limits.unservedMinutes; minutes++)
    await tickOnce([cloud], () => Date.now() + minutes * 60_000);
  expect(await world.job(stuck.id)).toMatchObject({ status: 'failed', error: { code: 'residency_unsatisfiable' } });
  expect(await world.job(fine.id)).toMatchObject({ status: 'queued' });
});
