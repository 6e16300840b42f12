import { describe, expect, test } from 'vitest';
import { importTrace } from '#core/placement/simulation/import-trace.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';

const header = 'ts,model,steps,frames,w,h,tenant,residency,tier,service_s';
const line = (ts: string, rest = 'm,20,49,512,512,acme,any,standard,30') => `${ts},${rest}`;

function problemsOf(text: string): readonly string[] {
  const imported = importTrace(text, { name: 'log' });
  return 'problems' in imported ? imported.problems : [];
}

describe('a job log', () => {
  test('becomes a trace from 600 s on, in order, with the median where a service is missing', () => {
    const text = [
      header,
      line('100000'),
      line('100300', 'm,20,49,512,512,acme,onprem,,'),
      line('100100', 'm,20,49,512,512,acme,any,batch,90'),
      line('100200', 'm,20,49,512,512,acme,any,batch,50'),
      '',
    ].join('\r\n');
    const imported = importTrace(text, { name: 'log' });
    if ('problems' in imported) throw new Error(imported.problems.join());
    expect(imported.trace.arrivals[0]).toBe(600);
    expect(imported.trace.arrivals.map(at => Math.round((at - 600) / 100))).toEqual(Float64Array.of(0, 1, 2, 3));
    expect(imported.trace.services).toEqual(Float64Array.of(30, 90, 50, 50));
    expect(imported.trace.sovereign).toEqual(Uint8Array.of(0, 0, 0, 1));
    expect(imported).toMatchObject({ missingServices: 1, medianServiceSeconds: 50 });
    expect(importTrace(text, { name: 'log' })).toEqual(imported);
  });

  test('is stretched by a rate and by drawn days', () => {
    const text = [header, ...Array.from({ length: 400 }, (_, i) => line(String(i * 500)))].join('\n');
    const jobs = (settings: object) => {
      const imported = importTrace(text, { name: 'log', ...settings });
      return 'problems' in imported ? 0 : imported.trace.arrivals.length;
    };
    expect(jobs({ scaleRate: 2 })).toBe(800);
    expect(Math.abs(jobs({ scaleRate: 0.5 }) - 200)).toBeLessThan(40);
    expect(jobs({ bootstrapDays: 20 })).toBeGreaterThan(1_500);
  });

  test('is refused with every line, what stands there and what may', () => {
    expect(problemsOf('time,model\n1,m')).toEqual([
      'line 1: got "time,model"; allowed: ts,model,steps,frames,w,h,tenant,residency,tier[,service_s]',
    ]);
    expect(
      problemsOf([header, line('-1'), line('2', 'm,20,49,512,512,acme,moon,soon,-3'), line('3', 'm')].join('\n')),
    ).toEqual([
      'line 2, ts: got "-1"; allowed: seconds from 0 to 100000000000, or a time like 2026-01-31 23:59:59',
      'line 3, service_s: got "-3"; allowed: GPU-seconds above 0, up to 604800, or nothing',
      'line 3, residency: got "moon"; allowed: any, onprem, or nothing',
      'line 3, tier: got "soon"; allowed: interactive, standard, batch, or nothing',
      'line 4: got 2 cells; allowed: 10',
    ]);
    expect(problemsOf(header)).toEqual(['line 2: got no job; allowed: one job a line']);
    expect(problemsOf('ts\n1')).toEqual(['service_s: got no value; allowed: GPU-seconds of at least one job']);
    expect(problemsOf('')).toHaveLength(1);
  });

  test('may quote cells, begin with a byte order mark, and tell times, tiers, residency and frames', () => {
    const text = `\uFEFFts,"model",residency,tier,frames,service_s\r\n"2026-01-31 23:59:59","a ""b"", c",sovereign,batch,48,30\r\n1769904000,m,any,interactive,,20\n`;
    const imported = importTrace(text, { name: 'log', fps: 24 });
    if ('problems' in imported) throw new Error(imported.problems.join());
    const { trace } = imported;
    // One second apart, and each within its second.
    expect(trace.arrivals[1]! - trace.arrivals[0]!).toBeLessThan(2);
    expect(trace).toMatchObject({ sovereign: Uint8Array.of(1, 0), tiers: Uint8Array.of(2, 0) });
    expect([...trace.videoSeconds!]).toEqual([2, Number.NaN]);
  });

  test('may be GenTD26, whose zero seconds are a job that has not ended', () => {
    const columns =
      'gmt_create,predict_type,predict_status,exec_time_seconds,groupId,prompt_length,negative_prompt_length,num_images_per_prompt,num_inference_steps,checkpoint_model_version_id,num_lora';
    const row = (at: string, seconds: string) => `${at},TXT_2_IMG,SUCCEED,${seconds},G1,63.0,,1.0,30.0,M1,0`;
    const text = [columns, row('2024-02-29 00:00:00', '32.0'), row('2024-02-29 00:01:40', '0.0')].join('\n');
    const imported = importTrace(text, { name: 'gentd' });
    if ('problems' in imported) throw new Error(imported.problems.join());
    expect(imported.missingServices).toBe(1);
    expect([...imported.trace.services]).toEqual([32, 32]);
    expect(Math.round((imported.trace.arrivals[1]! - 600) / 10)).toBe(10);
    expect(problemsOf([columns, row('2023-02-29 00:00:00', '-1')].join('\n'))).toEqual([
      'line 2, gmt_create: got "2023-02-29 00:00:00"; allowed: seconds from 0 to 100000000000, or a time like 2026-01-31 23:59:59',
      'line 2, exec_time_seconds: got "-1"; allowed: GPU-seconds above 0, up to 604800, or nothing',
    ]);
  });

  test('is refused in a sentence where no number, line or span is that of a log', () => {
    const one = (cell: string) => problemsOf(`ts,service_s\n${cell}`)[0];
    for (const ts of ['1e309', '0x10', 'NaN', 'Infinity', '1769904000000', '2026-13-01 00:00:00', '1 2']) {
      expect(one(`${ts},5`)).toContain(`line 2, ts: got "${ts}"`);
    }
    for (const service of ['1e309', '0', '-0', '1e9', '٣'])
      expect(one(`5,${service}`)).toContain('line 2, service_s: got');
    expect(one('5,5\u00005')).toBe('line 2: got a control character; allowed: text');
    expect(one('"5,5')).toBe('line 2: got a stray quote at character 1; allowed: quotes around a whole cell');
    expect(one(','.repeat(5000))).toBe('line 2: got more than 4096 characters; allowed: one job a line');
    expect(problemsOf('ts,service_s\n0,5\n40000000,5')).toEqual([
      'ts: got a log of 463 days; allowed: up to 400, in seconds',
    ]);
    expect(problemsOf(`ts,service_s\n${'-1,-1\n'.repeat(1000)}`)).toHaveLength(20);
  });
});

