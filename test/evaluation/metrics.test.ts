import { describe, expect, test } from 'vitest';
import type { Clip } from '#gpu-container/evaluation/clip.ts';
import { flickerOf } from '#gpu-container/evaluation/metrics/flicker.ts';
import { frechetDistance } from '#gpu-container/evaluation/metrics/frechet.ts';
import { judgeClip } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { lumaOf } from '#gpu-container/evaluation/metrics/luma.ts';
import { motionOf } from '#gpu-container/evaluation/metrics/motion.ts';
import { MAX_PSNR, psnr } from '#gpu-container/evaluation/metrics/psnr.ts';
import { randomFeatures } from '#gpu-container/evaluation/metrics/random-features.ts';
import { RFVD_LEAST_CLIPS, rfvd } from '#gpu-container/evaluation/metrics/rfvd.ts';
import { sharpness } from '#gpu-container/evaluation/metrics/sharpness.ts';
import { colorSsim, likeness } from '#gpu-container/evaluation/metrics/ssim.ts';
import oracle from './fixtures/metrics.json' with { type: 'json' };
import { disc, disturbed, drawn, texture, words } from './made-clips.ts';

/** SSIM by its definition, place by place: no separable blur, no buffers. */
function plainSsim(a: Clip, b: Clip, window: number): number {
  const [x, y] = [lumaOf(a).values, lumaOf(b).values];
  const middle = (window - 1) / 2;
  const offsets = Array.from({ length: window * window }, (_, i) => [Math.floor(i / window), i % window] as const);
  const raw = offsets.map(([row, column]) =>
    Math.exp(-((row - middle) ** 2 + (column - middle) ** 2) / (2 * 1.5 ** 2)),
  );
  const weights = raw.map(weight => weight / raw.reduce((total, one) => total + one));
  const [c1, c2] = [2.55 ** 2, 7.65 ** 2];
  const found: number[] = [];
  for (let t = 0; t < a.frames; t++)
    for (let top = 0; top + window <= a.height; top++)
      for (let left = 0; left + window <= a.width; left++) {
        const at = offsets.map(([row, column]) => (t * a.height + top + row) * a.width + left + column);
        const mean = (of: (place: number) => number) =>
          at.reduce((total, place, i) => total + weights[i]! * of(place), 0);
        const [mx, my] = [mean(place => x[place]!), mean(place => y[place]!)];
        const spread = mean(place => (x[place]! - mx) ** 2 + (y[place]! - my) ** 2);
        const common = mean(place => (x[place]! - mx) * (y[place]! - my));
        found.push(((2 * mx * my + c1) * (2 * common + c2)) / ((mx * mx + my * my + c1) * (spread + c2)));
      }
  return found.reduce((total, one) => total + one, 0) / found.length;
}

const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0);

