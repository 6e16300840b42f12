import { describe, expect, test } from 'vitest';
import { importTrace } from '#core/placement/simulation/import-trace.ts';

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
      'line 2, ts: got "-1"; allowed: seconds, 0 or more',
      'line 3, service_s: got "-3"; allowed: GPU-seconds above 0, or nothing',
      'line 3, residency: got "moon"; allowed: any, onprem, or nothing',
      'line 3, tier: got "soon"; allowed: interactive, standard, batch, or nothing',
      'line 4: got 2 cells; allowed: 10, without quotes',
    ]);
    expect(problemsOf(header)).toEqual(['line 2: got no job; allowed: one job a line']);
    expect(problemsOf('ts\n1')).toEqual(['service_s: got no value; allowed: GPU-seconds of at least one job']);
    expect(problemsOf('')).toHaveLength(1);
  });
});
