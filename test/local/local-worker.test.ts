import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newReceiptKey, receiptKeysFrom } from '#adapters/receipt-keys.ts';
import { openEmbedded } from '#local/embedded.ts';
import { startLocalWorker } from '#local/local-worker.ts';

test('a model that runs partly on the CPU is told in the log of the data folder', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'reelay-local-worker-'));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  const embedded = await openEmbedded({ dataFolder });
  onTestFinished(() => embedded.close());
  const childPath = join(dataFolder, 'child.mjs');
  const why = 'a graph: cuda has no kernel';
  const said = [
    { type: 'partly_elsewhere', why },
    { type: 'ready', digest: '' },
  ];
  await writeFile(
    childPath,
    `for (const said of ${JSON.stringify(said)}) process.send(said); process.on('disconnect', () => process.exit());`,
  );
  const told: unknown[] = [];
  const stop = new AbortController();
  const ended = startLocalWorker(
    {
      ports: embedded.deps,
      receiptSigner: receiptKeysFrom(newReceiptKey(), 'the test'),
      markingKeys: embedded.marking.keys,
      bundles: embedded.bundles,
      owner: 'test',
      ownerIsGone: () => false,
      scratchRoot: join(dataFolder, 'scratch'),
      log: (level, message, fields) => told.push({ level, message, ...fields }),
      childPath,
    },
    stop.signal,
  );
  await expect.poll(() => told).toContainEqual({ level: 'warn', message: 'part of a graph runs on the CPU', why });
  stop.abort();
  await ended();
});
