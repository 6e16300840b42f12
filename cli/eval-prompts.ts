import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import type { GROUPS } from '#gpu-container/evaluation/report.ts';
import { type FixedPrompt, fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import type { Reading, ThingReading } from '#gpu-container/evaluation/world/readings.ts';
import {
  BACKGROUNDS,
  CAMERAS,
  COLORS,
  MOTIONS,
  PLACES,
  type Scene,
  SHAPES,
} from '#gpu-container/evaluation/world/scene.ts';
import { evalLimits } from './eval-limits.ts';

/** A prompt with what is known of the clip that it asks for. */
export interface EvalPrompt {
  readonly prompt: string;
  readonly seed: number;
  /** Words that results are grouped by. */
  readonly groups: readonly string[];
  readonly want: Reading | null;
  /** A perfect clip of it, where one can be drawn. */
  readonly scene: Scene | null;
  /** Files to start from; absolute. */
  readonly image: string | null;
  readonly video: string | null;
}

/** Of a prompt that names none: the first is 1000, as the fixed prompts count. */
const FIRST_SEED = 1_000;

/** The first `count` of the fixed prompts of the bundled model's world. */
export function firstFixedPrompts(count: number): EvalPrompt[] {
  return fixedPrompts().slice(0, count).map(fixed);
}

function fixed({ prompt, seed, want, scene, unseen, paraphrase, placing }: FixedPrompt): EvalPrompt {
  const objects = placing === 'single' ? 'one object' : (`two ${placing}` as const);
  const groups: (typeof GROUPS)[number][] = [unseen ? 'unseen' : 'seen', paraphrase ? 'paraphrase' : 'plain', objects];
  return { prompt, seed, groups, want, scene, image: null, video: null };
}

/**
 * Prompts of a file, an object a line: {"prompt": …, "seed"?, "want"?, "image"?, "video"?}; empty lines are passed over. UTF-8, with or
 * without a byte order mark, lines ended either way. Paths are from the file's folder. Throws `invalid_request` with file, line and what is wrong.
 */
export async function readPrompts(path: string): Promise<EvalPrompt[]> {
  const text = await readText(path);
  const folder = dirname(resolve(path));
  const prompts: EvalPrompt[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim(); // of a byte order mark too, which editors put first and which is no JSON
    if (line === '') continue;
    const found = parseLine(line, prompts.length, folder);
    if (typeof found === 'string') throw bad(`${path}: line ${i + 1}: ${found}.`);
    prompts.push(found);
  }
  if (prompts.length === 0) throw bad(`${path}: there is no prompt in it.`);
  if (prompts.length > evalLimits.maxPrompts)
    throw bad(`${path}: got ${prompts.length} prompts; at most ${evalLimits.maxPrompts} are taken.`);
  return prompts;
}

const bad = (message: string, cause?: unknown) =>
  new ReelayError('invalid_request', `--prompts: ${message}`, { cause });

async function readText(path: string): Promise<string> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw bad(`${path} is no plain file.`);
    if (facts.size > evalLimits.maxPromptsBytes)
      throw bad(`${path} has ${facts.size} bytes; at most ${evalLimits.maxPromptsBytes} are taken.`);
    const bytes = await readFile(path);
    if (UTF_16_MARKS.includes(bytes.toString('hex', 0, 2))) throw bad(`${path} is in UTF-16; UTF-8 is allowed.`);
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof ReelayError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw bad(code === 'ENOENT' ? `${path} does not exist.` : `${path} cannot be read (${code}).`, error);
  }
}

/** Byte order marks that some shells write by themselves when output goes into a file. */
const UTF_16_MARKS = ['fffe', 'feff'];

const KEYS = ['prompt', 'seed', 'want', 'image', 'video'];

/** A prompt, or what is wrong with its line; a sentence's middle. */
function parseLine(line: string, index: number, folder: string): EvalPrompt | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'it is not JSON; an object such as {"prompt": "a red ball"} is allowed';
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'it is no object with a "prompt"';
  const odd = Object.keys(value).find(key => !KEYS.includes(key));
  if (odd !== undefined) return `"${odd.slice(0, 40)}" is not known; allowed: ${KEYS.join(', ')}`;
  const { prompt, seed = FIRST_SEED + index, want, image, video } = value as Record<string, unknown>;
  if (typeof prompt !== 'string' || prompt.trim() === '') return 'prompt: a text that is not empty is needed';
  if (typeof seed !== 'number' || !Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    return 'seed: whole numbers from 0 to 4294967295 are allowed';
  for (const [name, file] of [
    ['image', image],
    ['video', video],
  ] as const)
    if (file !== undefined && (typeof file !== 'string' || file === ''))
      return `${name}: the path of a file is allowed`;
  if (image !== undefined && video !== undefined) return 'image and video: a clip starts from one of them';
  const wanted = want === undefined ? null : parseWant(want);
  if (typeof wanted === 'string') return wanted;
  const at = (file: unknown) => (typeof file === 'string' ? resolve(folder, file) : null);
  return { prompt, seed, groups: [], want: wanted, scene: null, image: at(image), video: at(video) };
}

function parseWant(value: unknown): Reading | string {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'want: an object is needed';
  const { background, camera = 'static', place, things } = value as Record<string, unknown>;
  if (!Array.isArray(things) || things.length < 1 || things.length > 2)
    return 'want.things: a list of one or two is needed';
  const own = { background, camera, place: place ?? (things.length === 1 ? 'single' : 'beside') };
  const allowed = { background: BACKGROUNDS, camera: CAMERAS, place: PLACES } as const;
  for (const [name, words] of Object.entries(allowed)) {
    const wrong = notAmong(`want.${name}`, own[name as keyof typeof own], words);
    if (wrong !== undefined) return wrong;
  }
  if ((own.place === 'single') !== (things.length === 1))
    return `want.place: ${own.place} does not fit ${things.length} things`;
  const colors = Object.keys(COLORS);
  for (const [i, thing] of things.entries()) {
    const { color, shape, motion } = Object(thing) as Partial<ThingReading>;
    const wrong =
      notAmong(`want.things[${i}].color`, color, colors) ??
      notAmong(`want.things[${i}].shape`, shape, SHAPES) ??
      notAmong(`want.things[${i}].motion`, motion, MOTIONS);
    if (wrong !== undefined) return wrong;
  }
  return { ...own, things } as unknown as Reading;
}

function notAmong(path: string, value: unknown, words: readonly string[]): string | undefined {
  if (typeof value === 'string' && words.includes(value)) return undefined;
  return `${path}: got ${JSON.stringify(value)?.slice(0, 40) ?? 'nothing'}; allowed: ${words.join(', ')}`;
}
