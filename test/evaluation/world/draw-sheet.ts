/**
 * @file Draws the contact sheet of docs/world.md: true clips of fixed prompts, one a row, which together show every ground.
 *
 *     node test/evaluation/world/draw-sheet.ts docs/images/world.png
 */
import sharp from 'sharp';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { type FixedPrompt, fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { BACKGROUNDS } from '#gpu-container/evaluation/world/scene.ts';

const SIDE = 96;
const FRAMES = [0, 8, 16, 24];
const COLUMNS = 2;

const GAP = 2;
const WIDTH = FRAMES.length * (SIDE + GAP) - GAP;

const shownBy = ({ scene }: FixedPrompt) => [
  scene.camera,
  scene.place,
  ...scene.things.flatMap(({ color, shape, motion }) => [color, shape, motion]),
];

/** Sceneries first; of each ground the prompt that shows most of what no prompt before shows. */
const shown = new Set<string>();
const rows = [...BACKGROUNDS].reverse().map(background => {
  const missing = (prompt: FixedPrompt) => [...new Set(shownBy(prompt))].filter(word => !shown.has(word)).length;
  const all = fixedPrompts().filter(({ scene }) => scene.background === background);
  const best = all.reduce((a, b) => (missing(b) > missing(a) ? b : a));
  for (const word of shownBy(best)) shown.add(word);
  return best;
});
const pieces = rows.slice(0, 14).map(async ({ scene }, index) => {
  const { rgb } = drawClip(scene, 2 * SIDE, FRAMES);
  const tall = sharp(rgb, { raw: { width: 2 * SIDE, height: 2 * SIDE * FRAMES.length, channels: 3 } });
  const frames = await Promise.all(
    FRAMES.map((_, i) =>
      tall
        .clone()
        .extract({ left: 0, top: i * 2 * SIDE, width: 2 * SIDE, height: 2 * SIDE })
        .resize(SIDE)
        .png()
        .toBuffer(),
    ),
  );
  const left = (index % COLUMNS) * (WIDTH + 12);
  const top = Math.trunc(index / COLUMNS) * (SIDE + 6);
  return frames.map((input, i) => ({ input, left: left + i * (SIDE + GAP), top }));
});
const width = COLUMNS * (WIDTH + 12) - 12;
await sharp({ create: { width, height: 7 * (SIDE + 6) - 6, channels: 3, background: 'white' } })
  .composite((await Promise.all(pieces)).flat())
  .png({ palette: true, colours: 256, effort: 10, compressionLevel: 9 })
  .toFile(process.argv[2] ?? 'world.png');
