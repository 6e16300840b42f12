import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-ci-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const report = (passed: number, failed: number, skipped = 0, brokenFiles = 0) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: skipped,
  numTodoTests: 0,
  testResults: Array.from({ length: brokenFiles }, () => ({ status: 'failed', assertionResults: [] })),
});

async function lastLine(content: string, vitest: number, newcomer: number): Promise<[string, number]> {
  const path = join(folder, 'report.json');
  await writeFile(path, content);
  return new Promise(done => {
    const script = join(import.meta.dirname, 'ci-summary.mjs');
    execFile(process.execPath, [script, path, String(vitest), `newcomer=${newcomer}`], (error, stdout) =>
      done([stdout.trim().split('\n').at(-1)!, error === null ? 0 : Number(error.code)]),
    );
  });
}

describe('the last line of CI', () => {
  test.each([
    ['all is well', JSON.stringify(report(600, 0)), 0, 0, '601 passed, 0 failed', 0],
    ['tests failed', JSON.stringify(report(598, 2)), 1, 0, '599 passed, 2 failed', 1],
    ['files did not import', JSON.stringify(report(500, 2, 0, 3)), 1, 0, '501 passed, 5 failed', 1],
    ['the newcomer failed', JSON.stringify(report(600, 0)), 0, 1, '600 passed, 1 failed', 1],
    ['a check was skipped', JSON.stringify(report(600, 0)), 0, 77, '600 passed, 0 failed', 0],
    ['both failed', JSON.stringify(report(595, 5)), 1, 1, '595 passed, 6 failed', 1],
    ['all was skipped', JSON.stringify(report(0, 0, 600)), 0, 0, '1 passed, 1 failed', 1],
    ['the runner died', '{"numPassedTests": 3', 134, 0, '1 passed, 1 failed', 1],
    ['the runner failed for no test', JSON.stringify(report(600, 0)), 1, 0, '601 passed, 1 failed', 1],
  ])('says what happened when %s', async (_what, content, vitest, newcomer, line, code) => {
    expect(await lastLine(content, vitest, newcomer)).toEqual([line, code]);
  });
});
