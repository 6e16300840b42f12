import { describe, expect, test } from 'vitest';
import { canBecome, isTerminal, type Phase, percentDone, queueRank, statuses } from '#core/job.ts';
import { idInClass, idOrder, isJobId, newJobId, residencyOf } from '#core/job-id.ts';
import { jobFromRecord } from '#core/job-record.ts';
import { makeJob } from '#test/contracts/make-job.ts';

describe('a job', () => {
  test('that has ended never changes again', () => {
    for (const from of statuses.filter(isTerminal)) for (const to of statuses) expect(canBecome(from, to)).toBe(false);
  });

  test('that is active can always end', () => {
    for (const from of ['queued', 'in_progress'] as const)
      for (const to of ['failed', 'cancelled'] as const) expect(canBecome(from, to)).toBe(true);
    expect(canBecome('queued', 'completed')).toBe(false);
  });

  test('has an id that sorts by creation and is recognised', () => {
    const random = new Uint8Array(10).fill(255);
    const ids = [1, 1000, 1_795_219_200_000, 1_795_219_200_001].map(ms => newJobId(ms, random));
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(isJobId(id)).toBe(true);
    expect(newJobId(1, new Uint8Array(10))).not.toBe(newJobId(1, random));
  });

  test('says its residency class in its id, and sorts by creation among all classes', () => {
    const random = new Uint8Array(10).fill(7);
    const ids = ['standard', 'sovereign', 'eu-1', 'standard'].map((name, n) =>
      newJobId(1_795_219_200_000 + n, random, name),
    );
    expect(ids[1]).toMatch(/^video_sovereign_[0-9a-z]{26}$/);
    expect(ids.map(isJobId)).toEqual([true, true, true, true]);
    expect(ids.map(residencyOf)).toEqual(['standard', 'sovereign', 'eu-1', 'standard']);
    expect(ids.toSorted((a, b) => (idOrder(a) < idOrder(b) ? -1 : 1))).toEqual(ids);
    expect(idOrder(ids[0]!)).toBe(ids[0]);
    expect(idInClass(idInClass(ids[0]!, 'eu'), 'standard')).toBe(ids[0]);
    const rank = (id: string) => queueRank({ id, priority: 'normal', deadlineAtMs: null });
    expect(ids.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))).toEqual(ids);
    const longest = newJobId(1, random, 'a'.repeat(24));
    expect([isJobId(longest), residencyOf('video_any')]).toEqual([true, undefined]);
  });

  test.each([
    '',
    `video_standard_${'a'.repeat(26)}`,
    `video_Sovereign_${'a'.repeat(26)}`,
    `video_a_b_${'a'.repeat(26)}`,
    `video__${'a'.repeat(26)}`,
    `video_../x_${'a'.repeat(26)}`,
    `video_${'a'.repeat(25)}_${'a'.repeat(26)}`,
    'video_',
    '../../etc/passwd',
    'video_../../x',
    `video_${'a'.repeat(25)}`,
    `video_${'A'.repeat(26)}`,
    `video_${'a'.repeat(26)}\0`,
  ])('is not named by %j', text => {
    expect(isJobId(text)).toBe(false);
  });

  test('shows progress that only grows and reaches 100 only when completed', () => {
    const at = (phase: Phase, step = 0) => percentDone({ status: 'in_progress', progress: { phase, step, steps: 12 } });
    const all = [at('loading'), at('encoding_prompt'), ...Array.from({ length: 13 }, (_, i) => at('denoising', i))];
    all.push(at('decoding'), at('encoding_video'), at('marking'), at('committing'));
    expect(all.toSorted((a, b) => a - b)).toEqual(all);
    expect(Math.max(...all)).toBeLessThan(100);
    expect(percentDone({ status: 'completed', progress: null })).toBe(100);
  });

  test('from before there were references reads as text-to-video, and a newer one as it was written', () => {
    const { task, strength, reference, ...before } = makeJob().request;
    expect(jobFromRecord(JSON.stringify({ ...makeJob(), request: before })).request).toEqual(makeJob().request);
    const stored = { key: 'references/a/b/c.png', sha256: 'ab'.repeat(32), bytes: 3, contentType: 'image/png' };
    const now = makeJob({ request: { ...before, task: 'v2v', strength: 0.5, reference: stored } });
    expect(jobFromRecord(JSON.stringify(now))).toEqual(now);
    expect([task, strength, reference]).toEqual(['t2v', null, null]);
  });

  test('from before there was residency is of the standard class, and says nothing of where it was', () => {
    const { acceptedAt, placements, request, ...before } = makeJob();
    const { residency, ...old } = request;
    expect(jobFromRecord(JSON.stringify({ ...before, request: old }))).toEqual(makeJob({ ...before }));
    expect([residency, acceptedAt, placements]).toEqual(['standard', null, []]);
  });
});
