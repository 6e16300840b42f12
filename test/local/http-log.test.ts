import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { fileLog } from '#local/file-log.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-log-'));
  path = join(folder, 'log.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const numbersIn = async (file: string) =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).n);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('the log of the embedded server', () => {
  test('gathers lines, and has them in the file in order a moment later', async () => {
    const log = fileLog(path);
    for (const n of upTo(100)) log('info', 'request', { n });
    await sleep(250);
    expect(await numbersIn(path)).toEqual(upTo(100));
  });

  test('an error is in the file at once, and all lines before it', async () => {
    const log = fileLog(path);
    for (const n of upTo(5)) log('info', 'request', { n });
    log('error', 'request failed', { n: 5 });
    expect(await numbersIn(path)).toEqual(upTo(6));
  });

  test.each([
    ['ends by itself', ''],
    ['exits', 'process.exit(0);'],
    ['dies of an error that nobody caught', 'setImmediate(() => { throw new Error("x"); });'],
  ])('loses no line when the process %s', async (_, ending) => {
    const module = join(import.meta.dirname, '..', '..', 'local', 'file-log.ts');
    const script = join(folder, 'writer.ts');
    await writeFile(
      script,
      `import { fileLog } from ${JSON.stringify(module)};
       const log = fileLog(${JSON.stringify(path)});
       for (let n = 0; n < 50; n++) log('info', 'request', { n });
       ${ending}`,
    );
    try {
      execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script], { stdio: 'ignore' });
    } catch {
      expect(ending).toContain('throw');
    }
    expect(await numbersIn(path)).toEqual(upTo(50));
  });

  test('is turned over at its size, and keeps the lines of both parts', async () => {
    await writeFile(path, `${JSON.stringify({ n: -1, filler: 'x'.repeat(limits.maxLogBytes) })}\n`);
    const log = fileLog(path);
    log('info', 'request', { n: 0 });
    log.flush();
    expect(await numbersIn(path)).toEqual([0]);
    expect(await numbersIn(join(folder, 'log.1.jsonl'))).toEqual([-1]);
  });
});
