/**
 * @file A golden folder: golden.json, and for each prompt the latent of every step, the frames, and the file that it starts from.
 *
 *     001.latents.gz     float32, little-endian, step after step        001.frames.gz    RGB bytes [F, H, W, 3]
 *     001.reference      PNG or MP4, of i2v and v2v
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { ReelayError } from '#core/errors.ts';
import type { GateClip } from '#gpu-container/evaluation/gates/judge-gate.ts';
import { type ClipFigures, FIGURES } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import type { EvalSettings, Spread, Subject } from '#gpu-container/evaluation/report.ts';
import { evalLimits } from './eval-limits.ts';
import type { EvalAsk, EvalReference } from './eval-source.ts';

/** One prompt of a golden folder. */
export interface GoldenEntry {
  readonly prompt: string;
  readonly seed: number;
  /** What it starts from; null for t2v. */
  readonly reference: { readonly field: EvalReference['field']; readonly sha256: string } | null;
  readonly steps: number;
  /** Of one step. */
  readonly latentValues: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Over all steps in order, and over all frames; lower-case hex. */
  readonly latentsSha256: string;
  readonly framesSha256: string;
}

/** Why goldens were taken, and of what. */
export interface GoldenApproval {
  readonly reason: string;
  readonly bundle: string | null;
  readonly engine: string;
}

/** golden.json */
export interface GoldenManifest {
  readonly reelayGolden: 1;
  readonly subject: Subject;
  /** Of the processor, as Node names it: other instructions may give other last bits. */
  readonly arch: string;
  readonly settings: EvalSettings;
  /** As asked: what is null is the model's own. */
  readonly asked: { readonly preset: string | null; readonly steps: number | null; readonly guidance: number | null };
  /** The newest last. */
  readonly approvals: readonly GoldenApproval[];
  /** Seeds a prompt behind `figures`: the prompt's own and those that follow it. */
  readonly seeds: number;
  readonly figures: Readonly<Record<keyof ClipFigures, Pick<Spread, 'mean' | 'deviation'>>>;
  readonly prompts: readonly GoldenEntry[];
}

const bad = (message: string, cause?: unknown) => new ReelayError('invalid_request', `--golden: ${message}`, { cause });
const nameOf = (index: number, what: string) => `${String(index + 1).padStart(3, '0')}.${what}`;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The manifest of a folder; undefined where there is none. `invalid_request` for one that is not ours. */
export async function findGolden(folder: string): Promise<GoldenManifest | undefined> {
  const path = join(folder, 'golden.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw bad(`${path} cannot be read (${code}).`, error);
  }
  const found = parsed(text);
  if (found?.reelayGolden !== 1) throw bad(`${path} is no golden.json that this program reads.`);
  if (!isWhole(found)) throw bad(`${path} is damaged; remove it, and --update-golden "why" makes the folder anew.`);
  return found as GoldenManifest;
}

/** Whether all is there that a gate goes by: what is missing must close no eye of it. */
function isWhole({ prompts, subject, settings, asked, approvals, seeds, figures }: Partial<GoldenManifest>): boolean {
  const areFigures = FIGURES.every(name => {
    const { mean, deviation } = Object(Object(figures)[name]) as Partial<Spread>;
    return Number.isFinite(mean) && Number.isFinite(deviation);
  });
  return (
    Array.isArray(prompts) &&
    prompts.length > 0 &&
    prompts.length <= evalLimits.maxGoldenPrompts &&
    prompts.every(isEntry) &&
    [subject, settings, asked].every(isObject) &&
    Array.isArray(approvals) &&
    approvals.every(isObject) &&
    Number.isInteger(seeds) &&
    seeds! >= 1 &&
    seeds! <= evalLimits.maxGoldenSeeds &&
    areFigures
  );
}

const isObject = (value: unknown) => value !== null && typeof value === 'object' && !Array.isArray(value);

function parsed(text: string): Partial<GoldenManifest> | undefined {
  try {
    return JSON.parse(text.trim()) ?? undefined; // without the byte order mark of an editor
  } catch {
    return undefined;
  }
}

/** Sizes that memory is made by must be sizes. */
function isEntry(entry: unknown): boolean {
  if (!isObject(entry)) return false;
  const { prompt, seed, reference, steps, latentValues, frames, height, width } = entry as Partial<GoldenEntry>;
  const counts = [steps, latentValues, frames, height, width];
  const isCount = (count: unknown) => Number.isInteger(count) && (count as number) > 0 && (count as number) < 2 ** 28;
  const isText = typeof prompt === 'string' && Number.isInteger(seed);
  return isText && (reference === null || isObject(reference)) && counts.every(isCount);
}

