import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { jobFromRecord } from '#core/job-record.ts';
import { hashRequest } from '#gpu-container/render/read-resume.ts';
import { makeJob } from '#test/contracts/make-job.ts';

test('a checkpoint of before a request had references and further settings is still of that request', () => {
  const { request } = makeJob();
  const { task, strength, reference, guidance_scale_2, flow_shift, step_cache, residency, ...old } = request;
  expect([task, strength, reference, guidance_scale_2, flow_shift, step_cache]).toEqual([
    't2v',
    ...Array(5).fill(null),
  ]);
  const sorted = Object.fromEntries(Object.entries(old).sort(([a], [b]) => (a < b ? -1 : 1)));
  const before = createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
  expect(hashRequest(jobFromRecord(JSON.stringify({ request: old })).request)).toBe(before);
  expect(hashRequest({ ...request, residency: 'sovereign' }), 'where says nothing of what').toBe(before);
  expect(residency).toBe('standard');
  for (const said of [{ task: 'i2v' }, { flow_shift: 3 }, { strength: 0 }, { seed: 1 }] as const)
    expect(hashRequest({ ...request, ...said })).not.toBe(before);
});
