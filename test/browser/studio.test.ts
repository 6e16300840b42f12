import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Serving, serve } from '#local/serve.ts';
import { findChromium, HOW_TO_GET_ONE, type OpenBrowser, openChromium } from './chromium.ts';
import { spread, state } from './video-element.ts';

const executable = findChromium();
if (executable === undefined) console.warn(`\n!! THE BROWSER TEST IS SKIPPED. ${HOW_TO_GET_ONE}\n`);

test('where CI is set, a Chromium is there to run the tests below', () => {
  if (process.env.CI && executable === undefined) expect.fail(HOW_TO_GET_ONE);
});

describe.skipIf(executable === undefined)('the studio in a real browser', () => {
  const PROMPT = 'a quokka-red circle bouncing over a dark blue background';
  let dataFolder: string;
  let serving: Serving;
  let browser: OpenBrowser;
  let page: Page;
  const complaints: string[] = [];
  const foreign: string[] = [];

  beforeAll(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'reelay-studio-'));
    serving = await serve({ dataFolder, port: 0 });
    browser = await openChromium(executable!);
    page = await browser.context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('console', message => {
      // A server whose cores others take says 429, which the page waits out; everything else would be ours.
      const shed = /status of 429/.test(message.text());
      if (!shed && ['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    browser.context.on('request', request => {
      if (!request.url().startsWith(`${serving.url}/`)) foreign.push(request.url());
    });
    await page.goto(serving.url);
    await page.getByText('reelay-mini ready').waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    await rm(dataFolder, { recursive: true, force: true });
  });

  const promptBox = () => page.getByLabel('What should the video show?');
  const generate = () => page.getByRole('button', { name: 'Generate' });
  const player = () => page.locator('#stage video');

  async function countVideos(): Promise<number> {
    const list = (await (await fetch(`${serving.url}/v1/videos`)).json()) as { data: unknown[] };
    return list.data.length;
  }

  /** The texts by which the field is described to someone who cannot see where they stand. */
  async function describedBy(field: Locator): Promise<string> {
    const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ');
    const texts = await Promise.all(ids.map(id => page.locator(`[id="${id}"]`).textContent()));
    return texts.join(' ').trim();
  }

  test('an empty prompt or a bad seed is explained beside its field and nothing is queued', async () => {
    await generate().click();
    await expect.poll(() => describedBy(promptBox())).toBe('Say what the video should show.');
    await expect.poll(() => promptBox().evaluate(box => box.matches(':focus'))).toBe(true);

    await promptBox().fill(PROMPT);
    await expect.poll(() => describedBy(promptBox())).toBe('');
    for (const seed of ['-1', '7.5', 'twelve', '4294967296']) {
      await page.getByLabel('Seed').fill(seed);
      await generate().click();
      await expect
        .poll(() => describedBy(page.getByLabel('Seed')))
        .toContain('Use a whole number from 0 to 4294967295');
    }
    await page.getByLabel('Seed').fill('');
    expect(await countVideos()).toBe(0);
  });

  test('a prompt becomes progress and then a playing video', async () => {
    await promptBox().fill(PROMPT);
    await page.getByText('Advanced').click();
    await page.getByLabel('Steps').fill('50'); // long enough to be watched on a fast machine
    await generate().click();
    const seen = new Set<string>();
    const look = async () => {
      const bar = page.getByRole('progressbar');
      if ((await bar.count()) > 0) seen.add((await bar.getAttribute('aria-valuetext', { timeout: 500 })) ?? '');
      return player().count();
    };
    await expect.poll(() => look().catch(() => 0), { timeout: 45_000, interval: 40 }).toBe(1);
    expect([...seen].filter(text => /^Step \d+ of 50, \d+%$/.test(text))).not.toEqual([]);

    await expect.poll(() => player().evaluate(state)).toMatchObject({ error: null, paused: false, width: 256 });
    await expect.poll(async () => (await player().evaluate(state)).ready).toBeGreaterThanOrEqual(2);
    const before = (await player().evaluate(state)).at;
    await expect.poll(async () => (await player().evaluate(state)).at, { interval: 60 }).not.toBe(before);
    // A frame that holds a picture differs from place to place.
    expect(await player().evaluate(spread)).toBeGreaterThan(8);
    expect(await page.getByRole('link', { name: 'Download' }).getAttribute('href')).toMatch(/^\/v1\/videos\/video_/);
    expect(await page.locator('#stage').getByText('does not know these words of the prompt: quokka.').count()).toBe(1);
  });

  test('the gallery still has it after a reload, and a click plays it', async () => {
    await page.reload();
    const tile = page.getByRole('button', { name: `Play: ${PROMPT}` });
    await tile.waitFor();
    const picture = tile.locator('img');
    await expect
      .poll(() => picture.evaluate(img => (img as unknown as { naturalWidth: number }).naturalWidth))
      .toBe(256);
    await tile.click();
    await expect.poll(() => player().evaluate(state)).toMatchObject({ error: null, paused: false });
    expect(await countVideos()).toBe(1);
  });

  test('a running video can be cancelled, and goes on being shown after a reload', async () => {
    await promptBox().fill('a yellow star spinning over black');
    await page.getByText('Advanced').click();
    await page.getByLabel('Steps').fill('50');
    for (let queued = 1; queued <= 5; queued++) {
      await generate().click();
      await expect.poll(countVideos).toBe(1 + queued);
    }
    await page.reload();
    await page.getByRole('progressbar').waitFor();
    await page
      .getByRole('button', { name: /Next in the queue|Waiting, number/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.locator('#stage').getByText('Cancelled').waitFor();
  });

  test('a video is deleted only once that is confirmed', async () => {
    await page.getByRole('button', { name: `Play: ${PROMPT}` }).click();
    const remove = page.locator('#stage').getByRole('button', { name: 'Delete' }).first();
    await remove.click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await countVideos()).toBe(6);
    await remove.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect.poll(countVideos).toBe(5);
    await expect.poll(() => page.getByRole('button', { name: `Play: ${PROMPT}` }).count()).toBe(0);
  });

  test('nothing was complained about in the console and no request left the server', () => {
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
  });

  // Last: an aborted request is itself a line in the console.
  test('a server that is gone is said in plain words, and the page recovers by itself', async () => {
    await page.route('**/v1/**', route => route.abort());
    await promptBox().fill(PROMPT);
    await generate().click();
    await page.getByText('The server does not answer. Your prompt is kept').waitFor();
    await page.getByRole('button', { name: 'Try now' }).waitFor();
    expect(await promptBox().inputValue()).toBe(PROMPT);
    await page.unroute('**/v1/**');
    await page.getByText('reelay-mini ready').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Try now' }).count()).toBe(0);
  });
});
