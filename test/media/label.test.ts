import { describe, expect, test } from 'vitest';
import { disclosures } from '#core/audit/disclosure.ts';
import { prepareLabel } from '#gpu-container/media/draw-label.ts';

const gray = (width: number, height: number) => new Uint8Array(width * height * 3).fill(128);

describe('a label in the picture', () => {
  test.each(Object.values(disclosures).map(one => [one.id, one.label] as const))(
    'of the profile %s can be drawn at the sizes that are delivered, at least as high as its law wants',
    (_, { text, leastTextShare }) => {
      for (const [width, height] of [
        [256, 256],
        [832, 480],
        [480, 832],
        [1280, 720],
        [4096, 2304],
      ] as const) {
        const share = leastTextShare ?? 0;
        const { box, textHeight } = prepareLabel(text, width, height, share);
        expect(textHeight).toBeGreaterThanOrEqual(Math.min(width, height) * share);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
        expect(box.y + box.height).toBeLessThanOrEqual(height);
      }
    },
  );

  test('changes its own plate and nothing around it, the same on every frame', () => {
    const [width, height] = [256, 144];
    const label = prepareLabel('AI-generated', width, height);
    const [frame, again] = [gray(width, height), gray(width, height)];
    label.draw(frame);
    label.draw(again);
    expect(again).toEqual(frame);
    const { box } = label;
    let [changed, white] = [0, 0];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const value = frame[(y * width + x) * 3]!;
        const isInside = x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
        if (!isInside) expect(value).toBe(128);
        else changed += value === 128 ? 0 : 1;
        white += value > 200 ? 1 : 0;
      }
    expect(changed / (box.width * box.height)).toBeGreaterThan(0.95);
    expect(white / (box.width * box.height)).toBeGreaterThan(0.05);
  });

  test('is legible on white and on black', () => {
    for (const ground of [0, 255]) {
      const frame = gray(256, 256).fill(ground);
      prepareLabel('AI生成', 256, 256, 0.05).draw(frame);
      const [least, most] = frame.reduce(
        ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
        [255, 0],
      );
      expect(most - least).toBeGreaterThan(150);
    }
  });

  test('is refused where it does not fit, or has no strokes', () => {
    expect(() => prepareLabel('AI-generated', 64, 256, 0.3)).toThrow('does not fit into 64x256');
    expect(() => prepareLabel('KI-generiert', 256, 256)).toThrow('no strokes for "K"');
  });
});
