import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { numpyUniforms } from '#gpu-container/evaluation/world/numpy-uniforms.ts';
import { BACKGROUNDS, CAMERAS, MOTIONS, SHAPES } from '#gpu-container/evaluation/world/scene.ts';
import oracle from './fixtures/frames.json' with { type: 'json' };

const SIDE = 256;
const scenes = oracle.clips.map(({ row }) => fixedPrompts()[row]!.scene);

/** Every `step`th pixel of every `step`th row. */
function sampled(rgb: Uint8Array, step: number): Uint8Array {
  const kept = (_: number, at: number) => at % (3 * step) < 3 && Math.trunc(at / (3 * SIDE)) % step === 0;
  return rgb.filter(kept);
}

describe('the world drawn here', () => {
  test.each(oracle.clips.map(({ row, pixels }) => [fixedPrompts()[row]!.prompt, row, pixels] as const))(
    'is the one that the model was trained on, byte for byte but for rounding: %s',
    (_, row, pixels) => {
      const expected = inflateSync(Buffer.from(pixels, 'base64'));
      const got = sampled(drawClip(fixedPrompts()[row]!.scene, SIDE, oracle.frames).rgb, oracle.step);
      expect(got.length).toBe(expected.length);
      const differences = got.map((byte, i) => Math.abs(byte - expected[i]!));
      expect(Math.max(...new Set(differences))).toBeLessThanOrEqual(1);
      // Float32 there, float64 here: what lies between two bytes may go either way, some 1 in 20,000.
      expect(differences.filter(Boolean).length).toBeLessThan(got.length / 1000);
    },
  );

  test('is held against every ground, outline, motion and camera, and two objects', () => {
    const shown = new Set<string>(
      scenes.flatMap(({ things, ...scene }) => [
        scene.background,
        scene.camera,
        scene.place,
        ...things.flatMap(({ shape, motion }) => [shape, motion]),
      ]),
    );
    for (const name of [...BACKGROUNDS, ...CAMERAS, ...SHAPES, ...MOTIONS, 'beside', 'stacked'])
      expect(shown).toContain(name);
  });

  test('has 25 frames unless some are asked for', () => {
    const [scene] = scenes as [(typeof scenes)[0]];
    const all = drawClip(scene, 32);
    expect([all.frames, all.height, all.width, all.rgb.length]).toEqual([25, 32, 32, 25 * 32 * 32 * 3]);
    expect(drawClip(scene, 32, [24]).rgb).toEqual(all.rgb.subarray(24 * 32 * 32 * 3));
  });
});

test('the uniform numbers are numpy.random.default_rng([17, 3, 85]).uniform to the last bit', () => {
  const uniform = numpyUniforms([17, 3, 85]);
  expect([uniform(0, 1), uniform(0.12, 0.19), uniform(-1, 1)]).toEqual([
    0.46139416839409064, 0.17238625121240775, -0.362124931118486,
  ]);
  expect(() => numpyUniforms([1, 2, 3, 4, 5])).toThrow(RangeError);
});
