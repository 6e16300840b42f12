import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { unmarked } from '#test/media/unmarked.ts';
import { findChromium, HOW_TO_GET_ONE, type OpenBrowser, openChromium } from './chromium.ts';

const executable = findChromium();
if (executable === undefined) console.warn(`\n!! THE COLOR TEST IN A BROWSER IS SKIPPED. ${HOW_TO_GET_ONE}\n`);

const [FRAMES, SIDE, FPS] = [8, 64, 16];
/** Of 255 per channel: 8-bit limited-range video and the browser's own conversion round by about this much. */
const TOLERANCE = 4;

/** A clip of one flat color. */
function flat(color: readonly [number, number, number]): Uint8Array {
  const rgb = new Uint8Array(FRAMES * SIDE * SIDE * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = color[i % 3]!;
  return rgb;
}

describe.skipIf(executable === undefined)('a browser shows our MP4', () => {
  let server: Server;
  let browser: OpenBrowser;
  let files: Map<string, Uint8Array>;

  beforeAll(async () => {
    files = new Map();
    server = createServer((request, response) => {
      const file = files.get(request.url ?? '');
      if (file === undefined)
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>colors</title>');
      else response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': file.length }).end(file);
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    browser = await openChromium(executable!);
  });
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  });

  test.each([
    ['brick', [149, 49, 40]],
    ['red', [222, 44, 48]],
    ['green', [46, 184, 84]],
    ['dark blue', [16, 28, 92]],
    ['near white', [246, 246, 246]],
    ['near black', [16, 16, 20]],
  ] as const)('in the color it was given: %s', async (name, color) => {
    const path = `/${name.replace(' ', '-')}.mp4`;
    files.set(
      path,
      await encodeMp4({ rgb: flat(color), frames: FRAMES, width: SIDE, height: SIDE, fps: FPS }, unmarked),
    );
    const page = await browser.context.newPage();
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await page.goto(`${origin}/`);
    // A string, because it runs in the page, where this project's types do not apply.
    const shown = await page.evaluate(`(async () => {
      const video = document.createElement('video');
      video.muted = true;
      video.src = '${path}';
      await new Promise((done, failed) => {
        video.onloadeddata = done;
        video.onerror = () => failed(new Error(video.error.message));
      });
      await video.play();
      await new Promise(done => { video.onended = done; });
      const canvas = document.createElement('canvas');
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      const pen = canvas.getContext('2d');
      pen.drawImage(video, 0, 0);
      const pixel = [...pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
      return { pixel, width: video.videoWidth, seconds: video.duration };
    })()`);
    await page.close();
    expect(shown).toMatchObject({ width: SIDE, seconds: FRAMES / FPS });
    const { pixel } = shown as { pixel: number[] };
    for (const [channel, value] of color.entries())
      expect([name, channel, Math.abs(pixel[channel]! - value) <= TOLERANCE, pixel]).toEqual([
        name,
        channel,
        true,
        pixel,
      ]);
  });
});
