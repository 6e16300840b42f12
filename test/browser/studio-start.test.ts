/** The studio with several models: what it offers follows the chosen one, and videos start from images and videos. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { type Serving, serve } from '#local/serve.ts';
import { addTinyModels, addTunableModel } from '#test/cli/tiny-models.ts';
import { makeImage, makeMp4 } from '#test/media/make-media.ts';
import { findChromium, HOW_TO_GET_ONE, type OpenBrowser, openChromium } from './chromium.ts';
import { spread, state } from './video-element.ts';

const executable = findChromium();
if (executable === undefined) console.warn(`\n!! THE BROWSER TEST OF UPLOADS IS SKIPPED. ${HOW_TO_GET_ONE}\n`);

/** A busy machine that loads a model. */
const SLOW = { timeout: 30_000 };

describe.skipIf(executable === undefined)('the studio with several models', () => {
  let folder: string;
  let serving: Serving;
  let browser: OpenBrowser;
  let page: Page;
  const complaints: string[] = [];
  const files = { image: '', video: '', broken: '', big: '' };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reelay-studio-start-'));
    const dataFolder = join(folder, 'data');
    await addTinyModels(dataFolder, 'ltx', 'cogvideox-2b', 'wan-2.1-i2v');
    await addTunableModel(dataFolder, folder, 'tunable');
    await writeFiles();
    serving = await serve({ dataFolder, port: 0 });
    browser = await openChromium(executable!);
    page = await browser.context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('console', message => {
      // A refusal by the server is a line of its own, and so is a 429 where others take the machine's cores; everything else would be ours.
      const refused = /status of (400|429)/.test(message.text());
      if (!refused && ['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(serving.url);
    await page.getByText('reelay-mini ready').waitFor();
    await promptBox().fill('a small boat on a quiet lake');
  });

  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function writeFiles(): Promise<void> {
    const image = await makeImage('png', 300, 200);
    const broken = Buffer.from(image);
    broken.fill(0x5a, 100, 1000); // its headers are whole, its pixels are not
    const written = {
      image,
      broken,
      big: Buffer.alloc(limits.maxReferenceImageBytes + 1),
      video: await makeMp4(16, 8),
    };
    for (const [name, bytes] of Object.entries(written)) {
      files[name as keyof typeof files] = join(folder, `${name}.${name === 'video' ? 'mp4' : 'png'}`);
      await writeFile(files[name as keyof typeof files], bytes);
    }
  }

  const promptBox = () => page.getByLabel('What should the video show?');
  const chooser = () => page.getByLabel('Model', { exact: true });
  const fileField = () => page.getByLabel(/^Start from/);
  const generate = () => page.getByRole('button', { name: 'Generate' });
  const player = () => page.locator('#stage video');

  async function videos(): Promise<any[]> {
    return ((await (await fetch(`${serving.url}/v1/videos`)).json()) as { data: any[] }).data;
  }

  /** The texts by which a field is described to someone who cannot see where they stand. */
  async function describedBy(field: Locator): Promise<string> {
    const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ');
    const texts = await Promise.all(ids.map(id => page.locator(`[id="${id}"]`).textContent()));
    return texts.join(' ').trim();
  }

  const says = (text: string) => expect.poll(() => describedBy(fileField()), SLOW).toContain(text);
  const inState = async (wanted: string) => (await videos()).filter(({ state }) => state === wanted).length;

  /** The newest video, once so many are completed. */
  async function completed(count: number): Promise<any> {
    await expect.poll(() => inState('completed'), SLOW).toBe(count);
    return (await videos())[0];
  }

  test('what the form offers follows the chosen model', async () => {
    expect(await page.getByText('Start from an image or a video (optional)').count()).toBe(1);
    expect(await page.getByText('Preset', { exact: true }).count()).toBe(1);

    await chooser().selectOption('ltx-tiny');
    expect(await page.getByText('Preset', { exact: true }).count()).toBe(0);
    expect(await page.getByLabel('64 × 32').count()).toBe(1);
    expect(await page.getByText('Start from an image (optional)').count()).toBe(1);
    expect(await describedBy(fileField())).toBe(
      `PNG, JPEG or WebP, up to ${limits.maxReferenceImageBytes / 1_000_000} MB.`,
    );

    await chooser().selectOption('tunable');
    expect(await fileField().count()).toBe(0);
    await page.getByText('Advanced').click();
    expect(await page.getByLabel('Steps').getAttribute('placeholder')).toBe('4');
    await page.getByLabel('fast').check();
    expect(await page.getByLabel('Steps').getAttribute('placeholder')).toBe('2');
    expect(await page.getByLabel('Flow shift').getAttribute('placeholder')).toBe('8');
    await page.getByLabel('Guidance, second network').fill('3');
    await generate().click();
    expect(await completed(1)).toMatchObject({
      model: 'tunable',
      num_inference_steps: 2,
      guidance_scale: 1,
      guidance_scale_2: 3,
      flow_shift: 8,
    });
  });

  test('an uploaded image is shown, becomes a video, and the video plays', async () => {
    await chooser().selectOption('ltx-tiny');
    await fileField().setInputFiles(files.image);
    await says('image.png');
    await says('300 × 200');
    expect(await describedBy(fileField())).toContain('Will be stretched to 32 × 32.');
    await expect.poll(() => page.locator('.preview').evaluate(widthOf), SLOW).toBe(300);

    await generate().click();
    const video = await completed(2);
    expect(video).toMatchObject({ model: 'ltx-tiny', task: 'i2v', reference: { content_type: 'image/png' } });
    expect(video.reference.bytes).toBe((await readFile(files.image)).length);
    await page.getByText('An image', { exact: true }).waitFor();
    await expect.poll(() => player().evaluate(state), SLOW).toMatchObject({ error: null, paused: false, width: 32 });
    const before = (await player().evaluate(state)).at;
    await expect.poll(async () => (await player().evaluate(state)).at, { ...SLOW, interval: 60 }).not.toBe(before);
    expect(await player().evaluate(spread)).toBeGreaterThan(8);
  });

  test('what the server refuses of a file is said at its field, in the words of the server', async () => {
    await chooser().selectOption('cogvideox-2b-tiny');
    await generate().click();
    await says('Got image/png, which asks for image-to-video; cogvideox-2b-tiny offers text-to-video, video-to-video.');
    await expect.poll(() => fileField().evaluate(isFocused), SLOW).toBe(true);
    expect(await fileField().getAttribute('aria-invalid')).toBe('true');
    expect((await videos()).length).toBe(2);
  });

  test('a video has a strength, and starts another video', async () => {
    expect(await page.getByLabel('Strength').count()).toBe(0);
    await fileField().setInputFiles(files.video);
    expect(await page.getByLabel('Strength').inputValue()).toBe('0.8');
    await page.getByLabel('Strength').fill('0.5');
    await generate().click();
    expect(await completed(3)).toMatchObject({ task: 'v2v', strength: 0.5, reference: { content_type: 'video/mp4' } });
    await page.getByText('A video, strength 0.5').waitFor();
  });

  test('a model that makes nothing from words alone asks for the image, and one too large is not sent', async () => {
    await chooser().selectOption('wan-2.1-i2v-tiny');
    await page.getByRole('button', { name: 'Remove' }).click();
    expect(await fileField().evaluate(isFocused)).toBe(true);
    expect(await page.getByText('Start from an image (required)').count()).toBe(1);
    await generate().click();
    await says('Choose an image: wan-2.1-i2v-tiny makes no video without one.');
    await fileField().setInputFiles(files.big);
    await generate().click();
    await says('This file has 7.0 MB; at most 7 MB can be sent.');
    expect((await videos()).length).toBe(3);
  });

  test('a file dropped anywhere on the page is taken, and the page stays', async () => {
    const prompt = await promptBox().inputValue();
    await page.evaluate(`(() => {
      const files = new DataTransfer();
      files.items.add(new File([${JSON.stringify('not an image')}], 'dropped.png', { type: 'image/png' }));
      const init = { dataTransfer: files, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent('dragover', init));
      window.taken = !document.body.dispatchEvent(new DragEvent('drop', init));
    })()`);
    expect(await page.evaluate('window.taken')).toBe(true);
    await says('dropped.png');
    await says('This browser cannot show it.');
    expect(await promptBox().inputValue()).toBe(prompt);
    await generate().click();
    await says('Its bytes are nothing that is taken: PNG, JPEG');
  });

  test('another try of a video sends its file again; once the page forgot it, the field asks for it', async () => {
    await fileField().setInputFiles(files.broken);
    await generate().click();
    const retry = page.getByRole('button', { name: 'Try again' });
    await retry.waitFor();
    expect((await videos())[0].error.code).toBe('invalid_reference');
    await retry.click();
    await expect.poll(() => inState('failed'), SLOW).toBe(2);

    await page.reload();
    await retry.click();
    await says('Choose the image again: this page does not have it any more.');
    await expect.poll(() => chooser().inputValue(), SLOW).toBe('wan-2.1-i2v-tiny');
    expect((await videos()).length).toBe(5);
    await fileField().setInputFiles(files.image);
    await generate().click();
    expect(await completed(4)).toMatchObject({ model: 'wan-2.1-i2v-tiny', task: 'i2v' });
  });

  test('nothing was complained about in the console', () => {
    expect(complaints).toEqual([]);
  });
});

const isFocused = (element: unknown) => (element as { matches(selector: string): boolean }).matches(':focus');
const widthOf = (element: unknown) => (element as { naturalWidth: number }).naturalWidth;
