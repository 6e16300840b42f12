/** What is dropped in R8, decided by a seed: names, bytes, ways of writing, and what must become of each. */
import { createHash } from 'node:crypto';
import { escapeName } from '#core/drop/names.ts';
import { decodeName } from '#core/drop/utf8.ts';
import type { Prng } from '#test/simulation/prng.ts';

/** How a file comes to be there. */
export type Way =
  | 'write' // open, write, close
  | 'rename' // whole elsewhere, then moved in
  | 'part' // under a temporary name in the folder, then renamed
  | 'slow' // in pieces, with pauses
  | 'replaced' // written over by another file of the same name while it may be being taken
  | 'link'
  | 'hard-link'
  | 'folder'
  | 'pipe'
  | 'copy'; // of something that the folder put out

/** One file of the plan. */
export interface PlannedFile {
  readonly raw: Buffer;
  readonly content: Buffer;
  readonly way: Way;
  /** After the first file of its group. */
  readonly delayMs: number;
  /** A job (or a duplicate of one), a refusal, or the reason why it is skipped; `own` for a copy of our own things. */
  readonly expect: 'job' | 'rejected' | 'empty' | 'hidden' | 'temporary' | 'link' | 'folder' | 'special' | 'own';
  readonly hostile: boolean;
}

/** Files that are dropped together. */
export interface PlannedDrop {
  readonly kind: string;
  readonly files: readonly PlannedFile[];
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Each takes the number of the drop, so that no two files share a name by accident. */
const HOSTILE: readonly ((n: number, prng: Prng) => Buffer)[] = [
  n => Buffer.from(`new\nline${n}.txt`),
  n => Buffer.from(`tab\there${n}.txt`),
  n => Buffer.from(`photo\u202egnp${n}.txt`),
  n => Buffer.from(`\u200f\u200e${n}.txt`),
  n => Buffer.from(`👩‍🎨🎬${n}.txt`),
  n => Buffer.from(`-rf ${n}.txt`),
  n => Buffer.from(`--help=${n}.txt`),
  n => Buffer.from(`a..⁄..⁄etc⁄passwd${n}.txt`),
  n => Buffer.from(`c:\\windows\\${n}.txt`),
  n => Buffer.from(`"; touch pwned${n}; ".txt`),
  n => Buffer.from(`$(touch pwned${n}) \`x\` '.txt`),
  n => Buffer.from(`%2e%2e%2f%00${n}.txt`),
  n => Buffer.from(`CON.${n}.txt`),
  n => Buffer.from(`nul ${n} .txt`),
  n => Buffer.from(`\u001b[31m${n}\u0007.txt`),
  n => Buffer.from(`${'x'.repeat(251 - String(n).length)}${n}.txt`),
  n => Buffer.from(`${'猫'.repeat(80)}${n}.txt`),
  n => Buffer.from(` ${n} .txt`),
  n => Buffer.from(`e\u0301\u0301${n}.TXT`),
  n => Buffer.from(`*?<>|:${n}.txt`),
  n => Buffer.from(`x.receipt.json.${n}.txt`),
  n => Buffer.from(`\\x41\\u{202e}${n}.txt`),
  (n, prng) => Buffer.concat([Buffer.from(`b${n}-`), anyBytes(prng), Buffer.from('.txt')]),
  n => Buffer.concat([Buffer.from([0xff, 0xfe, 0xc0, 0xaf]), Buffer.from(`${n}.txt`)]),
];

/** The plan of so many files, hostile names and duplicates among them in the shares of R8. */
export function planDrops(files: number, prng: Prng): PlannedDrop[] {
  const drops: PlannedDrop[] = [];
  const prompts: string[] = [];
  const fresh = (n: number) => {
    prompts.push(`prompt ${n} ${prng.between(0, 1e9)}`);
    return prompts.at(-1)!;
  };
  for (let count = 0, n = 0; count < files; n++) {
    const drop = planOne(n, prng, () => (prompts.length > 20 && prng.chance(0.16) ? prng.pick(prompts) : fresh(n)));
    drops.push(drop);
    count += drop.files.length;
  }
  return drops;
}

function planOne(n: number, prng: Prng, prompt: () => string): PlannedDrop {
  const dice = prng.next();
  const text = (way: Way, raw: Buffer = Buffer.from(`t${n}.txt`), hostile = false) =>
    drop(way, file(raw, prompt(), { way, hostile }));
  if (dice < 0.09) return text(prng.pick(['write', 'rename']), prng.pick(HOSTILE)(n, prng), true);
  if (dice < 0.13) return text('slow');
  if (dice < 0.16) return text('part');
  if (dice < 0.17) return drop('replaced', file(`r${n}.txt`, prompt(), { way: 'replaced' }));
  if (dice < 0.24) return sidecars(n, prng);
  if (dice < 0.27) return drop('batch', file(`b${n}.jsonl`, lines(n, prng), {}));
  if (dice < 0.33) return drop('json', file(`j${n}.json`, JSON.stringify({ seed: 1, prompt: prompt() }), {}));
  if (dice < 0.38) return refusal(n, prng);
  if (dice < 0.43) return passedOver(n, prng);
  if (dice < 0.44) return drop('copy', file(`own${n}.json`, '', { way: 'copy', expect: 'own' }));
  return text(prng.chance(0.5) ? 'rename' : 'write');
}

/** The picture first, then what belongs to it, or the other way round. */
function sidecars(n: number, prng: Prng): PlannedDrop {
  const image = Buffer.concat([PNG, Buffer.from(String(n))]);
  const rejected = { expect: 'rejected' } as const;
  const delayMs = prng.between(1, 3_000);
  if (prng.chance(0.6))
    return drop(
      'sidecar after image',
      file(`i${n}.png`, image, rejected),
      file(`i${n}.${prng.pick(['txt', 'json'])}`, '{"prompt":"it moves"}', { ...rejected, delayMs }),
    );
  const request = file(`n${n}.json`, JSON.stringify({ prompt: 'x', input_reference: `named${n}.png` }), rejected);
  const named = file(`named${n}.png`, image, rejected);
  return prng.chance(0.5)
    ? drop('request before image', request, { ...named, delayMs })
    : drop('image before request', named, { ...request, delayMs });
}

function refusal(n: number, prng: Prng): PlannedDrop {
  const rejected = { expect: 'rejected' } as const;
  return drop(
    'refused',
    prng.pick([
      () => file(`bad${n}.json`, `{"prompt":"${n}`, rejected),
      () => file(`bad${n}.json`, JSON.stringify({ prompt: `p${n}`, size: '1x1' }), rejected),
      () => file(`bad${n}.txt`, Buffer.from([0xff, 0xfe, 0x41, n & 0xff]), rejected),
      () => file(`bad${n}.pdf`, `%PDF ${n}`, rejected),
      () => file(`bad${n}.jsonl`, `{"prompt":"p${n}"}\n{"prompt":""}`, rejected),
      () => file(`bad${n}`, `no extension ${n}`, rejected),
      () => file(`trick${n}.txt`, '', { ...rejected, way: 'hard-link' }),
    ])(),
  );
}

function passedOver(n: number, prng: Prng): PlannedDrop {
  return drop(
    'passed over',
    prng.pick([
      () => file(`empty${n}.txt`, '', { expect: 'empty' }),
      () => file(`.hidden${n}.txt`, `h${n}`, { expect: 'hidden' }),
      () => file(`film${n}.mp4.part`, `p${n}`, { expect: 'temporary' }),
      () => file(`~$office${n}.txt`, `o${n}`, { expect: 'temporary' }),
      () => file(`folder${n}.txt`, '', { way: 'folder', expect: 'folder' }),
      () => file(`pipe${n}.txt`, '', { way: 'pipe', expect: 'special' }),
      () => file(`link${n}.txt`, '', { way: 'link', expect: 'link' }),
    ])(),
  );
}

/** Lines of their own: equal content in two batches would make the second a duplicate, which single texts already show. */
function lines(n: number, prng: Prng): string {
  return Array.from({ length: prng.between(1, 5) }, (_, at) =>
    JSON.stringify({ prompt: `batch ${n} line ${at}` }),
  ).join('\n');
}

function drop(kind: string, ...files: PlannedFile[]): PlannedDrop {
  return { kind, files };
}

function file(name: string | Buffer, content: string | Buffer, more: Partial<PlannedFile>): PlannedFile {
  const base = { way: 'write', delayMs: 0, expect: 'job', hostile: false } as const;
  return { ...base, raw: Buffer.from(name), content: Buffer.from(content), ...more };
}

/** Up to 60 bytes, none of which ends a name or a path. */
function anyBytes(prng: Prng): Uint8Array {
  return Buffer.from(prng.bytes(prng.between(1, 60)).map(byte => (byte === 0 || byte === 0x2f ? 0x5f : byte)));
}

/** A name as receipts show it. */
export function shownName(raw: Buffer): string {
  return escapeName(decodeName(raw));
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
