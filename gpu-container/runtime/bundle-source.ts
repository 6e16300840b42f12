/** @file A folder that is to become a bundle, read with suspicion: what is taken from it is a plain file, and remembered. */
import { lstatSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { readObject, readScheduler } from './bundle-configs.ts';
import { bundleName, plainFileBytes, readGraph, readPlainText, whyUnreadable } from './bundle-files.ts';
import { SCHEDULER_PATH } from './manifest-rules.ts';
import type { OnnxModel } from './onnx-graph.ts';

/** A folder without bundle.json. Paths are those of a bundle; every refusal is `bundle_invalid` or `bundle_corrupt`, in a sentence. */
export interface BundleSource {
  readonly root: string;
  /** Bytes of what was taken, by path. */
  readonly taken: ReadonlyMap<string, number>;
  refuse(sentence: string, cause?: unknown): ReelayError;
  /** Takes a file if there is one. */
  take(path: string): Promise<boolean>;
  /** Takes every plain file of a folder, if there is one; not those in folders below it. */
  takeAll(folder: string): Promise<void>;
  /** Takes a JSON file that holds an object. */
  json(path: string): Promise<Readonly<Record<string, unknown>>>;
  /** Takes a file that must be there. */
  need(path: string): Promise<void>;
  /** The first bytes of a file, as text, without taking it; undefined where there is none. */
  peek(path: string, bytes: number): Promise<string | undefined>;
  /** Takes a graph, checked, and the files beside it that it reads. */
  graph(path: string): Promise<OnnxModel>;
}

/** Throws `bundle_invalid` when there is no such folder. */
export async function openSource(folder: string): Promise<BundleSource> {
  const name = bundleName(folder);
  const root = await realpath(folder).catch(cause => {
    throw new ReelayError('bundle_invalid', `${folder} is no folder that can be read.`, { cause });
  });
  const taken = new Map<string, number>();
  const refuse = (sentence: string, cause?: unknown) =>
    new ReelayError('bundle_invalid', `${name}: ${sentence}`, { cause });

  const take = async (path: string): Promise<boolean> => {
    const bytes = await plainFileBytes(name, root, path);
    if (bytes !== undefined) taken.set(path, bytes);
    return bytes !== undefined;
  };

  const need = async (path: string): Promise<void> => {
    if (!(await take(path))) throw refuse(`${path} is missing; ${await whatIsThere(root, posix.dirname(path))}`);
  };

  return {
    root,
    taken,
    refuse,
    take,
    need,
    takeAll: async inside => {
      const entries = await entriesOf(root, inside).catch(error => {
        throw whyUnreadable(error, name, inside);
      });
      for (const entry of entries) if (entry.isFile()) await take(`${inside}/${entry.name}`);
    },
    json: async path => {
      await need(path);
      if (taken.get(path)! > limits.maxBundleJsonBytes)
        throw refuse(`${path} has ${taken.get(path)} bytes; ${limits.maxBundleJsonBytes} are the most.`);
      if (path === SCHEDULER_PATH) return readScheduler(name, root); // Python writes numbers there that are no JSON
      return readObject(name, root, path);
    },
    peek: (path, bytes) => readPlainText(name, root, path, bytes),
    graph: async path => {
      await need(path);
      const beside = new Set<string>();
      const model = await readGraph(name, root, path, one => {
        beside.add(one);
        return lstatSync(join(root, one), { throwIfNoEntry: false })?.size;
      });
      for (const one of beside) await need(one);
      return model;
    },
  };
}

async function entriesOf(root: string, folder: string) {
  return readdir(join(root, folder), { withFileTypes: true }).catch(error => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
    throw error;
  });
}

/** Nobody reads a longer list. */
const MAX_NAMES = 8;

/** For the sentence that says what is missing. */
async function whatIsThere(root: string, folder: string): Promise<string> {
  const names = (await entriesOf(root, folder).catch(() => [])).map(entry => entry.name).sort();
  const where = folder === '.' ? basename(root) : folder;
  if (names.length === 0) return `there is no folder ${where}, or nothing in it.`;
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  const weights = names.some(one => /\.(safetensors|bin|pt|ckpt)$/.test(one));
  const hint = weights ? ' Weights must become ONNX graphs first: exporter/README.md says how.' : '';
  return `${where} has ${names.slice(0, MAX_NAMES).join(', ')}${more}.${hint}`;
}