describe('a hostile log', () => {
  const words = [
    '0',
    '-1',
    '1e309',
    '1e-320',
    '"',
    '""',
    '"a""b"',
    ',',
    '\u0000',
    '\r',
    '\n',
    '\uFEFF',
    '9'.repeat(400),
  ];
  const more = [
    'NaN',
    '2026-01-31 23:59:59',
    'onprem',
    'moon',
    'interactive',
    '5',
    '600',
    '٣',
    '\u001b[2J',
    '\uD800',
    ' ',
  ];
  const all = [...words, ...more];

  test('gives a trace of finite times in order, or at most 20 sentences that a terminal can show', () => {
    const draw = mulberry32(1);
    const pick = () => all[Math.floor(draw() * all.length)]!;
    let traces = 0;
    for (let i = 0; i < 3000; i++) {
      const header =
        draw() < 0.1
          ? pick()
          : ['ts,service_s', 'ts,residency,tier,frames,service_s', 'gmt_create,exec_time_seconds'][i % 3]!;
      const cells = header.split(',').length;
      const row = () =>
        Array.from({ length: draw() < 0.05 ? 9 : cells }, () => (draw() < 0.7 ? '5' : pick())).join(',');
      const text = [header, ...Array.from({ length: Math.floor(6 * draw()) }, row)].join('\n');
      const imported = importTrace(text, { name: 'log', scaleRate: draw() < 0.1 ? 3 : 1 });
      if ('problems' in imported) {
        expect(imported.problems.length).toBeGreaterThan(0);
        expect(imported.problems.length).toBeLessThanOrEqual(20);
        for (const problem of imported.problems) {
          expect(problem.length).toBeLessThan(300);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(problem).toMatch(/^[^\u0000-\u001f\u007f]+allowed: .+$/);
        }
        continue;
      }
      traces++;
      const { arrivals, services } = imported.trace;
      expect(arrivals.every((at, k) => Number.isFinite(at) && at >= (arrivals[k - 1] ?? 600))).toBe(true);
      expect(services.every(seconds => seconds > 0 && seconds <= 604_800)).toBe(true);
    }
    expect(traces).toBeGreaterThan(100);
  });

  test('of many megabytes is refused at its first lines', () => {
    const started = performance.now();
    expect(problemsOf(`ts,service_s\n${'x\n'.repeat(5_000_000)}`)).toHaveLength(20);
    expect(problemsOf(`ts,service_s\n${'"'.repeat(10_000_000)}`)).toHaveLength(1);
    expect(problemsOf('\u0000'.repeat(10_000_000))).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
