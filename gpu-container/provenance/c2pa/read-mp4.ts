import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { limits } from '#core/limits.ts';
import { type C2paLibrary, type FileSource, withLibrary } from './c2pa-library.ts';
import type { C2paFinding, C2paState } from './finding.ts';
import { type BoxFacts, inspectBoxes, inspectBytes } from './inspect-boxes.ts';
import { reasonForRefusal } from './reasons.ts';

/** How a file is read. */
export interface ReadOptions {
  /** PEM of the roots whose signers are trusted, in any number; without one a sound file is `valid_untrusted`. */
  readonly trustRoots?: string;
  /** A library that stays open, for many files; without one a thread is started for this file and ended with it. */
  readonly library?: C2paLibrary;
  /** Instead of the time that the file's size is given. */
  readonly seconds?: number;
}

/**
 * What the C2PA data of an MP4 says, of a file in memory or at a path. Anything may come: what is refused for its size is refused from
 * its box headers, and everything else is looked at in a thread that is ended when it takes too long or breaks. Throws only where the
 * path cannot be opened.
 */
export async function readMp4(file: Uint8Array | string, options: ReadOptions = {}): Promise<C2paFinding> {
  const { source, size, facts } = typeof file === 'string' ? lookAt(file) : look(file);
  const early = refusal(size, facts);
  if (early !== null) return early;
  const settings = readSettings(options.trustRoots);
  const seconds = options.seconds ?? secondsFor(size);
  const ask = (library: C2paLibrary) => library.ask({ verb: 'read', file: source, settings }, seconds);
  const answer = await (options.library ? ask(options.library) : withLibrary(ask));
  if (answer === 'late')
    return nothing('unchecked', `Reading its C2PA data took more than ${seconds} s and was given up.`);
  if ('claimed' in answer) return withDamage(answer.claimed, facts);
  if ('broken' in answer) return nothing('unchecked', 'Its C2PA data made the reader break off; files of ours do not.');
  const why = 'refused' in answer ? reasonForRefusal(answer.refused) : 'Its C2PA data cannot be read.';
  return nothing('invalid', ...damageOf(facts), why);
}

/** Time that a thread is given for files of so many bytes together. */
export function secondsFor(bytes: number): number {
  return limits.c2paSeconds + Math.ceil((bytes / 1e6) * limits.c2paSecondsPerMegabyte);
}

/** Nothing is fetched, whatever a manifest names; a packed manifest may not unfold without end. */
export const OFFLINE = {
  verify: { remote_manifest_fetch: false, ocsp_fetch: false },
  core: {
    allowed_network_hosts: [],
    decode_identity_assertions: false,
    max_decompressed_manifest_size_in_mb: Math.ceil(limits.c2paManifestBytes / 1_048_576),
  },
} as const;

function readSettings(trustRoots: string | undefined): string {
  return JSON.stringify({ ...OFFLINE, ...(trustRoots && { trust: { trust_anchors: trustRoots } }) });
}

interface Look {
  readonly source: FileSource;
  readonly size: number;
  readonly facts: BoxFacts;
}

function look(bytes: Uint8Array): Look {
  return { source: { bytes }, size: bytes.length, facts: inspectBytes(bytes) };
}

/** A pipe or device would never end: it is opened without waiting, and only a plain file is read. */
function lookAt(path: string): Look {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error(`c2pa: ${path} is no plain file.`);
    const facts = inspectBoxes((at, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, at));
    }, stats.size);
    return { source: { path, size: stats.size }, size: stats.size, facts };
  } finally {
    closeSync(file);
  }
}

function refusal(size: number, facts: BoxFacts): C2paFinding | null {
  const { isMp4, manifests, tooMany } = facts;
  if (size === 0) return nothing('none', 'The file is empty.');
  if (!isMp4) return nothing('none', 'It is no MP4 file; C2PA data of other formats is not looked for.');
  if (tooMany)
    return nothing(
      'unchecked',
      `Its top level has more than ${limits.c2paBoxes} boxes, and so many are not looked into.`,
    );
  if (manifests.length === 0)
    return nothing(
      'none',
      'It has no C2PA data. That says nothing about how it was made: C2PA data can be removed.',
      ...damageOf(facts),
    );
  if (manifests.length > 1)
    return nothing('invalid', `It has ${manifests.length} C2PA boxes, and a file has one: somebody added to it.`);
  const [manifest] = manifests;
  if (manifest! > size) return nothing('invalid', ...damageOf(facts));
  if (manifest! > limits.c2paManifestBytes)
    return nothing(
      'unchecked',
      `Its C2PA data has ${manifest} bytes; up to ${limits.c2paManifestBytes} are looked into.`,
    );
  if (size > limits.c2paFileBytes)
    return nothing('unchecked', `It has ${size} bytes; files of up to ${limits.c2paFileBytes} are checked.`);
  return null;
}

function damageOf({ damage }: BoxFacts): string[] {
  return damage === null ? [] : [`The file is damaged: ${damage}.`];
}

/** The library reads on past some damage; a file whose boxes do not end where it ends is not what was signed. */
function withDamage(finding: C2paFinding, facts: BoxFacts): C2paFinding {
  const damage = damageOf(facts);
  return damage.length === 0 ? finding : { ...finding, state: 'invalid', reasons: [...damage, ...finding.reasons] };
}

function nothing(state: C2paState, ...reasons: string[]): C2paFinding {
  return { state, reasons, claim: null };
}
