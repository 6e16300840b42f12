import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectFleet } from '#adapters/aws/connect-fleet.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { functions } from '#infra/functions.ts';

test('an ECS that takes calls and never answers is a fleet that does not answer, long before the function is ended', async () => {
  let calls = 0;
  const silent = createServer(() => void calls++);
  await new Promise<void>(done => silent.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
    vi.unstubAllEnvs();
  });
  const { port } = silent.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_ECS', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const env = { REELAY_TABLE: 'jobs', REELAY_WAKE_QUEUE_URL: 'http://127.0.0.1/wake' };
  const settings = { cluster: 'gpus', services: new Map([['cloud-spot', 'spot']]), pools: [] };
  const { fleet } = connectFleet(env, settings, () => undefined);
  const began = performance.now();
  await expect(fleet.read()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  const { fleetCallMs, fleetCallTries } = fleetLimits;
  expect(calls).toBe(fleetCallTries);
  expect(performance.now() - began).toBeLessThan(fleetCallMs * fleetCallTries + 2_000);
  // Three calls in a row make a look; what is left is for remembering and acting.
  expect(3 * fleetCallMs * fleetCallTries).toBeLessThan(functions.autoscale.timeoutSeconds * 1_000 - 5_000);
}, 20_000);
