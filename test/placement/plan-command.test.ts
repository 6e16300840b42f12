import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { planCommand } from '#cli/plan.ts';

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

  async function writeLog(residency: string): Promise<string> {
    const file = join(folder, 'jobs<b>.csv');
    const lines = Array.from({ length: 200 }, (_, i) => {
      const stays = i % 3 === 0 ? residency : 'any';
      return `${i * 400 + (i % 7) * 90},m,20,49,512,512,acme,${stays},standard,${30 + (i % 5) * 20}`;
    });
    await writeFile(file, [header, ...lines].join('\n'));
    return file;
  }
  const run = (...words: string[]) => planCommand().exitOverride().parseAsync(words, { from: 'user' });

  test('prints policies side by side, the break-even and how many GPUs to own', async () => {
    await run(await writeLog('onprem'), '--target', '300', '--owned', '2');
    expect(told).toMatch(/^jobs<b>.csv: 200 jobs in 0.9 days, L40S at \$1.861 an hour/);
    expect(told).toMatch(/\nhorizon D=300 .*frontier/);
    expect(told).toMatch(/\nkeda q=5 /);
    expect(told).toMatch(/an owned GPU is cheaper from \d+ % of use\./);
    expect(told).toMatch(/\n1 .*\n2 /);
    expect(told).toMatch(/cheapest\n/);
    expect(told).not.toMatch(/NaN|undefined/);
  });

  test('writes JSON, and a page without scripts that escapes what it shows', async () => {
    const page = join(folder, 'plan.html');
    await run(await writeLog('any'), '--target', '300', '--peers', 'none', '--owned', '1', '--json', '--html', page);
    const report = JSON.parse(told);
    expect(report.policies[0]).toMatchObject({ targetSeconds: 300, outcome: { leftPremises: 0 } });
    expect(report.sizing[0].rows.map((row: { servers: number }) => row.servers)).toEqual([0, 1]);
    const html = await readFile(page, 'utf8');
    expect(html).toContain('jobs&lt;b&gt;.csv');
    expect(html).not.toMatch(/<b>|<script|https?:/);
    expect(html).toContain('<circle');
  });

  test('refuses bad flags and logs with what was got and what is allowed', async () => {
    const file = await writeLog('moon');
    await expect(run(file)).rejects.toThrow('line 2, residency: got "moon"; allowed: any, onprem, or nothing.');
    await expect(run()).rejects.toThrow('Give either a job log or --demo S, B or C.');
    await expect(run('--demo', 'X')).rejects.toThrow('--demo: got "X"; allowed: S, B, C.');
    await expect(run(file, '--target', '300,soon')).rejects.toThrow('--target: got "soon"; allowed: numbers from 1');
    await expect(run(file, '--gpu', 'abacus')).rejects.toThrow('--gpu: got "abacus"; allowed: L40S, RTX PRO 6000');
    await expect(run(join(folder, 'none.csv'))).rejects.toThrow('cannot be read');
  });
});
