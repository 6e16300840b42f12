import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demux } from '#gpu-container/media/demux.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-demux-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function threadOf(code: string): Promise<URL> {
  const path = join(folder, `thread-${code.length}.mjs`);
  await writeFile(path, code);
  return pathToFileURL(path);
}

test('a file whose reading runs in circles is called damaged after the CPU time that it may take', async () => {
  const endless = await threadOf('for (;;);');
  expect(await demux(new Uint8Array(), endless, 0.3)).toBe('it is damaged: it cannot be taken apart');
});

test('a thread that a busy machine lets wait is waited for: the clock alone damages no file', async () => {
  const slow = await threadOf(
    'import { parentPort } from "node:worker_threads"; setTimeout(() => parentPort.postMessage("read"), 1_500);',
  );
  expect(await demux(new Uint8Array(), slow, 0.6)).toBe('read');
});
