/**
 * `fetch-throughput.ts [megabytes, 1024]`: how fast a bundle comes to disk from a server on loopback, with its hashes, beside one range at
 * a time, and what of that is hashing alone. A figure of this machine's cores and disk, not of S3; the server shares the cores. Exit 1 where
 * this process came to hold more than MOST_RESIDENT_BYTES: what waits for its turn is bounded, however large the bundle.
 */
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleKey, type ObjectSource } from '#core/bundle-objects.ts';
import { limits } from '#core/limits.ts';
import { fetchFiles } from '#gpu-container/bundles/fetch-files.ts';
import { createHttpObjects } from '#gpu-container/bundles/http-objects.ts';
import { startRangeServer } from './range-server.ts';

const DIGEST = 'd'.repeat(64);
/** 128 MiB of ranges, what the HTTP client reads ahead, and Node itself. */
const MOST_RESIDENT_BYTES = 512_000_000;
const PIECE = randomBytes(1_048_576);

async function serve(bytes: number): Promise<void> {
  const weights = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += PIECE.length) PIECE.copy(weights, at);
  const sha256 = createHash('sha256').update(weights).digest('hex');
  const server = await startRangeServer(new Map([[bundleKey(DIGEST, 'weights.bin'), weights]]));
  process.send!({ url: server.url, sha256 });
  process.once('disconnect', () => process.exit(0));
}

/** One request at a time, as a plain download does it: a turn is given when the one before has been read. */
function oneAtATime(source: ObjectSource): ObjectSource {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    ...source,
    read: (key, range, signal) => {
      const mine = turn.then(async () => {
        const pieces: Uint8Array[] = [];
        for await (const piece of (await source.read(key, range, signal))!) pieces.push(piece);
        return pieces;
      });
      turn = mine;
      return mine.then(async function* (pieces) {
        yield* pieces;
      });
    },
  };
}

async function measure(bytes: number): Promise<void> {
  const server = fork(import.meta.filename, ['--serve', `${bytes}`]);
  const { url, sha256 } = await new Promise<{ url: string; sha256: string }>(done =>
    server.once('message', done as never),
  );
  const file = { path: 'weights.bin', bytes, sha256 };
  const { signal } = new AbortController();
  const rate = (ms: number) => `${Math.round(bytes / 1e3 / ms)} MB/s`;
  const whole = createHttpObjects(url);
  for (const [name, source] of [
    [`${limits.bundleRanges} ranges of ${limits.bundleRangeBytes / 2 ** 20} MiB`, whole],
    ['one range at a time', oneAtATime(whole)],
  ] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-rate-'));
    const begun = performance.now();
    const cpu = process.cpuUsage();
    await fetchFiles([file], { source, digest: DIGEST, folder, signal });
    const ms = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpu);
    const { rss } = process.memoryUsage();
    if (rss > MOST_RESIDENT_BYTES) process.exitCode = 1;
    process.stdout.write(
      `${name}: ${rate(ms)} to disk with sha256 and fsync; ${((user + system) / 1e3 / ms).toFixed(2)} cores, ${Math.round(rss / 1e6)} MB resident\n`,
    );
    await rm(folder, { recursive: true, force: true });
  }
  const begun = performance.now();
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += PIECE.length) hash.update(PIECE);
  hash.digest();
  process.stdout.write(`sha256 alone: ${rate(performance.now() - begun)}\n`);
  server.disconnect();
}

if (process.argv[2] === '--serve') await serve(Number(process.argv[3]));
else await measure(Number(process.argv[2] ?? 1024) * 1_048_576);
