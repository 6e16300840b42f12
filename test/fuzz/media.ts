/**
 * S2 of RELIABILITY.md §4 for what comes in: images and videos with bytes changed, cut, repeated and swapped. The readers of headers run
 * here, on all of them; the decoders run in a process of their own, on a share, as they do in a render child. None may throw anything but
 * its own refusal, take longer than its time, end its process, or make more memory than a refusal needs.
 *
 *     node cli/bootstrap.mjs --exec test/fuzz/media.ts [--scale 1] [--seed 1]
 *
 * `--scale 1` is 200,000 files at the readers and 4,000 at the decoders. Prints one row of a table.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Mp4OutputFormat, WebMOutputFormat } from 'mediabunny';
import { readMediaFacts } from '#core/references/media-facts.ts';
import { type MediaType, sniffMedia } from '#core/references/media-type.ts';
import { atMost, type Goal, isMet, none, type Result, toRow, within } from '#test/faults/result.ts';
import { makeCoded, makeImage, makeMp4 } from '#test/media/make-media.ts';
import type { Decoded } from './media-child.ts';
import { type Dice, rollDice } from './requests-dice.ts';

const READ = 200_000;
const DECODED = 4_000;
const SLOWEST_READ_MS = 200;
const SLOWEST_DECODE_MS = 5_000;
const MOST_MB = 512;
const TYPES: readonly MediaType[] = [
  'image/png',
  'image/jpeg',
  'image/webp',
  'video/mp4',
  'video/quicktime',
  'video/webm',
];

/** S2 for references, `scale` times. */
export async function runMedia(scale: number, seed = 1): Promise<Result> {
  const originals = await makeOriginals();
  const read = readAll(originals, Math.round(READ * scale), seed);
  const decoded = await decodeAll(originals, Math.round(DECODED * scale), seed);
  const goals: Goal[] = [
    none('readers that threw', read.threw),
    within('slowest reading', read.slowestMs, SLOWEST_READ_MS, 'ms'),
    none('processes of decoders that ended', decoded.deaths),
    none('errors that are no refusal', decoded.strange),
    within('slowest decoding', decoded.slowestMs, SLOWEST_DECODE_MS, 'ms'),
    atMost('memory of the decoders', decoded.mostMb, MOST_MB, 'MB'),
  ];
  const { accepted, refused } = read;
  const figures = { readersAccepted: accepted, readersRefused: refused, decoders: decoded.outcomes, seed };
  return {
    id: 'S2',
    title: `${READ * scale} changed files at the readers, ${DECODED * scale} at the decoders`,
    goals,
    figures,
  };
}

/** Small, so that most changes hit something that is looked at. */
async function makeOriginals(): Promise<Uint8Array[]> {
  const shape = { frames: 6, fps: 8, width: 64, height: 64 };
  return Promise.all([
    ...(['png', 'jpeg', 'webp'] as const).map(kind => makeImage(kind, 64, 48)),
    makeMp4(6, 8, 64, 64),
    makeCoded('vp9', new WebMOutputFormat(), shape),
    makeCoded('vp8', new WebMOutputFormat(), shape),
    makeCoded('hevc', new Mp4OutputFormat(), shape),
    makeCoded('av1', new Mp4OutputFormat(), shape),
  ]);
}

function changed(originals: readonly Uint8Array[], dice: Dice): Buffer {
  let file = Buffer.from(dice.pick(originals));
  for (let changes = 1 + dice.below(4); changes > 0; changes--) {
    const at = dice.below(file.length);
    const length = 1 + dice.size(64);
    const kind = dice.below(6);
    if (kind === 0) file = file.subarray(0, Math.max(1, at));
    else if (kind === 1) file[at] = dice.pick([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]);
    else if (kind === 2) dice.bytes(length).copy(file, at);
    else if (kind === 3) file.fill(dice.pick([0, 0xff]), at, Math.min(file.length, at + length));
    else if (kind === 4)
      file = Buffer.concat([file.subarray(0, at), file.subarray(at, at + length), file.subarray(at)]);
    else Buffer.from(dice.pick(originals)).copy(file, at, dice.below(64), 64 + dice.below(200));
  }
  return file;
}

function readAll(originals: readonly Uint8Array[], count: number, seed: number) {
  const threw: string[] = [];
  const counts = { accepted: 0, refused: 0 };
  let slowestMs = 0;
  for (let n = 0; n < count; n++) {
    const dice = rollDice(seed, n);
    const file = changed(originals, dice);
    const type = sniffMedia(file) ?? dice.pick(TYPES);
    const started = performance.now();
    try {
      counts[typeof readMediaFacts(file, type) === 'string' ? 'refused' : 'accepted']++;
    } catch (error) {
      threw.push(`${n}: ${error}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - started);
  }
  return { threw, slowestMs, ...counts };
}

async function decodeAll(originals: readonly Uint8Array[], count: number, seed: number) {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-fuzz-media-'));
  const path = join(folder, 'file');
  const outcomes: Record<string, number> = {};
  const [deaths, strange] = [[] as number[], [] as string[]];
  let [slowestMs, mostMb] = [0, 0];
  let child: ChildProcess | undefined;
  for (let n = 0; n < count; n++) {
    const file = changed(originals, rollDice(seed + 1, n));
    await writeFile(path, file);
    child ??= fork(resolve(import.meta.dirname, 'media-child.ts'), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const answer = await ask(child, path);
    if (answer === undefined) {
      deaths.push(n);
      child = undefined;
      continue;
    }
    outcomes[answer.outcome] = (outcomes[answer.outcome] ?? 0) + 1;
    if (answer.outcome === 'strange') strange.push(`${n}: ${answer.what}`);
    slowestMs = Math.max(slowestMs, answer.ms);
    mostMb = Math.max(mostMb, answer.rssMb);
  }
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
  return { deaths, strange, slowestMs, mostMb, outcomes };
}

/** undefined: it died of it. One that says nothing for long is killed, and has died. */
function ask(child: ChildProcess, path: string): Promise<Decoded | undefined> {
  return new Promise(done => {
    const late = setTimeout(() => child.kill('SIGKILL'), 4 * SLOWEST_DECODE_MS);
    const end = (answer: Decoded | undefined) => {
      clearTimeout(late);
      child.removeAllListeners();
      done(answer);
    };
    child.once('message', message => end(message as Decoded)).once('exit', () => end(undefined));
    child.send(path);
  });
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { scale: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' } },
  });
  const started = performance.now();
  const result = await runMedia(Number(values.scale), Number(values.seed));
  console.log(toRow(result, (performance.now() - started) / 1000));
  console.log(JSON.stringify(result.figures, null, 1));
  if (!isMet(result)) process.exitCode = 1;
}
