import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newKey } from '#core/accounts/api-key.ts';
import { parseKeyFields } from '#core/accounts/key-input.ts';
import { createKey } from '#core/accounts/keys.ts';
import { type Serving, serve } from '#local/serve.ts';
import { findChromium, type OpenBrowser, openChromium } from './chromium.ts';
import { state } from './video-element.ts';

const executable = findChromium();
const KEY = newKey('local', randomBytes).text;

// studio.test.ts says aloud where there is no browser, and fails in CI.
describe.skipIf(executable === undefined)('the studio of a server that asks for a key', () => {
  let dataFolder: string;
  let serving: Serving;
  let browser: OpenBrowser;
  let page: Page;
  const urls: string[] = [];

  beforeAll(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'reelay-studio-key-'));
    serving = await serve({ dataFolder, port: 0, keySha256s: createHash('sha256').update(KEY).digest('hex') });
    browser = await openChromium(executable!);
    page = await browser.context.newPage();
    page.setDefaultTimeout(30_000);
    browser.context.on('request', request => urls.push(request.url()));
    await page.goto(serving.url);
  });
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    await rm(dataFolder, { recursive: true, force: true });
  });

  const field = () => page.getByLabel('API key of this server');
  const signIn = () => page.getByRole('button', { name: 'Sign in' });

  test('asks for it, says that a wrong one is unknown, and shows nothing before', async () => {
    await field().waitFor();
    expect(await page.getByRole('button', { name: 'Generate' }).isVisible()).toBe(false);
    // A person may type at once, and sees nothing of the page behind while a key is tried.
    expect(
      await field().evaluate((input: unknown) => (input as { matches(css: string): boolean }).matches(':focus')),
    ).toBe(true);
    const hidden = page.locator('main[hidden]');
    await page.route('**/studio/session', async route => {
      expect(await hidden.count()).toBe(1);
      await route.continue();
    });
    await page.keyboard.type('rly_wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not know this key.').waitFor();
    await page.unroute('**/studio/session');
    expect([await hidden.count(), await field().inputValue(), await field().getAttribute('aria-invalid')]).toEqual([
      1,
      'rly_wrong',
      'true',
    ]);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('says of a text that no header carries that it is no key, and asks on', async () => {
    await field().fill('rly_local_ab12…');
    await signIn().click();
    await page.getByText('This is no key').waitFor();
    expect(await field().isVisible()).toBe(true);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await field().fill('rly_wrong');
  });

  test('says when too many wrong ones came, and asks on', async () => {
    const told = { error: { message: 'too many wrong keys came from this address', code: 'rate_limited' } };
    await page.route('**/studio/session', route => route.fulfill({ status: 429, json: told }));
    await signIn().click();
    await page.getByText(told.error.message).waitFor();
    expect(await field().isVisible()).toBe(true);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await page.unroute('**/studio/session');
  });

  test('with a stored key that may not look says what it lacks, and asks on', async () => {
    const ports = { ...serving.embedded.deps, environment: 'local' };
    const stored = (scopes: string[]) =>
      createKey(ports, 'local', parseKeyFields({ name: scopes.join(), scopes }, Date.now()));
    await field().fill((await stored(['usage:read'])).text);
    await signIn().click();
    await page.getByText('This key may not do that: it lacks “videos:read”.').waitFor();
    expect(await field().isVisible()).toBe(true);

    await field().fill((await stored(['videos:read'])).text);
    await signIn().click();
    await page.getByText('reelay-mini ready').waitFor();
    await page.getByLabel('What should the video show?').fill('a red circle bouncing');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByText('it lacks “videos:write”').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field().waitFor();
  });

  test('with it makes a video, follows its events, plays it and shows its thumbnail', async () => {
    await field().fill(KEY);
    await signIn().click();
    await page.getByText('reelay-mini ready').waitFor();
    await page.getByLabel('What should the video show?').fill('a red circle bouncing');
    await page.getByRole('button', { name: 'Generate' }).click();
    const player = page.locator('#stage video');
    await expect.poll(() => player.count(), { timeout: 45_000 }).toBe(1);
    await expect.poll(() => player.evaluate(state)).toMatchObject({ error: null, width: 256 });
    const thumbnail = page.locator('.thumb img');
    await expect
      .poll(() => thumbnail.evaluate((image: unknown) => (image as { naturalWidth: number }).naturalWidth))
      .toBeGreaterThan(0);
    expect(urls.filter(url => url.endsWith('/events'))).not.toEqual([]);
    expect(urls.filter(url => url.includes(KEY))).toEqual([]);
  });

  test('stays signed in over a reload, and not after signing out', async () => {
    await page.reload();
    await page.getByText('reelay-mini ready').waitFor();
    const [cookie] = await browser.context.cookies(`${serving.url}/v1/videos`);
    expect(cookie).toMatchObject({ name: 'reelay-media', httpOnly: true, sameSite: 'Strict', path: '/v1/videos' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field().waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    expect(await browser.context.cookies(`${serving.url}/v1/videos`)).toEqual([]);
  });
});
