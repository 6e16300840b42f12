import { describe, expect, test } from 'vitest';
import type { Clip } from '#gpu-container/evaluation/clip.ts';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { readClip } from '#gpu-container/evaluation/world/read-clip.ts';
import { compareReading, type Reading, readingOf } from '#gpu-container/evaluation/world/readings.ts';
import { isPlain, type Scene } from '#gpu-container/evaluation/world/scene.ts';
import { damaged } from './damaged.ts';
import readings from './fixtures/readings.json' with { type: 'json' };

const SIDE = 128;
const FEW: ReadonlySet<string> = new Set(['sea', 'city']);
/** Half the frames: the oracle reads clips of any length, and this takes half the time. */
const EVERY_OTHER = Array.from({ length: 13 }, (_, i) => 2 * i);
/** Each scenery costs a tenth of a second to begin with; compare-oracles.ts asks about all. */
const FEW_GROUNDS = fixedPrompts().filter(({ scene }) => isPlain(scene.background) || FEW.has(scene.background));
const read = (scene: Scene) => readClip(drawClip(scene, SIDE, EVERY_OTHER));
const noise = (clip: Clip, kind: string) => damaged(kind, clip, clip, 1);

const right: Scene = {
  things: [{ color: 'red', shape: 'car', motion: 'right', size: 'medium', jitter: [0, 0, 0, 0, 0] }],
  place: 'single',
  background: 'cream',
  gradient: false,
  camera: 'static',
  layout: 0,
  shift: 0,
};
const marks = (kind: string, scene: Scene = right) => {
  const clip = drawClip(scene, SIDE, EVERY_OTHER);
  return compareReading(readingOf(scene), readClip(noise(clip, kind)));
};

describe('the oracle', () => {
  test('reads everything right in 24 true clips', () => {
    const some = FEW_GROUNDS.slice(0, 24);
    expect(new Set(some.map(({ want }) => want.background)).size).toBeGreaterThan(6);
    const misread = some.filter(({ scene, want }) => !compareReading(want, read(scene)).all);
    expect(misread.map(({ prompt }) => prompt)).toEqual([]);
  });

  test('says of damaged clips what the one in Python says', () => {
    const prompts = fixedPrompts();
    const kinds = new Set<string>();
    for (const { row, side, true: _, ...answers } of readings
      .filter(({ row, side }) => side === SIDE && FEW_GROUNDS.includes(prompts[row]!))
      .slice(0, 3)) {
      const [clip, other] = [row, row + 1].map(at => drawClip(prompts[at]!.scene, side)) as [Clip, Clip];
      for (const [kind, expected] of Object.entries(answers) as [string, Reading][]) {
        kinds.add(kind);
        expect(readClip(damaged(kind, clip, other, row)), `${kind} of prompt ${row}`).toEqual(expected);
      }
    }
    expect(kinds.size).toBe(6);
  });

  test('finds no object in a clip of one color', () => {
    const { things } = readClip(noise(drawClip(right, SIDE, EVERY_OTHER), 'blank'));
    expect(things).toEqual([{ color: 'none', shape: 'none', motion: 'none' }]);
  });

  test('calls a wrong color wrong, and nothing else', () => {
    const scene = { ...right, background: 'gray' as const };
    const green = { ...scene, things: [{ ...scene.things[0]!, color: 'green' as const }] };
    expect(compareReading(readingOf(scene), read(green))).toMatchObject({ color: false, shape: true, motion: true });
  });

  test('calls a motion the wrong way round wrong', () => {
    expect(marks('mirrored')).toMatchObject({ color: true, shape: true, motion: false, all: false });
  });

  test('calls a clip that stands still no motion', () => {
    const grow = { ...right, things: [{ ...right.things[0]!, motion: 'grow' as const }] };
    expect(marks('frozen', grow)).toMatchObject({ background: true, shape: true, motion: false });
    expect(marks('reversed', grow)).toMatchObject({ background: true, shape: true, motion: false });
  });

  test('calls swapped objects wrong', () => {
    const things = [
      { ...right.things[0]!, motion: 'still' as const },
      { ...right.things[0]!, color: 'blue' as const, shape: 'star' as const, motion: 'spin' as const },
    ];
    const beside: Scene = { ...right, place: 'beside', things };
    expect(compareReading(readingOf(beside), read(beside)).all).toBe(true);
    const swapped = { ...beside, things: [...things].reverse() };
    expect(compareReading(readingOf(beside), read(swapped))).toMatchObject({ place: true, color: false, shape: false });
  });

  test('refuses what it cannot look at, by its size', () => {
    const rgb = new Uint8Array(2 * 96 * 128 * 3);
    expect(() => readClip({ frames: 2, height: 96, width: 128, rgb })).toThrow(
      /got 2 frames of 128x96.*multiple of 128/,
    );
  });
});
