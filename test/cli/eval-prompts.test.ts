/** A file of prompts is read as editors and shells of all systems leave it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPrompts } from '#cli/eval-prompts.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-eval-prompts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = async (text: string) => {
  const path = join(folder, 'prompts.jsonl');
  await writeFile(path, text);
  return (await readPrompts(path)).map(({ prompt, seed, image }) => ({ prompt, seed, image }));
};

const lines = ['{"prompt": "a red ball", "seed": 7}', '', '{"prompt": "eine Möwe 🐦", "image": "house.png"}'];

test('a byte order mark and CRLF change nothing, nor do files that were joined', async () => {
  const plain = await read(lines.join('\n'));
  expect(plain).toEqual([
    { prompt: 'a red ball', seed: 7, image: null },
    { prompt: 'eine Möwe 🐦', seed: 1001, image: join(folder, 'house.png') },
  ]);
  expect(await read(`\ufeff${lines.join('\r\n')}\r\n`)).toEqual(plain);
  expect(await read(lines.map(line => `\ufeff${line}`).join('\n'))).toEqual(plain);
});

test('a line that is wrong is named as the file counts it', async () => {
  await expect(read('\ufeff{"prompt": "a"}\r\n\r\n{"prompt": \r\n')).rejects.toThrow('line 3: it is not JSON');
  await expect(read('\ufeff\r\n')).rejects.toThrow('there is no prompt in it.');
});
