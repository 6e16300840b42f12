/** The studio's page that says where a file comes from, in the system's own browser. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Serving, serve } from '#local/serve.ts';
import { makeMp4 } from '#test/media/make-media.ts';
import { JOB, openWorld, type World } from '#test/provenance/verify/world.ts';
import { findChromium, HOW_TO_GET_ONE, type OpenBrowser, openChromium } from './chromium.ts';

const executable = findChromium();
if (executable === undefined) console.warn(`\n!! THE BROWSER TEST OF VERIFYING IS SKIPPED. ${HOW_TO_GET_ONE}\n`);

describe.skipIf(executable === undefined)('the page that verifies a file', () => {
  let world: World;
  let serving: Serving;
  let browser: OpenBrowser;
  let page: Page;
  const complaints: string[] = [];
  const at = (name: string) => join(world.folder, name);

  beforeAll(async () => {
    world = await openWorld();
    writeFileSync(at('ours.mp4'), await world.make({ frames: 4, kind: 'waves' }));
    writeFileSync(at('foreign.mp4'), await makeMp4(8, 8));
    writeFileSync(at('large.mp4'), Buffer.alloc(7_000_001));
    serving = await serve({ dataFolder: world.folder, port: 0, work: false });
    browser = await openChromium(executable!);
    page = await browser.context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('console', message => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(serving.url);
  });
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    await world?.close();
  });

  const choose = (name: string) => page.getByLabel('File to verify').setInputFiles(at(name));
  const answer = () => page.getByRole('region', { name: 'Answer' });

  test('is reached from the studio, and says of a video made here that it is unaltered', async () => {
    await page.getByRole('link', { name: 'Verify a file' }).click();
    await choose('ours.mp4');
    await answer().getByRole('heading', { name: 'Made here, unaltered' }).waitFor();
    const said = (await answer().textContent()) ?? '';
    expect(said).toContain('128 of 128 bits');
    expect(said).toContain('by chance in fewer than 1 of');
    expect(said).toContain(JOB.id);
  });

  test('says of another one that nothing proves where it comes from, searches when asked, and what is too large is not sent', async () => {
    await choose('foreign.mp4');
    await answer().getByRole('heading', { name: 'Origin unknown' }).waitFor();
    expect(await answer().textContent()).toContain('does not mean that it was not made by AI');
    await answer().getByRole('button', { name: 'Search for a cropped copy' }).click();
    await answer().getByText('whole or cropped').waitFor();
    await choose('large.mp4');
    await answer().getByText('at most 7 MB can be sent').waitFor();
    await page.getByRole('link', { name: 'Create' }).click();
    await page.getByLabel('What should the video show?').waitFor();
    expect(complaints).toEqual([]);
  });
});