/** What the prompt at `index` is asked, with the file that it starts from. */
export async function goldenAsk(folder: string, manifest: GoldenManifest, index: number): Promise<EvalAsk> {
  const { prompt, seed, reference } = manifest.prompts[index]!;
  const { preset, steps, guidance } = manifest.asked;
  const bytes = reference && (await readWhole(folder, nameOf(index, 'reference')));
  if (reference !== null && sha256(bytes!) !== reference.sha256) throw damaged(folder, nameOf(index, 'reference'));
  return {
    ...{ prompt, seed, preset: preset ?? undefined, steps: steps ?? undefined, guidance: guidance ?? undefined },
    reference: reference === null ? undefined : { field: reference.field, bytes: bytes! },
  };
}

/** The golden clip of the prompt at `index`, checked against its hashes. */
export async function readGoldenClip(folder: string, manifest: GoldenManifest, index: number): Promise<GateClip> {
  const { steps, latentValues, frames, height, width, latentsSha256, framesSha256 } = manifest.prompts[index]!;
  const packed = await unpacked(folder, nameOf(index, 'latents.gz'), 4 * steps * latentValues, latentsSha256);
  const rgb = await unpacked(folder, nameOf(index, 'frames.gz'), 3 * frames * height * width, framesSha256);
  const all = new Float32Array(packed.slice().buffer);
  const latents = Array.from({ length: steps }, (_, i) => all.subarray(i * latentValues, (i + 1) * latentValues));
  return { clip: { frames, height, width, rgb }, latents, latentsSha256, framesSha256 };
}

async function unpacked(folder: string, name: string, bytes: number, hash: string): Promise<Uint8Array> {
  const file = await readWhole(folder, name);
  const found = await promisify(gunzip)(file, { maxOutputLength: bytes }).catch(() => undefined);
  if (found?.length !== bytes || sha256(found) !== hash) throw damaged(folder, name);
  return new Uint8Array(found);
}

const damaged = (folder: string, name: string) =>
  bad(`${join(folder, name)} is not what golden.json says; --update-golden "why" makes the folder anew.`);

async function readWhole(folder: string, name: string): Promise<Uint8Array> {
  return readFile(join(folder, name)).catch(cause => {
    throw bad(`${join(folder, name)} cannot be read (${cause.code}).`, cause);
  });
}

/** An entry with the bytes beside it. */
export interface NewGolden {
  readonly ask: EvalAsk;
  readonly made: GateClip;
}

/** Writes one prompt's files, and gives its line of the manifest. */
export async function writeGoldenClip(folder: string, index: number, { ask, made }: NewGolden): Promise<GoldenEntry> {
  const { clip, latents, latentsSha256, framesSha256 } = made;
  const values = latents[0]?.length ?? 0;
  const all = new Float32Array(latents.length * values);
  for (const [i, latent] of latents.entries()) all.set(latent, i * values);
  const put = async (what: string, bytes: Uint8Array) =>
    writeFile(join(folder, nameOf(index, what)), bytes).catch(cause => {
      throw bad(`${join(folder, nameOf(index, what))} cannot be written (${cause.code}).`, cause);
    });
  const pack = promisify(gzip);
  await put('latents.gz', await pack(new Uint8Array(all.buffer), { level: 9 }));
  await put('frames.gz', await pack(clip.rgb, { level: 9 }));
  if (ask.reference !== undefined) await put('reference', ask.reference.bytes);
  const { frames, height, width } = clip;
  const { prompt, seed, reference } = ask;
  return {
    ...{ prompt, seed, frames, height, width, latentsSha256, framesSha256 },
    reference: reference === undefined ? null : { field: reference.field, sha256: sha256(reference.bytes) },
    steps: latents.length,
    latentValues: values,
  };
}

/** Makes room: the folder is there, golden.json first of all no more, and what an earlier set of more prompts left is gone. */
export async function emptyGolden(folder: string, before: GoldenManifest | undefined): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(cause => {
    throw bad(`${folder} cannot be made (${cause.code}).`, cause);
  });
  if (before !== undefined) await rm(join(folder, 'golden.json'), { force: true });
  for (const index of before?.prompts.keys() ?? [])
    for (const what of ['latents.gz', 'frames.gz', 'reference'])
      await rm(join(folder, nameOf(index, what)), { force: true });
}

/** Written last: a folder without it is no golden. */
export async function writeManifest(folder: string, manifest: GoldenManifest): Promise<void> {
  await writeFile(join(folder, 'golden.json'), `${JSON.stringify(manifest, null, 1)}\n`).catch(cause => {
    throw bad(`${join(folder, 'golden.json')} cannot be written (${cause.code}).`, cause);
  });
}
