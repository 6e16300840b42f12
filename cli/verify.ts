import { createHmac } from 'node:crypto';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { readReceiptKeys, receiptKeyPath } from '#adapters/local/receipt-key-file.ts';
import { readPublicKeys, verifierOf } from '#adapters/receipt-keys.ts';
import { ReelayError } from '#core/errors.ts';
import type { Evidence } from '#core/placement/check-receipt.ts';
import { MAX_OPENING_BYTES, readOpening } from '#core/placement/opening.ts';
import { MAX_RECEIPT_BYTES } from '#core/placement/read-receipt.ts';
import { toVerdict } from '#functions/verdict-wire.ts';
import { dataFolderFrom } from './settings.ts';
import { findFiles, measure, readText, shown } from './verify-files.ts';
import { type FolderVerifier, openFolderVerifier } from './verify-marks.ts';
import {
  judgeReceipt,
  namesBytes,
  type ReadReceipt,
  type ReceiptCheck,
  readOneReceipt,
  receiptOfFile,
} from './verify-receipts.ts';
import { describe, describeAll } from './verify-words.ts';

interface VerifyFlags {
  readonly keys?: string;
  readonly root?: string;
  readonly search?: boolean;
  readonly request?: string;
  readonly premisesOnly?: boolean;
  readonly json?: boolean;
}

/** `reelay verify` */
export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'say whether videos, pictures and receipts are ours and unaltered, without a network: exit 0 only when all are',
    )
    .argument('<path...>', 'videos, pictures, placement receipts, or folders with them')
    .option(
      '--search',
      'look for cropped copies too, up to 15 s a file; done without asking for a file that is given alone',
    )
    .option('--no-search', 'look at whole frames only')
    .option('--root <pem>', "certificates that are trusted as ours, beside the data folder's root")
    .option(
      '--keys <file>',
      "public keys of receipts, as `reelay receipts keys` prints them; the data folder's where absent",
    )
    .option(
      '--request <file>',
      'the opening of the one receipt (…/receipt?part=opening): whether it is that of this request',
    )
    .option('--premises-only', 'what left the premises is a breach, whatever the residency class allows')
    .option('--json', 'as JSON')
    .action(async (paths: string[], flags: VerifyFlags) => verify(paths, flags));
}

/** What came of one file; of a video and its receipt together. */
export interface Finding {
  readonly receipt: string | null;
  /** A video or a picture. */
  readonly video: string | null;
  readonly holds: boolean;
  readonly job: string | null;
  readonly checks: readonly ReceiptCheck[];
  /** What its marks say; null of a receipt alone. */
  readonly verdict: ReturnType<typeof toVerdict> | null;
  /** The receipt that holds and names exactly these bytes, of a picture that lies beside its video. */
  readonly coveredBy: string | null;
}

async function verify(paths: readonly string[], flags: VerifyFlags): Promise<void> {
  const { receipts, media, links, hasFolder } = await findFiles(paths);
  if (receipts.length + media.length === 0)
    throw new ReelayError(
      'invalid_request',
      `${paths.map(shown).join(', ')}: no receipt and no video or picture is there.`,
    );
  if (flags.request !== undefined && receipts.length !== 1)
    throw new ReelayError(
      'invalid_request',
      `--request: it belongs to one receipt, and ${receipts.length} were given.`,
    );
  const folder = resolve(dataFolderFrom(process.env));
  const requestHmac = flags.request === undefined ? undefined : await requestHmacOf(flags.request);
  const verifier = media.length === 0 ? undefined : await openFolderVerifier(folder, flags.root);
  try {
    const search = flags.search ?? (media.length === 1 && !hasFolder);
    const isAlone = media.length === 1 && receipts.length === 1;
    const means = { verifier, search, flags, requestHmac, isAlone, links };
    const findings = await examine(await readAll(receipts), media, means);
    const holds = findings.every(finding => finding.holds);
    if (flags.json === true) process.stdout.write(`${JSON.stringify({ holds, findings })}\n`);
    else {
      process.stdout.write(hasFolder ? describeAll(findings) : findings.map(describe).join(''));
      for (const sentence of holds ? [] : (verifier?.lacks ?? [])) process.stderr.write(`reelay: ${sentence}\n`);
    }
    if (!holds) process.exitCode = 1;
  } finally {
    await verifier?.close();
  }
}

