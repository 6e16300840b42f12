import { describe, expect, test } from 'vitest';
import { deliveredSize } from '#gpu-container/provenance/watermark/delivered-size.ts';
import { chanceOf, judge, neededAgreement } from '#gpu-container/provenance/watermark/odds.ts';

const evidence = { agreeing: null, jobs: 0, geometries: 1, tagMatches: false, decoded: 1 };

describe('the odds', () => {
  test('the chance is that of fair coins: all, none more, half and a known tail', () => {
    expect(chanceOf(128)).toBe(2 ** -128);
    expect(chanceOf(0)).toBeCloseTo(1, 12);
    expect(chanceOf(129)).toBe(0);
    expect(chanceOf(65) + chanceOf(64)).toBeCloseTo(1, 12); // symmetric about 64
  });

  test.each([
    [1, 1, 92],
    [1, 1_000, 98],
    [1, 9_264, 100],
    [1_000_000, 1, 103],
    [1_000_000, 1_000, 108],
    [1_000_000, 9_264, 109],
  ])('%i jobs and %i parts of the frame need %i agreeing bits', (jobs, geometries, bits) => {
    expect(neededAgreement(jobs, geometries)).toBe(bits);
    expect(chanceOf(bits) * jobs * geometries).toBeLessThan(1e-6);
    expect(chanceOf(bits - 1) * jobs * geometries).toBeGreaterThanOrEqual(1e-6);
  });

  test('one bit decides between a job and nothing', () => {
    const found = judge({ ...evidence, agreeing: 109, jobs: 1_000_000, geometries: 9_264 });
    expect(found.found).toBe('job');
    expect(found.sentence).toContain('109 of 128 bits agree. Over 1,000,000 jobs and 9,264 ways to crop it');
    expect(judge({ ...evidence, agreeing: 108, jobs: 1_000_000, geometries: 9_264 }).found).toBe('nothing');
  });

  test('the tag alone says whose it is, and how rarely it lies', () => {
    const ours = judge({ ...evidence, tagMatches: true });
    expect(ours).toMatchObject({ found: 'deployment', falsePositive: 2 ** -24 });
    expect(ours.sentence).toContain('fewer than 1 of 16,000,000.');
    expect(judge({ ...evidence, tagMatches: true, decoded: 17 }).found).toBe('nothing');
  });

  test('a message that the registry knows names its job, and the odds count every message and every job', () => {
    const known = judge({ ...evidence, tagMatches: true, decoded: 16, registered: { jobs: 1e8, agreeing: 99 } });
    expect(known).toMatchObject({ found: 'job', falsePositive: (16 * 1e8) / 2 ** 58 });
    expect(known.sentence).toContain('99 of 128 bits agree. A video without it shows one by chance in fewer than 1 of');
    const all = judge({ ...evidence, decoded: 64, registered: { jobs: 2 ** 34, agreeing: 99 } });
    expect(all.found).toBe('nothing');
  });

  test('nothing found never says that the video was not generated', () => {
    const { found, sentence } = judge(evidence);
    expect(found).toBe('nothing');
    expect(sentence).toContain('does not mean that the video was not generated');
  });
});

describe('the size that is delivered', () => {
  test.each([
    [64, 64, 8, 512, 512, 'full'],
    [128, 128, 4, 512, 512, 'full'],
    [256, 144, 2, 512, 288, 'full'],
    [200, 200, 3, 600, 600, 'full'],
    [1024, 128, 2, 2048, 256, 'full'],
    [256, 256, 1, 256, 256, 'reduced'],
    [512, 288, 1, 512, 288, 'full'],
    [1920, 1080, 1, 1920, 1080, 'full'],
  ])('%ix%i is enlarged by %i to %ix%i: %s', (width, height, factor, toWidth, toHeight, watermark) => {
    expect(deliveredSize({ width, height })).toMatchObject({ factor, width: toWidth, height: toHeight, watermark });
  });

  test('a small size that is demanded is kept, and its mark is called weak', () => {
    const kept = deliveredSize({ width: 128, height: 128 }, { nativeDemanded: true });
    expect(kept).toMatchObject({ width: 128, height: 128, factor: 1, watermark: 'weak' });
    expect(kept.statement).toContain('watermark: "weak"');
  });

  test('what can carry no mark is refused with a sentence', () => {
    expect(() => deliveredSize({ width: 1, height: 1 })).toThrow('got a frame of 1x1');
    expect(() => deliveredSize({ width: 8192, height: 16 })).toThrow('got a frame of 131072x256');
  });
});
