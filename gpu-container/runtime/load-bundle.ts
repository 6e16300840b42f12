/**
 * @file A bundle folder, checked byte by byte before anything in it is used: ONNX Runtime must never meet a file that the
 * manifest does not vouch for (1.30.0 has heap faults on malformed graphs).
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import type { ModelCard } from '#core/models.ts';
import {
  readAllCaches,
  readConfigs,
  readModelIndex,
  readObject,
  readScheduler,
  type VaeCache,
} from './bundle-configs.ts';
import {
  bundleName,
  checkHash,
  checkPresence,
  plainFileBytes,
  readGraph,
  readPlainText,
  whyUnreadable,
} from './bundle-files.ts';
import { type BundleManifest, bundleDigest, modelCard, parseManifest } from './bundle-manifest.ts';
import { graphPaths, TOKENIZER_PATH } from './manifest-rules.ts';
import type { OnnxModel } from './onnx-graph.ts';
import { checkTokenizerKinds } from './tokenizer-kinds.ts';

const MANIFEST_PATH = 'bundle.json';
/** bundle.json itself: a page of text; anything this large is something else. */
const MAX_MANIFEST_BYTES = 1_048_576;

/** Dims by the name of an input. */
export type GraphInputs = Readonly<Record<string, readonly (number | string)[]>>;

/** A bundle whose every file has been checked against its hash. */
export interface Bundle {
  /** For messages: the folder's last two names, "models/reelay-mini". */
  readonly name: string;
  readonly manifest: BundleManifest;
  readonly card: ModelCard;
  /** See bundleDigest. */
  readonly digest: string;
  /**
   * Absolute paths by component: text_encoder, image_encoder, transformer, transformer_2, unet, vae_decoder, vae_encoder; of the
   * streaming ones vae_decoder.first, vae_decoder.next … instead. Only those that the bundle has.
   */
  readonly graphs: Readonly<Record<string, string>>;
  /** By the same names: the dims of each input that the file declares, a name where a size is free; without those it leaves open. */
  readonly inputs: Readonly<Record<string, GraphInputs>>;
  /** config.json beside each component's graph, tokenizer_config.json and preprocessor_config.json, by folder; only those listed. */
  readonly configs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** model_index.json, parsed; {} where a bundle of reelay-mini has none. */
  readonly modelIndex: Readonly<Record<string, unknown>>;
  /** tokenizer.json, parsed. */
  readonly tokenizer: Record<string, unknown>;
  /** scheduler_config.json, parsed. */
  readonly scheduler: Record<string, unknown>;
  /** Of the streaming components, in the order of the graphs' cache inputs. */
  readonly caches: { readonly vae_decoder?: readonly VaeCache[]; readonly vae_encoder?: readonly VaeCache[] };
}

/**
 * Reads and verifies a bundle: every listed file is there, a regular file reached through no link, of the listed size and
 * sha256; the graphs refer to no data outside the list. Throws `bundle_corrupt` naming the first file that is not what
 * bundle.json says, `bundle_invalid` when bundle.json itself or a small file is malformed. Without `hashes` it believes the bytes,
 * for who has just written them.
 */
export async function loadBundle(folder: string, options: { readonly hashes?: boolean } = {}): Promise<Bundle> {
  const name = bundleName(folder);
  const manifest = await readManifest(folder);
  const root = await realpath(folder).catch(cause => {
    throw whyUnreadable(cause, name, MANIFEST_PATH);
  });
  for (const file of manifest.files) await checkPresence(name, root, file);
  if (options.hashes !== false) for (const file of manifest.files) await checkHash(name, root, file);
  const paths = graphPaths(manifest);
  const bytesOf = new Map(manifest.files.map(file => [file.path, file.bytes]));
  const inputs: Record<string, GraphInputs> = {};
  for (const [component, path] of Object.entries(paths))
    inputs[component] = dimsOf(await readGraph(name, root, path, one => bytesOf.get(one)));
  const digest = bundleDigest(manifest);
  const tokenizer = await readObject(name, root, TOKENIZER_PATH);
  checkTokenizerKinds(`${name}: ${TOKENIZER_PATH}`, tokenizer);
  const modelIndex = await readModelIndex(name, root, manifest);
  return {
    name,
    manifest,
    card: modelCard(manifest, digest),
    digest,
    graphs: Object.fromEntries(Object.entries(paths).map(([component, path]) => [component, join(root, path)])),
    inputs,
    configs: await readConfigs(name, root, manifest),
    modelIndex,
    tokenizer,
    scheduler: await readScheduler(name, root),
    caches: await readAllCaches(name, root, manifest),
  };
}

function dimsOf({ inputs }: OnnxModel): GraphInputs {
  return Object.fromEntries(inputs.flatMap(({ name, shape }) => (shape === undefined ? [] : [[name, shape]])));
}

/** The card alone, from bundle.json: hashes nothing, so it says what the weights should be, not what they are. */
export async function readModelCard(folder: string): Promise<ModelCard> {
  const manifest = await readManifest(folder);
  return modelCard(manifest, bundleDigest(manifest));
}

/** bundle.json alone, checked; `bundle_invalid` where there is none, `bundle_corrupt` where it cannot be read. */
export async function readManifest(folder: string): Promise<BundleManifest> {
  const name = bundleName(folder);
  const root = await realpath(folder).catch(cause => {
    if (cause.code === 'ENOENT') throw noManifest(name, cause);
    throw whyUnreadable(cause, name, MANIFEST_PATH);
  });
  const bytes = await plainFileBytes(name, root, MANIFEST_PATH);
  if (bytes !== undefined && bytes > MAX_MANIFEST_BYTES)
    throw new ReelayError(
      'bundle_invalid',
      `${name}: bundle.json is not a file of at most ${MAX_MANIFEST_BYTES} bytes.`,
    );
  const json = await readPlainText(name, root, MANIFEST_PATH);
  if (json === undefined) throw noManifest(name);
  return parseManifest(name, json);
}

function noManifest(name: string, cause?: unknown): ReelayError {
  return new ReelayError('bundle_invalid', `${name}: there is no bundle.json to read in this folder.`, { cause });
}
