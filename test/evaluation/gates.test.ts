import { describe, expect, test } from 'vitest';
import { createTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { compareLatents } from '#gpu-container/evaluation/gates/compare-latents.ts';
import { gateLimits } from '#gpu-container/evaluation/gates/gate-limits.ts';
import {
  driftProblems,
  type GateClip,
  judgeAgainstGolden,
  seedSpread,
} from '#gpu-container/evaluation/gates/judge-gate.ts';
import type { ClipFigures } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { disc, disturbed } from './made-clips.ts';

const rng = createTorchRng(1);
const latents = [rng.randn(500), rng.randn(500), rng.randn(500)];
const clip = disc({ frames: 3, height: 32, width: 32 });
const golden: GateClip = { clip, latents, latentsSha256: 'a', framesSha256: 'b' };

/** The golden with every latent moved by `size` times noise, and pixels by up to `levels`. */
function moved(size: number, levels = 0): GateClip {
  const noise = createTorchRng(2);
  return {
    clip: levels === 0 ? clip : disturbed(clip, 1, levels),
    latents: latents.map(latent => {
      const by = noise.randn(latent.length);
      return latent.map((value, i) => value + size * by[i]!);
    }),
    latentsSha256: size === 0 ? 'a' : 'c',
    framesSha256: levels === 0 ? 'b' : 'd',
  };
}

const problems = (gate: 'L0' | 'L1' | 'L2', made: GateClip) => judgeAgainstGolden(gate, golden, made).problems;

describe('the gates', () => {
  test('the same clip passes all of them', () => {
    for (const gate of ['L0', 'L1', 'L2'] as const) expect(problems(gate, moved(0))).toEqual([]);
  });

  test('L0 wants the same bytes, and says whether latents or frames are others', () => {
    expect(problems('L0', moved(1e-7))).toEqual(['the latents are not the golden ones']);
    expect(problems('L0', moved(0, 1))).toEqual(['the frames are not the golden ones']);
  });

  test('L1 allows last places and no more', () => {
    expect(problems('L1', moved(1e-4))).toEqual([]);
    expect(problems('L1', moved(5e-3))).toEqual([expect.stringMatching(/^a latent is off by 0.01\d+; at most 0.001/)]);
    expect(problems('L1', moved(0.05))[0]).toMatch(/^the cosine of some step is 0.99\d+; 0.9999 or more is needed$/);
  });

  test('L1 looks at every step, not at the last alone', () => {
    const first = moved(0.05).latents[0]!;
    const { problems: found, lastCosine } = judgeAgainstGolden('L1', golden, {
      ...golden,
      latents: [first, ...latents.slice(1)],
    });
    expect(found).toHaveLength(2);
    expect(lastCosine).toBeCloseTo(1, 12);
  });

  test('L2 judges the last latent, PSNR and SSIM', () => {
    expect(problems('L2', moved(0.05, 3))).toEqual([]);
    expect(problems('L2', moved(0.3))).toEqual([
      expect.stringMatching(/^the cosine of the last step is 0.9[45]\d+; 0.99/),
    ]);
    expect(problems('L2', moved(0, 60))).toEqual([
      expect.stringMatching(/^PSNR is 1\d\.\d+; 30 or more/),
      expect.stringMatching(/^SSIM is 0\.\d+; 0.95 or more/),
    ]);
  });

  test('a change of one color that luma hardly sees shows in the SSIM of the three', () => {
    const noisy = disturbed(clip, 1, 60).rgb;
    const rgb = clip.rgb.map((value, i) => (i % 3 === 2 ? noisy[i]! : value));
    const { ssim, colorSsim } = judgeAgainstGolden('L2', golden, { ...golden, clip: { ...clip, rgb } });
    expect(colorSsim).toBeLessThan(ssim - 0.05);
    expect(judgeAgainstGolden('L2', golden, golden)).toMatchObject({ ssim: 1, colorSsim: 1 });
  });

  test('clips of a few pixels are judged as well', () => {
    const small: GateClip = { ...golden, clip: disc({ frames: 3, height: 8, width: 8 }) };
    const noisy = { ...small, clip: disturbed(small.clip, 1, 60), framesSha256: 'd' };
    for (const gate of ['L0', 'L1', 'L2'] as const) expect(judgeAgainstGolden(gate, small, small).problems).toEqual([]);
    expect(judgeAgainstGolden('L2', small, noisy).problems[1]).toMatch(/^SSIM is 0\.\d+; 0.95 or more is needed$/);
  });

  test('NaN passes no gate', () => {
    const broken = moved(0);
    broken.latents[2]![7] = Number.NaN;
    const made = { ...broken, latentsSha256: 'c' };
    for (const gate of ['L0', 'L1', 'L2'] as const) expect(problems(gate, made)).not.toEqual([]);
  });

  test('a clip of another size, or of other steps, passes none and says so', () => {
    const other = { ...golden, clip: disc({ frames: 3, height: 32, width: 34 }) };
    expect(problems('L2', other)).toEqual(['clip: 3 frames of 32x32 cannot be compared with 3 frames of 34x32']);
    expect(problems('L1', { ...golden, latents: latents.slice(1) })).toEqual(['it took 2 steps and the golden 3']);
  });
});

describe('latents', () => {
  test('cosine and largest difference, with nothing but zeros too', () => {
    const { cosine, maxAbs } = compareLatents(Float32Array.of(3, 4), Float32Array.of(4, 3));
    expect(cosine).toBeCloseTo(24 / 25, 12);
    expect(maxAbs).toBe(1);
    expect(compareLatents(new Float32Array(2), new Float32Array(2))).toEqual({ cosine: 1, maxAbs: 0 });
    expect(compareLatents(new Float32Array(2), Float32Array.of(1, 0))).toEqual({ cosine: 0, maxAbs: 1 });
    expect(() => compareLatents(new Float32Array(2), new Float32Array(3))).toThrow(
      '2 values cannot be compared with 3',
    );
  });
});

describe('drift', () => {
  const figures = (flicker: number): ClipFigures => ({
    ...{ flicker, flickerSecond: 1, warpError: 1, visible: 1, dynamicDegree: 1, sharpness: 100 },
  });
  const set = (...means: readonly number[]) => means.map(mean => [figures(mean - 1), figures(mean + 1)]);
  const golden = seedSpread(set(10, 11, 12, 13));

  test('within three deviations of its seeds a figure has not moved', () => {
    expect(golden.flicker).toMatchObject({ mean: 11.5, deviation: expect.closeTo(1.291, 3) });
    expect(driftProblems(golden, set(14, 15, 15, 16))).toEqual([]);
    expect(driftProblems(golden, set(16, 17, 15, 16))).toEqual([
      'flicker went from 11.5 to 16; 3.873 either way is allowed',
    ]);
  });

  test('a figure that no seed moves may still move by a little', () => {
    const near = set(11.5).map(seed => seed.map(one => ({ ...one, sharpness: 101 })));
    const far = set(11.5).map(seed => seed.map(one => ({ ...one, sharpness: 102 })));
    expect(driftProblems(golden, near)).toEqual([]);
    expect(driftProblems(golden, far)).toEqual(['sharpness went from 100 to 102; 1.5 either way is allowed']);
  });

  test('the numbers are those of the design', () => {
    expect(gateLimits).toMatchObject({
      l1Cosine: 0.9999,
      l1MaxAbs: 1e-3,
      l2Cosine: 0.99,
      l2Psnr: 30,
      l2Ssim: 0.95,
      driftSigmas: 3,
    });
  });
});
