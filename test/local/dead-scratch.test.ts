import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbedded } from '#local/embedded.ts';

test('what the render child of a dead worker wrote after the others had cleaned up goes when one of them stops', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'reelay-dead-scratch-'));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const late = join(dataFolder, 'scratch', 'host-1-0a0a0a0a', 'video-1');
  const embedded = await openEmbedded({ dataFolder });
  await mkdir(late, { recursive: true });
  await writeFile(join(late, 'video.mp4'), 'late');
  await embedded.close();
  expect(existsSync(join(dataFolder, 'scratch', 'host-1-0a0a0a0a'))).toBe(false);
});

test('a living worker keeps its folder while another stops', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'reelay-live-scratch-'));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const [one, other] = [await openEmbedded({ dataFolder }), await openEmbedded({ dataFolder })];
  onTestFinished(() => one.close());
  one.work();
  const { submit } = await import('#core/jobs/submit.ts');
  await submit(one.deps, 'local', { prompt: 'a red circle', num_inference_steps: 2 });
  await other.close();
  await expect.poll(() => one.idle(), { timeout: 30_000 }).toBe(true);
  const [job] = (await one.deps.store.list('local', { limit: 1, order: 'desc' })).jobs;
  expect([job?.status, job?.attempt]).toEqual(['completed', 1]);
});
