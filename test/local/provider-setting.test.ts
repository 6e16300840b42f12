import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProbe } from '#gpu-container/worker/run-probe.ts';
import { cli } from './server-process.ts';

const folder = join(tmpdir(), `reelay-provider-${process.pid}`);

test.each(['serve', 'worker'])('%s with REELAY_PROVIDER=cuda starts only where CUDA really runs', async command => {
  const { ok } = await runProbe('cuda');
  if (ok) return;
  const { code, stdout, stderr } = await cli([command], { REELAY_PROVIDER: 'cuda', REELAY_DATA: folder });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^reelay: REELAY_PROVIDER: .+\n$/);
  expect(existsSync(folder)).toBe(false);
});

test('another provider is refused in a sentence', async () => {
  const { code, stderr } = await cli(['worker'], { REELAY_PROVIDER: 'gpu', REELAY_DATA: folder });
  expect([code, stderr]).toEqual([2, 'reelay: REELAY_PROVIDER: got "gpu"; cpu and cuda are allowed.\n']);
});