interface Means {
  readonly verifier: FolderVerifier | undefined;
  readonly search: boolean;
  readonly flags: VerifyFlags;
  readonly requestHmac: string | undefined;
  /** One file and one receipt were given: they belong together. */
  readonly isAlone: boolean;
  readonly links: ReadonlySet<string>;
}

async function readAll(paths: readonly string[]): Promise<ReadReceipt[]> {
  const read: ReadReceipt[] = [];
  for (const path of paths) read.push(await readOneReceipt(path));
  return read;
}

/** Each file goes with the receipt that names its bytes, else with the one beside it, else it stands on its marks. */
async function examine(read: ReadReceipt[], media: readonly string[], means: Means): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const paired = new Set<ReadReceipt>();
  const evidence = evidenceOf(means);
  for (const path of media) {
    const isLink = means.links.has(path);
    const file = isLink ? undefined : await measure(path).catch(() => undefined);
    const only = means.isAlone ? read[0] : undefined;
    const own = only ?? (file && (await receiptOfFile(path, file, read)));
    const verdict = toVerdict(await means.verifier!.verifyPath(path, { search: means.search, isLink }), 'operator');
    if (own === undefined || file === undefined) {
      findings.push(onItsMarks(path, verdict, means));
      continue;
    }
    const isVideo = only !== undefined || VIDEO.test(path);
    const { path: receipt, ...judged } = judgeReceipt(own, isVideo ? file : undefined, await evidence());
    if (isVideo) {
      paired.add(own);
      findings.push({ receipt, video: path, ...judged, verdict, coveredBy: null });
    } else if (judged.holds && namesBytes(own, file))
      findings.push({ ...onItsMarks(path, verdict, means), holds: true, job: judged.job, coveredBy: receipt });
    else findings.push(onItsMarks(path, verdict, means));
  }
  for (const one of read) {
    if (paired.has(one)) continue;
    const { path: receipt, ...judged } = judgeReceipt(one, undefined, one.signed ? await evidence() : NO_KEYS);
    findings.push({ receipt, video: null, ...judged, verdict: null, coveredBy: null });
  }
  return findings;
}

/** A file without a receipt holds where its marks show that it is ours and unaltered; where it was made they cannot show. */
function onItsMarks(video: string, verdict: NonNullable<Finding['verdict']>, { flags }: Means): Finding {
  const strict = flags.premisesOnly === true;
  const sentence = `There is no receipt of this ${VIDEO.test(video) ? 'video' : 'file'}.`;
  return {
    ...{ receipt: null, video, job: null, verdict, coveredBy: null },
    holds: verdict.kind === 'ours_unaltered' && !strict,
    checks: [{ check: 'receipt', outcome: strict ? 'fails' : 'not_checked', sentence }],
  };
}

/** What receipts are of. */
const VIDEO = /\.mp4$/i;
const NO_KEYS: Omit<Evidence, 'video'> = { verify: () => undefined };

/** Keys are asked for when there is a receipt to hold them against. */
function evidenceOf({ flags, requestHmac }: Means): () => Promise<Omit<Evidence, 'video'>> {
  let made: Promise<Omit<Evidence, 'video'>> | undefined;
  const make = async () => ({
    verify: verifierOf(await publicKeys(flags.keys)),
    premisesOnly: flags.premisesOnly === true,
    requestHmac,
  });
  return () => {
    made ??= make();
    return made;
  };
}

/** Of a file, or of the data folder; none at all is no way to verify. */
async function publicKeys(file: string | undefined) {
  if (file !== undefined) return readPublicKeys(await readText(file, MAX_RECEIPT_BYTES), shown(file));
  const folder = resolve(dataFolderFrom(process.env));
  const keys = readReceiptKeys(folder);
  if (keys !== undefined) return keys.publicKeys;
  throw new ReelayError(
    'invalid_request',
    `--keys: a file of public keys is needed, for there are none in ${receiptKeyPath(folder)}.`,
  );
}

async function requestHmacOf(file: string): Promise<string> {
  const opening = readOpening(await readText(file, MAX_OPENING_BYTES));
  return createHmac('sha256', Buffer.from(opening.request_key, 'hex')).update(opening.text).digest('hex');
}
