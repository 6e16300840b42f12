/** `fetch-child.ts <url> <id> <digest> <cache>`: opens a bundle as a worker does, tells how it went, and holds it until its stdin ends. */
import { openCachedBundle } from '#gpu-container/bundles/fetch-bundle.ts';
import { createHttpObjects } from '#gpu-container/bundles/http-objects.ts';

const [url = '', id = '', digest = '', folder = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const opened = await openCachedBundle({
  ...{ id, digest, signal, source: createHttpObjects(url), cache: { folder } },
  onProgress: fetched => process.stdout.write(`at ${fetched}\n`),
});
process.stdout.write(`opened ${opened.cached ? 'cached' : 'fetched'}\n`);
process.stdin.resume().once('end', () => process.exit(0));