describe.each(oracle.cases)('against other libraries, $frames frames of $width×$height', wanted => {
  const { frames, height, width } = wanted;
  const clip = disc({ frames, height, width });
  const other = disturbed(clip, 7, 12);

  test('both languages draw the same clips', () => {
    expect([sum(clip.rgb), sum(other.rgb)]).toEqual([wanted.sum, wanted.otherSum]);
  });

  test('PSNR, SSIM and MS-SSIM are those of scikit-image and pytorch-msssim', () => {
    expect(psnr(clip, other)).toBeCloseTo(wanted.psnr, 9);
    const { ssim, msSsim, scales } = likeness(clip, other);
    expect(ssim).toBeCloseTo(wanted.ssim, 5); // luma is float32 here
    expect(msSsim).toBeCloseTo(wanted.msSsim, 5);
    expect(scales).toBe(height >= 176 ? 5 : 3);
    expect(colorSsim(clip, other)).toBeCloseTo(wanted.colorSsim, 6);
  });

  test('flicker, its second difference and sharpness are those of numpy and scipy', () => {
    const { flicker, flickerSecond } = flickerOf(lumaOf(clip));
    expect(flicker).toBeCloseTo(wanted.flicker, 4);
    expect(flickerSecond).toBeCloseTo(wanted.flickerSecond, 4);
    expect(sharpness(lumaOf(clip)) / wanted.sharpness).toBeCloseTo(1, 5);
  });

  test('the warp error of a noisy clip is that of its true motion within a tenth', () => {
    const { warpError, visible } = motionOf(lumaOf(other));
    expect(Math.abs(warpError / wanted.warp.true - 1)).toBeLessThan(0.1);
    expect(visible).toBeGreaterThan(0.8);
  });

  test("the random projection is torch's of the same seed", () => {
    const found = randomFeatures(clip);
    expect(found.length).toBe(wanted.features.length);
    for (const [i, value] of wanted.features.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(2e-5);
  });
});

describe('Fréchet distance', () => {
  const set = (clips: number, seed: number, change: (value: number, column: number) => number) => {
    const word = words(seed);
    return Array.from({ length: clips }, () =>
      Float64Array.from({ length: 32 }, (_, i) => change((word() >>> 8) / 2 ** 24, i)),
    );
  };
  test.each(oracle.frechet)(
    'of sets of $clips is what the nuclear norm says, singular or not',
    ({ clips, distance }) => {
      const a = set(clips, 1, value => value);
      const b = set(clips, 2, (value, i) => value * 1.5 + 0.01 * i);
      expect(frechetDistance(a, b)).toBeCloseTo(distance, 6);
      expect(frechetDistance(b, a)).toBeCloseTo(distance, 6);
      expect(frechetDistance(a, a)).toBeCloseTo(0, 6);
    },
  );

  test('one clip is no set, and sets of other widths are refused', () => {
    expect(() =>
      frechetDistance(
        set(1, 1, v => v),
        set(4, 1, v => v),
      ),
    ).toThrow('two at least');
    expect(() =>
      frechetDistance(
        set(2, 1, v => v),
        [new Float64Array(3), new Float64Array(3)],
      ),
    ).toThrow('one width');
  });

  test('rFVD tells nothing of few clips, and refuses clips of other lengths', () => {
    const clip = disc({ frames: 4, height: 32, width: 32 });
    expect(RFVD_LEAST_CLIPS).toBe(64);
    expect(rfvd([clip, clip], [clip, clip])).toBeNull();
    expect(() => rfvd([clip], [disc({ frames: 5, height: 32, width: 32 })])).toThrow('different lengths');
  });

  test('the projection sees motion: frozen clips are further from moving ones than other moving ones are', () => {
    const clips = (seed: number, speed: number) => {
      const word = words(seed);
      return Array.from({ length: 12 }, () => {
        const [dx, dy] = [word() >>> 27, word() >>> 27];
        const at = { frames: 5, height: 32, width: 32 };
        return randomFeatures(drawn(at, (t, y, x) => ((x - dx - speed * t) ** 2 + (y - dy) ** 2 < 40 ? 220 : 60)));
      });
    };
    const moving = clips(1, 2);
    const far = frechetDistance(moving, clips(1, 0));
    const near = frechetDistance(moving, clips(99, 2));
    expect(far).toBeGreaterThan(3 * near);
  });
});

describe('motion', () => {
  const shape = { frames: 4, height: 96, width: 96 };

  const ground = texture(5);

  test.each([
    [3, -2],
    [-9, 4],
    [0.5, 0],
    [0, -1.5],
  ])('a ground that moves by (%f, %f) pixels a frame has that speed and hardly a warp error', (dx, dy) => {
    const luma = lumaOf(drawn(shape, (t, y, x) => Math.round(ground(x - dx * t, y - dy * t))));
    const { warpError, dynamicDegree, visible } = motionOf(luma);
    expect(Math.abs((dynamicDegree * 96) / 100 - Math.hypot(dx, dy))).toBeLessThan(0.5);
    expect(warpError).toBeLessThan(0.8); // rounding to bytes alone makes a third
    expect(warpError).toBeLessThan(flickerOf(luma).flicker / 4);
    expect(visible).toBeGreaterThan(0.8);
  });

  test('noise that comes anew in each frame is no motion, and is warp error', () => {
    const still = disturbed(disc(shape, 0), 3, 8);
    const { warpError, dynamicDegree, visible } = motionOf(lumaOf(still));
    expect(dynamicDegree).toBeLessThan(1); // less than a pixel a frame
    expect(warpError).toBeGreaterThan(2);
    expect(visible).toBeGreaterThan(0.9);
  });
});

describe('defects', () => {
  const shape = { frames: 8, height: 64, width: 96 };
  const moving = disc(shape);
  const frame = 3 * shape.height * shape.width;
  const edited = (edit: (rgb: Uint8Array) => void): Clip => {
    const rgb = moving.rgb.slice();
    edit(rgb);
    return { ...moving, rgb };
  };
  const found = (clip: Clip) => judgeClip(clip).defects;
  const none = { blankFrames: 0, frozen: false, duplicateFrames: 0, cuts: [] };

  test('a sound clip has none', () => {
    expect(found(moving)).toEqual(none);
    expect(found(disturbed(moving, 5, 3))).toEqual(none);
  });

  test('frames of one color are blank, and so are nearly plain ones', () => {
    expect(found(drawn(shape, () => 0))).toMatchObject({ blankFrames: 8, frozen: true });
    expect(found(edited(rgb => rgb.fill(90, 2 * frame, 3 * frame)))).toMatchObject({ blankFrames: 1, frozen: false });
    expect(
      found(
        disturbed(
          drawn(shape, () => 128),
          5,
          2,
        ),
      ).blankFrames,
    ).toBe(8);
  });

  test('a still is frozen, with the noise of a decoder too, and a small thing that moves is not', () => {
    expect(found(disc(shape, 0))).toEqual({ ...none, frozen: true });
    expect(found(disturbed(disc(shape, 0), 5, 2)).frozen).toBe(true);
    const small = drawn(shape, (t, y, x) => (Math.abs(x - 20 - t) < 3 && Math.abs(y - 30) < 3 ? 200 : 80));
    expect(found(small)).toEqual(none);
  });

  test('repeated frames are counted', () => {
    expect(found(edited(rgb => rgb.copyWithin(3 * frame, 2 * frame, 3 * frame))).duplicateFrames).toBe(1);
    const slideshow = drawn(shape, (t, y, x) => (Math.abs(x - 20 - 8 * (t >> 1)) < 6 && y < 30 ? 200 : 80));
    expect(found(slideshow).duplicateFrames).toBe(4);
  });

  test('a hard cut is found at the frame that begins the other picture', () => {
    expect(
      found(
        edited(rgb => {
          for (let i = 5 * frame; i < rgb.length; i++) rgb[i] = 255 - rgb[i]!;
        }),
      ).cuts,
    ).toEqual([5]);
  });
});

describe('what is refused', () => {
  const clip = disc({ frames: 2, height: 16, width: 16 });
  test('clips of other shapes are not compared, and bytes that are no clip are not judged', () => {
    expect(() => psnr(clip, disc({ frames: 2, height: 16, width: 18 }))).toThrow(
      '2 frames of 16x16 cannot be compared',
    );
    expect(() => judgeClip({ ...clip, frames: 3 })).toThrow('got 1536 bytes for 3 frames of 16x16');
    expect(() => likeness(clip, disc({ frames: 2, height: 16, width: 18 }))).toThrow('cannot be compared');
  });

  test('equal clips are as near as is told, 1 and 100 dB', () => {
    expect(psnr(clip, clip)).toBe(MAX_PSNR);
    expect(likeness(clip, clip)).toMatchObject({ scales: 1, ssim: expect.closeTo(1, 9), msSsim: expect.closeTo(1, 9) });
  });

  test.each([
    [10, 12, 9],
    [8, 8, 7],
    [3, 20, 3],
    [1, 2, 1],
  ])('pictures of %s×%s pixels have an SSIM window of %s', (height, width, window) => {
    const small = disc({ frames: 2, height, width });
    const other = disturbed(small, 7, 40);
    const wanted = plainSsim(small, other, window);
    expect(wanted).toBeLessThan(1);
    const { ssim, scales } = likeness(small, other);
    expect(scales).toBe(1);
    expect(ssim).toBeCloseTo(wanted, 5);
    expect(likeness(small, small)).toMatchObject({ ssim: expect.closeTo(1, 9), msSsim: expect.closeTo(1, 9) });
    expect(colorSsim(small, small)).toBeCloseTo(1, 9);
  });

  test('a single frame neither moves nor flickers', () => {
    const { figures, defects } = judgeClip(disc({ frames: 1, height: 32, width: 32 }));
    expect(figures).toMatchObject({ flicker: 0, flickerSecond: 0, warpError: 0, visible: 1, dynamicDegree: 0 });
    expect(defects).toEqual({ blankFrames: 0, frozen: false, duplicateFrames: 0, cuts: [] });
  });
});
