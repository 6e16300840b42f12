/**
 * The figures of docs/watermark.md. Heavy, so by name; `clips` needs ffmpeg with libx264 and libx265, and goes on where its file ends.
 *
 *     node test/provenance/watermark/figures.ts clips <count> <file.jsonl> [searched: every n-th clip] [share k/n] [clips with all attacks]
 *     node test/provenance/watermark/figures.ts crops <count> <file.jsonl> [share k/n]
 *     node test/provenance/watermark/figures.ts table <file.jsonl> ...
 *     node test/provenance/watermark/figures.ts unmarked <decodes>
 *     node test/provenance/watermark/figures.ts speed
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { agreement, encodeMessage, type Message } from '#gpu-container/provenance/watermark/coded-word.ts';
import { searchCrop, searchFrameIndices } from '#gpu-container/provenance/watermark/crop-search.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import type { FrameSize } from '#gpu-container/provenance/watermark/i420.ts';
import { deriveKeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';
import { deploymentTag, jobNonce, openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { type Geometry, WHOLE } from '#gpu-container/provenance/watermark/resample.ts';
import { attack, attacksOn, NAMED } from './attacks.ts';
import { encodeI420 } from './encode-i420.ts';
import { macOf, TEST_KEYS, TEST_MAC } from './keys.ts';
import { openModelClips } from './model-clips.ts';
import { drawClip, KINDS, lumaPsnr, randomOf } from './pictures.ts';
import { lumaSsim, printTable, type Row } from './tables.ts';

const FRAMES = 12;
const FPS = 12;
const WIDE = { width: 512, height: 288 };
const DEPLOYMENT = 'figures';

const [what, ...rest] = process.argv.slice(2);
const [count, file] = [Number(rest[0]), rest[1]!];
if (what === 'clips') {
  const [every, full] = [Number(rest[2] ?? 1), Number(rest[4] ?? 1e9)];
  await measureClips(count, file, rest[3], i => ({
    includes: name => i < full || NAMED.includes(name),
    isSearched: i % every === 0 && i < full,
  }));
} else if (what === 'crops')
  await measureClips(count, file, rest[2], () => ({ includes: name => name.startsWith('crop'), isSearched: true }));
else if (what === 'table') printTable(rest.flatMap(readRows));
else if (what === 'unmarked') unmarked(Number(rest[0] ?? 100_000));
else if (what === 'speed') speed();
else throw new Error('clips, table, unmarked or speed?');

interface Chosen {
  readonly includes: (attack: string) => boolean;
  readonly isSearched: boolean;
}

/** Every third clip is the model's, enlarged to 512 and at its own 256 in turns; the others are drawn. */
async function measureClips(count: number, file: string, share: string | undefined, chosenFor: (i: number) => Chosen) {
  const done = new Set(existsSync(file) ? readRows(file).map(row => row.clip) : []);
  const [part, parts] = (share ?? '0/1').split('/').map(Number) as [number, number];
  const model = await openModelClips();
  for (let i = part; i < count; i += parts) {
    const isModel = i % 3 === 0;
    const seed = Math.floor(i / 3);
    const side = seed % 3 === 2 ? 256 : 512;
    const kind = KINDS[(i - seed - 1) % KINDS.length]!;
    const set = !isModel ? 'drawn 512x288' : `model ${side}x${side}`;
    const clip = `${i} ${isModel ? set : kind}`;
    if (done.has(clip)) continue;
    const size = isModel ? { width: side, height: side } : WIDE;
    const plain = isModel ? (await model.draw(seed, side)).slice(0, FRAMES) : drawClip(kind, 100 + i, WIDE, FRAMES);
    const rows = await measureClip(plain, size, i, chosenFor(i));
    appendFileSync(file, rows.map(row => `${JSON.stringify({ clip, set, ...row })}\n`).join(''));
  }
  await model.release();
}

async function measureClip(plain: readonly Uint8Array[], size: FrameSize, i: number, { includes, isSearched }: Chosen) {
  const nonce = jobNonce(TEST_MAC, `video_${i}`);
  const message = sealPayload(TEST_MAC, { tag: deploymentTag(TEST_MAC, DEPLOYMENT), nonce });
  const marker = openMarker(TEST_KEYS, message, size);
  const marked = plain.map(frame => {
    const copy = frame.slice();
    marker.embed(copy);
    return copy;
  });
  const psnr = Math.min(...plain.map((frame, f) => lumaPsnr(frame, marked[f]!, size)));
  const ssim = lumaSsim(plain[0]!, marked[0]!, size);
  const file = await encodeI420(marked, { ...size, fps: FPS });
  const attacks = attacksOn(size, FRAMES, randomOf(i + 1)).filter(({ name }) => includes(name));
  const copies = attack(file, size, attacks, join(tmpdir(), `lf-stdm-${process.pid}`));
  const rows = copies.flatMap(({ name, frames, size: own, geometry }) => {
    const known = { attack: geometry ? `${name}, known place` : name, ...readAs(frames, own, message, geometry) };
    if (!geometry || !isSearched) return [known];
    const started = performance.now();
    const found = searchCrop(
      TEST_KEYS,
      searchFrameIndices(frames.length).map(f => frames[f]!),
      own,
    );
    const searchMs = performance.now() - started;
    return [
      known,
      {
        attack: `${name}, blind`,
        ...best(found.parts.map(part => readAs(frames, own, message, part.geometry))),
        searchMs,
      },
    ];
  });
  const single = copies
    .filter(({ name }) => name === 'crf 28')
    .map(({ frames }) => ({ attack: 'one frame of crf 28', ...readAs(frames.slice(7, 8), size, message) }));
  return [...rows, ...single].map(row => ({ ...row, psnr, ssim }));
}

