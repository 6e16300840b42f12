import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { startHealthBeat, tellAnswers, whyUnhealthy } from '#gpu-container/worker/health-beat.ts';

const CHECK = join(import.meta.dirname, '..', '..', 'gpu-container', 'health.ts');
const NOW = 1_800_000_000_000;
const beat = (silentMs: number, waitingMs: number | null) =>
  JSON.stringify({
    v: 1,
    pid: 1,
    beatAtMs: NOW - silentMs,
    answeredAtMs: waitingMs === null ? null : NOW - waitingMs,
  });

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-health-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'health.json');
}

const check = (path: string) =>
  spawnSync(process.execPath, [CHECK], { env: { PATH: process.env.PATH, REELAY_HEALTH_FILE: path }, encoding: 'utf8' });

describe('a worker', () => {
  test('is healthy while it beats and its stores answer, also while it still fetches bundles', () => {
    expect(whyUnhealthy(beat(5_000, 40_000), NOW)).toBeUndefined();
    expect(whyUnhealthy(beat(5_000, null), NOW)).toBeUndefined();
  });

  test.each([
    ['whose event loop is stuck', beat(60_000, 1_000), "The worker's event loop has been stuck for 60 s."],
    ['whose stores hang', beat(1_000, 300_000), 'No store has answered the worker for 300 s.'],
    ['that never began', undefined, 'The worker has not begun to beat, or has ended.'],
    ['whose file is torn', '{"v":1,"pid', 'The health file is not one that a worker writes.'],
    ['whose file is of something else', '{"v":2}', 'The health file is not one that a worker writes.'],
  ])('%s is not', (_, text, sentence) => {
    expect(whyUnhealthy(text, NOW)).toBe(sentence);
  });

  test('is found so by the check that the image runs', async () => {
    const path = await file();
    const beating = startHealthBeat(path, 20);
    for (let looks = 0; looks < 100 && (await readFile(path, 'utf8').catch(() => '')) === ''; looks++) await sleep(10);
    expect(check(path)).toMatchObject({ status: 0, stdout: 'ok\n' });
    await beating.stop();
    expect(check(path)).toMatchObject({ status: 1, stdout: 'The worker has not begun to beat, or has ended.\n' });
    const stuck = { v: 1, pid: 1, beatAtMs: Date.now() - limits.healthStaleMs - 5_000, answeredAtMs: null };
    await writeFile(path, JSON.stringify(stuck));
    expect(check(path).stdout).toMatch(/^The worker's event loop has been stuck for 3\d s\.\n$/);
    expect(check('').status).toBe(1);
  });

  test('whose event loop is blocked stops beating', async () => {
    const path = await file();
    const program = `
      import { startHealthBeat } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'gpu-container/worker/health-beat.ts'))};
      startHealthBeat(${JSON.stringify(path)}, 20);
      setTimeout(() => { const end = Date.now() + 1500; while (Date.now() < end); }, 300);
      setTimeout(() => process.exit(0), 2000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const beatAtMs = async () => JSON.parse(await readFile(path, 'utf8')).beatAtMs as number;
    for (let looks = 0; looks < 200 && (await readFile(path, 'utf8').catch(() => '')) === ''; looks++) await sleep(10);
    await sleep(900);
    expect(Date.now() - (await beatAtMs())).toBeGreaterThan(200);
  });
});

test('every answer of a port is told, errors too, and a call that hangs is none', async () => {
  let answers = 0;
  const port = tellAnswers(
    {
      ok: async (value: number) => value,
      fails: async () => {
        throw new Error('down');
      },
      hangs: () => new Promise(() => undefined),
      plain: 3,
    },
    () => answers++,
  );
  expect(await port.ok(2)).toBe(2);
  await expect(port.fails()).rejects.toThrow('down');
  void port.hangs();
  await sleep(5);
  expect([answers, port.plain]).toEqual([2, 3]);
});
