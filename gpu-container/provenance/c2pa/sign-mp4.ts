/**
 * @file The last thing that happens to a video: its C2PA manifest goes between file type and index. The hash in it binds the places
 * of all boxes, so whoever moves one afterwards (a remux, another faststart) leaves a file that every reader calls altered.
 */
import { limits } from '#core/limits.ts';
import { type C2paLibrary, type LibraryAnswer, withLibrary } from './c2pa-library.ts';
import { type Claim, describe, type IngredientTask, unread } from './claim.ts';
import { coseReserveBytes, coseSign1 } from './cose-sign1.ts';
import type { C2paFinding } from './finding.ts';
import { inspectBytes } from './inspect-boxes.ts';
import { OFFLINE, readMp4, secondsFor } from './read-mp4.ts';
import type { C2paSigner } from './signer.ts';

const SETTINGS = JSON.stringify({
  ...OFFLINE,
  builder: { thumbnail: { enabled: false } },
  verify: { ...OFFLINE.verify, verify_after_sign: false },
});

/**
 * The file with its manifest, a new one; a file that starts at once in a player goes in (index before the data). A reference over which the
 * library breaks or takes too long, or which brings too much along, is named without being looked into: it is a stranger's, and a finished
 * render must not fail over it. Throws a sentence when the file is too large or not such a file, and what the signer throws.
 */
export async function signMp4(
  file: Uint8Array,
  claim: Claim,
  signer: C2paSigner,
  library?: C2paLibrary,
): Promise<Uint8Array<ArrayBuffer>> {
  const wrong = wrongWith(file);
  if (wrong !== undefined) throw new Error(`c2pa: the file to sign ${wrong}`);
  const reserveBytes = coseReserveBytes(signer);
  const { manifest, ingredients } = describe(claim);
  const sign = async (given: readonly IngredientTask[]) => {
    const task = { verb: 'sign', file, manifest, ingredients: given, reserveBytes, settings: SETTINGS } as const;
    const seconds = secondsFor(given.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), file.length));
    const ask = (one: C2paLibrary) => one.ask(task, seconds, payload => coseSign1(payload, signer, reserveBytes));
    return signedBy(await (library ? ask(library) : withLibrary(ask)), file.length, seconds);
  };
  const signed = await sign(ingredients);
  if (typeof signed !== 'string') return signed;
  const isReadInto = ingredients.some(({ bytes }) => bytes !== null);
  const again = isReadInto ? await sign(ingredients.map(unread)) : signed;
  if (typeof again === 'string') throw new Error(`c2pa: ${again}`);
  return again;
}

/** The file, or why there is none. */
function signedBy(
  answer: LibraryAnswer | 'late',
  fileBytes: number,
  seconds: number,
): Uint8Array<ArrayBuffer> | string {
  if (answer === 'late') return `signing took more than ${seconds} s and was given up.`;
  if (!('signed' in answer)) return `the library did not sign: ${whyNot(answer)}`;
  const added = answer.signed.length - fileBytes;
  if (added <= limits.c2paManifestBytes) return answer.signed;
  return `what the references bring along makes ${added} bytes; allowed are ${limits.c2paManifestBytes}.`;
}

/** Reads a file that was just signed, as anyone would; throws a sentence unless it is unaltered and of this job. */
export async function verifySelf(
  file: Uint8Array,
  expected: { readonly jobId: string; readonly trustRoots?: string; readonly library?: C2paLibrary },
): Promise<C2paFinding> {
  const { jobId, ...options } = expected;
  const finding = await readMp4(file, options);
  const good = finding.state === 'valid' || (finding.state === 'valid_untrusted' && options.trustRoots === undefined);
  if (!good) throw new Error(`c2pa: the signed file does not hold (${finding.state}): ${finding.reasons.join(' ')}`);
  if (finding.claim?.job?.id !== jobId)
    throw new Error(`c2pa: the signed file names job ${finding.claim?.job?.id ?? 'none'} instead of ${jobId}.`);
  return finding;
}

function wrongWith(file: Uint8Array): string | undefined {
  const { length } = file;
  if (length > limits.c2paFileBytes)
    return `has ${length} bytes; allowed are ${limits.c2paFileBytes}: it is held in memory several times.`;
  const { isMp4, damage, manifests, order } = inspectBytes(file);
  if (!isMp4) return 'is no MP4 file.';
  if (damage !== null) return `is damaged: ${damage}.`;
  if (manifests.length > 0) return 'has C2PA data already; sign what comes from the encoder.';
  const [moov, mdat] = [order.indexOf('moov'), order.indexOf('mdat')];
  if (moov === -1 || (mdat !== -1 && mdat < moov))
    return 'has its index behind its data; allowed is an index in front.';
  return undefined;
}

function whyNot(answer: object): string {
  if ('refused' in answer) return `${String(answer.refused).slice(0, 200)}.`;
  return 'it broke off.';
}