function readAs(frames: readonly Uint8Array[], size: FrameSize, message: Message, geometry: Geometry = WHOLE) {
  const detector = openDetector(TEST_KEYS, size, geometry);
  for (const frame of frames) detector.add(frame);
  const readings = detector.read();
  const word = encodeMessage(message);
  const way = readings.findIndex(({ message: { left, right } }) => left === message.left && right === message.right);
  const agreeing = Math.max(...readings.map(({ bits }) => agreement(bits, word)));
  return { agreeing, isWhole: way >= 0, way, readings: readings.length };
}

type ReadAs = ReturnType<typeof readAs>;

function best(all: readonly ReadAs[]): ReadAs {
  return all.find(one => one.isWhole) ?? all.toSorted((a, b) => b.agreeing - a.agreeing)[0]!;
}

function readRows(file: string): Row[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Row);
}

/** Unmarked pictures under many keys: how often the tag or a job seems to be there. */
function unmarked(decodes: number): void {
  const keysCount = 50;
  const keys = Array.from({ length: keysCount }, (_, i) => {
    const mac = macOf(`key ${i}`);
    const tag = deploymentTag(mac, DEPLOYMENT);
    const words = Array.from({ length: 8 }, (_, j) =>
      encodeMessage(sealPayload(mac, { tag, nonce: jobNonce(mac, `video_${i}_${j}`) })),
    );
    return { mac, tag, words, stream: deriveKeyStream(mac) };
  });
  const size = { width: 128, height: 96 };
  let [made, tagHits, most, sum, squares, compared, over] = [0, 0, 0, 0, 0, 0, 0];
  let picture = 0;
  for (; made < decodes; picture++) {
    const [frame] = drawClip(KINDS[picture % KINDS.length]!, 5_000 + picture, size, 1);
    for (const { mac, tag, words, stream } of keys) {
      const detector = openDetector(stream, size);
      detector.add(frame!);
      for (const reading of detector.read()) {
        made++;
        if (openPayload(mac, reading.message).tag === tag) tagHits++;
        for (const word of words) {
          const same = agreement(reading.bits, word);
          [sum, squares, compared] = [sum + same, squares + same * same, compared + 1];
          most = Math.max(most, same);
          if (same >= 92) over++;
        }
      }
    }
  }
  const mean = sum / compared;
  const deviation = Math.sqrt(squares / compared - mean * mean);
  console.log(`${made} decodes (${picture} pictures, ${keysCount} keys): ${tagHits} with the tag`);
  console.log(
    `${compared} comparisons: mean ${mean.toFixed(2)}, sd ${deviation.toFixed(2)}, most ${most}, ${over} at 92 or more`,
  );
}

/** On one thread; CPU time, because the machine may be shared. */
function speed(): void {
  const frames = drawClip('photo', 1, WIDE, 12);
  const marker = openMarker(TEST_KEYS, { left: 1, right: 2 }, WIDE);
  const detector = openDetector(TEST_KEYS, WIDE);
  const cpuMs = (work: () => void) => {
    const [used, started] = [process.cpuUsage(), performance.now()];
    work();
    const { user, system } = process.cpuUsage(used);
    return `${((user + system) / 1000).toFixed(0)} ms of CPU, ${(performance.now() - started).toFixed(0)} ms on the wall`;
  };
  const each = (count: number, work: (frame: Uint8Array) => void) => () => {
    for (let i = 0; i < count; i++) work(frames[i % frames.length]!);
  };
  each(48, marker.embed)();
  each(48, detector.add)();
  console.log(`load ${loadavg().map(value => value.toFixed(1))}`);
  console.log(`embed, 240 frames of 512x288: ${cpuMs(each(240, marker.embed))}`);
  console.log(`detect, 120 frames of 512x288: ${cpuMs(() => each(120, detector.add)() ?? detector.read())}`);
  console.log(`crop search, 3 frames of 512x288: ${cpuMs(() => searchCrop(TEST_KEYS, frames.slice(0, 3), WIDE))}`);
}
