/**
 * @file The last thing that happens to a video: its C2PA manifest goes between file type and index. The hash in it binds the places
 * of all boxes, so whoever moves one afterwards (a remux, another faststart) leaves a file that every reader calls altered.
 */
import { limits } from '#core/limits.ts';
import { type C2paLibrary, withLibrary } from './c2pa-library.ts';
import { type Claim, describe } from './claim.ts';
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
 * The file with its manifest, a new one; a file that starts at once in a player goes in (index before the data). Throws a sentence when
 * the file is too large or not such a file, when its references bring too much along, and what the signer throws.
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
  const task = { verb: 'sign', file, ...describe(claim), reserveBytes, settings: SETTINGS } as const;
  const size = task.ingredients.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), file.length);
  const ask = (one: C2paLibrary) =>
    one.ask(task, secondsFor(size), payload => coseSign1(payload, signer, reserveBytes));
  const answer = await (library ? ask(library) : withLibrary(ask));
  if (answer === 'late') throw new Error(`c2pa: signing took more than ${secondsFor(size)} s and was given up.`);
  if (!('signed' in answer)) throw new Error(`c2pa: the library did not sign: ${whyNot(answer)}`);
  const added = answer.signed.length - file.length;
  if (added > limits.c2paManifestBytes)
    throw new Error(
      `c2pa: what the references bring along makes ${added} bytes; allowed are ${limits.c2paManifestBytes}.`,
    );
  return answer.signed;
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
