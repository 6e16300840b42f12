import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The system's own browser; this project downloads none. */
export function findChromium(): string | undefined {
  const named = process.env.REELAY_CHROMIUM;
  return [...(named ? [named] : []), ...PLACES].find(path => existsSync(path));
}

export const HOW_TO_GET_ONE =
  'No Chromium was found. Install one (Debian: apt-get install chromium) or name it with REELAY_CHROMIUM=/path/to/chromium.';

/** Keeps the browser from calling home: a test that counts requests must only see the page's. */
const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface OpenBrowser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** A browser with an empty profile that is removed with it. */
export async function openChromium(executablePath: string): Promise<OpenBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'reelay-chromium-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: QUIET });
  return {
    context,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
