/** The run of `reelay eval` over clips that are drawn and not generated: what it finds in them. */
import { expect, test } from 'vitest';
import { evalHtml } from '#cli/eval-page.ts';
import { firstFixedPrompts } from '#cli/eval-prompts.ts';
import { drawnAsLong } from '#cli/eval-row.ts';
import { runEval } from '#cli/eval-run.ts';
import type { ClipSource, EvalAsk } from '#cli/eval-source.ts';
import { evalText } from '#cli/eval-words.ts';
import { ReelayError } from '#core/errors.ts';
import type { Clip } from '#gpu-container/evaluation/clip.ts';
import { worstFirst } from '#gpu-container/evaluation/report.ts';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';

const prompts = firstFixedPrompts(4);

/** Draws what a prompt asks for, but for what `change` does to the clip of a prompt. */
function drawing(change: (clip: Clip, index: number) => Clip): ClipSource {
  const settings = { task: 't2v', preset: null, steps: 1, guidance: 1, size: '128x128', frames: 25, fps: 8 } as const;
  const runtime = { ort: null, provider: null, precision: null, threads: null, through: 'bundle' } as const;
  return {
    subject: { model: 'drawn', bundle: null, engine: '0', ...runtime },
    ...{ size: '128x128', frames: 25, fps: 8 },
    check: () => settings,
    async make({ prompt }: EvalAsk) {
      const index = prompts.findIndex(one => one.prompt === prompt);
      const clip = change(drawClip(prompts[index]!.scene!, 128), index);
      return { clip, settings, latents: [], latentsSha256: '', framesSha256: '' };
    },
    close: async () => undefined,
  };
}

const run = (change: (clip: Clip, index: number) => Clip, more: Partial<ClipSource> = {}) =>
  runEval({ ...drawing(change), ...more }, prompts, { task: 't2v' }, { onClip: () => undefined });

test('what is wrong comes first: no clip, then a frozen one, then one of something else; a still one that was asked for is right', async () => {
  const frame = 3 * 128 * 128;
  const result = await run((clip, index) => {
    if (index === 3) throw new ReelayError('render_failed', 'The model gave no picture: <NaN>.');
    if (index === 1) return { ...clip, rgb: clip.rgb.map((_, i, all) => all[i % frame]!) };
    if (index === 0) return drawClip(prompts[1]!.scene!, 128);
    return clip; // "a pink heart resting … and a pink triangle standing still"
  });
  const { report, sheets } = result;
  expect(worstFirst(report.rows).map(row => row.index)).toEqual([3, 1, 0, 2]);
  expect(report.rows[2]).toMatchObject({ defects: { frozen: true }, marks: { all: true } });
  expect(report.defects).toEqual({ failed: 1, blank: 0, frozen: 1, duplicates: 0, cuts: 0 });
  expect(report.adherence?.all).toMatchObject({ clips: 4, percent: { all: 25, camera: 75 } });
  expect([...sheets.keys()]).toEqual([0, 1, 2]);
  const text = evalText(report);
  expect(text).toContain('defects: of 4 clips 1 could not be made, 1 frozen');
  expect(text).toContain('worst of 3 with something wrong:\n  #4 ');
  const page = evalHtml(result);
  expect(page).toContain('not made: The model gave no picture: &lt;NaN&gt;.');
  expect(page).toContain('<span class="wrong">ring</span>');
});

test('an error that is not of one clip ends the run', async () => {
  const ended = run(() => {
    throw new ReelayError('bundle_invalid', 'vae_decoder: it gave [1].');
  });
  await expect(ended).rejects.toThrow('vae_decoder: it gave [1].');
});

test('clips compare with drawn ones of their own length, so a clip that is cut by a frame has its rFVD too', () => {
  const scene = prompts[0]!.scene!;
  const whole = drawClip(scene, 128);
  const cut = drawnAsLong(scene, 24)!;
  expect(cut).toMatchObject({ frames: 24, height: 128, width: 128 });
  expect(Buffer.compare(cut.rgb, whole.rgb.subarray(0, cut.rgb.length))).toBe(0);
  expect(drawnAsLong(scene, 25)!.frames).toBe(25);
  expect(drawnAsLong(scene, 26)).toBeUndefined();
});

test('flicker that nobody asked for shows against the drawn clips of the same prompts', async () => {
  const { report: perfect } = await run(clip => clip);
  expect(perfect.besideDrawn).toMatchObject({ clips: 4, recoded: null });
  expect(perfect.besideDrawn!.made).toEqual(perfect.besideDrawn!.drawn);
  expect(evalText(perfect)).toMatch(/^flicker, second difference .* 1\.00 ×$/m);
  const frame = 3 * 128 * 128;
  const { report } = await run(clip => ({
    ...clip,
    rgb: clip.rgb.map((byte, i) => (Math.floor(i / frame) % 2 === 0 ? byte : Math.min(255, byte + 6))),
  }));
  const { made, drawn } = report.besideDrawn!;
  // Every other frame six levels lighter is up to 6 from frame to frame, and up to 12 in the second difference; white cannot get lighter.
  expect(made.flickerSecond - drawn.flickerSecond).toBeGreaterThan(6);
  expect(made.flickerSecond - drawn.flickerSecond).toBeLessThanOrEqual(12.01);
});

test('what the encoder and decoder of a model add is told apart, and a clip that they cannot take ends nothing', async () => {
  const recode: ClipSource['recode'] = async ({ prompt }, clip) => {
    if (prompt === prompts[2]!.prompt) throw new ReelayError('render_failed', 'vae_encoder: it gave NaN.');
    const frame = 3 * 128 * 128;
    return {
      ...clip,
      rgb: clip.rgb.map((byte, i) => (Math.floor(i / frame) % 2 === 0 ? byte : Math.max(0, byte - 6))),
    };
  };
  const { report } = await run(clip => clip, { recode });
  const { made, drawn, recoded } = report.besideDrawn!;
  expect(made).toEqual(drawn);
  expect(recoded!.clips).toBe(3);
  expect(recoded!.recoded.flickerSecond - recoded!.drawn.flickerSecond).toBeGreaterThan(6);
  expect(evalText(report)).toMatch(/^flicker, second difference .* 1\.00 × +\d\.\d\d ×$/m);
  const broken = async () => {
    throw new ReelayError('bundle_invalid', 'vae_encoder: it gave [1].');
  };
  await expect(run(clip => clip, { recode: broken })).rejects.toThrow('vae_encoder: it gave [1].');
});
