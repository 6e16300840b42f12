import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { planCommand } from '#cli/plan.ts';
import { makeJob } from '#test/contracts/make-job.ts';

const header = 'ts,model,steps,frames,w,h,tenant,residency,tier,service_s';

describe('reelay plan', () => {
  let folder = '';
  let told = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reelay-plan-'));
    told = '';
    vi.spyOn(process.stdout, 'write').mockImplementation(text => {
      told += text;
      return true;
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  async function writeLog(residency: string, jobs = 200): Promise<string> {
    const file = join(folder, 'jobs<b>.csv');
    const lines = Array.from({ length: jobs }, (_, i) => {
      const stays = i % 3 === 0 ? residency : 'any';
      return `${i * 400 + (i % 7) * 90},m,20,49,512,512,acme,${stays},standard,${30 + (i % 5) * 20}`;
    });
    await writeFile(file, [header, ...lines].join('\n'));
    return file;
  }
  const run = (...words: string[]) => planCommand().exitOverride().parseAsync(words, { from: 'user' });

  test('prints policies side by side, where billed time goes, the break-even and how many GPUs to own', async () => {
    await run(await writeLog('onprem'), '--target', '400', '--owned', '2');
    expect(told).toMatch(/^jobs<b>.csv: 200 jobs in 0.9 days, 4 GPU-hours of work; L40S at \$1.861 an hour\n/);
    expect(told).toMatch(/\nhorizon D=400 .*frontier/);
    expect(told).toMatch(/\nkeda q=5 /);
    expect(told).toMatch(/\nbilled time +useful +cold start +idle +cancelled +preempted\n/);
    expect(told).toMatch(/\nstandard, must stay +67 /);
    expect(told).toMatch(/\nOwn 1 at 400 s: \$\d+ a month in all\./);
    expect(told).toMatch(/an owned GPU is cheaper from \d+ % of use, beside Spot /);
    expect(told).toContain('67 of 200 jobs must stay on the premises; none left.');
    expect(told).not.toMatch(/NaN|undefined/);
  });

  test('writes the JSON that docs/placement.md describes, and a page without scripts that escapes what it shows', async () => {
    const page = join(folder, 'plan.html');
    const flags = ['--target', '300', '--peers', 'none', '--owned', '1', '--foresight', '--json', '--html', page];
    await run(await writeLog('any', 60), ...flags);
    const report = JSON.parse(told);
    const docs = await readFile(join(import.meta.dirname, '../../docs/placement.md'), 'utf8');
    const undocumented = [...namesIn(report)].filter(name => !docs.includes(`\`${name}\``));
    expect(undocumented).toEqual([]);
    expect(report).toMatchObject({ v: 1, leftPremises: 0, trace: { jobs: 60, sovereignJobs: 0 } });
    expect(report.policies.map((row: { kind: string }) => row.kind)).toEqual(['horizon', 'foresight']);
    expect(report.policies[0].regretUsd).toBeGreaterThan(0);
    expect(report.sizing[0].rows.map((row: { servers: number }) => row.servers)).toEqual([0, 1]);
    const html = await readFile(page, 'utf8');
    expect(html).toContain('jobs&lt;b&gt;.csv');
    expect(html).not.toMatch(/<b>|<script|https?:|url\(|@import|NaN|undefined/);
    expect(html.match(/<svg/g)).toHaveLength(5);
  });

  test('plans for the job records of a data folder, and tells nothing of what was asked for', async () => {
    const db = openDatabase(folder);
    const store = createSqliteJobStore(db);
    for (let i = 0; i < 60; i++) {
      const job = makeJob({ id: `video_${String(i).padStart(26, '0')}` });
      const createdAtMs = 1_770_000_000_000 + i * 300_000;
      const ended = { startedAtMs: createdAtMs + 5_000, completedAtMs: createdAtMs + 65_000 + 1_000 * i };
      // Two never ran: one waits, one was cancelled before it started.
      const fate =
        i < 58
          ? { ...ended, status: 'completed' as const }
          : { status: i === 58 ? ('queued' as const) : ('cancelled' as const) };
      const request = {
        ...job.request,
        prompt: 'a secret plan',
        residency: i % 4 === 0 ? 'sovereign' : 'standard',
        seconds: 2,
      };
      await store.create({ ...job, createdAtMs, request, ...fate });
    }
    db.close();
    await run('--jobs', folder, '--target', '300', '--peers', 'none', '--owned', '1', '--json');
    const report = JSON.parse(told);
    expect(report.trace).toMatchObject({ name: 'own jobs', jobs: 59, sovereignJobs: 15, missingServices: 1 });
    // 58 jobs of 60 to 117 s, and one that counts as their median.
    expect(report.trace.workHours).toBeCloseTo((58 * 88.5 + 88) / 3600, 9);
    expect(report.policies[0].outcome.usdPerVideoSecond).toBeGreaterThan(0);
    expect(told).not.toMatch(/secret|video_0/);
    await expect(run('--jobs', join(folder, 'nowhere'))).rejects.toThrow('nowhere: got no job records there;');
  });

  test('refuses bad flags and logs with what was got and what is allowed', async () => {
    const file = await writeLog('moon');
    await expect(run(file)).rejects.toThrow('line 2, residency: got "moon"; allowed: any, onprem, or nothing.');
    await expect(run()).rejects.toThrow('Give one of: a job log, --demo S, B or C, or --jobs');
    await expect(run(file, '--demo', 'S')).rejects.toThrow('Give one of');
    await expect(run('--demo', 'X')).rejects.toThrow('--demo: got "X"; allowed: S, B, C.');
    await expect(run(file, '--target', '300,soon')).rejects.toThrow('--target: got "soon"; allowed: numbers from 1');
    await expect(run(file, '--target', '0x10')).rejects.toThrow('--target: got "0x10"; allowed: numbers from 1');
    await expect(run(file, '--stay', '2')).rejects.toThrow('--stay: got "2"; allowed: numbers from 0 to 1.');
    await expect(run(file, '--gpu', 'abacus')).rejects.toThrow('--gpu: got "abacus"; allowed: L40S, RTX PRO 6000');
    await expect(run(join(folder, 'none.csv'))).rejects.toThrow('cannot be read');
    await expect(run(folder)).rejects.toThrow('it is no file; allowed: a CSV file.');
    await truncate(file, 200 * 2 ** 20);
    await expect(run(file)).rejects.toThrow('got 200 MiB; allowed: 128 MiB. Cut the log.');
  });
});

/** Every field's name in a JSON value. */
function namesIn(value: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (value === null || typeof value !== 'object') return names;
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) names.add(name);
    namesIn(inner, names);
  }
  return names;
}
