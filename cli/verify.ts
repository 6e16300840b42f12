import { createHmac } from 'node:crypto';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { readReceiptKeys, receiptKeyPath } from '#adapters/local/receipt-key-file.ts';
import { readPublicKeys, verifierOf } from '#adapters/receipt-keys.ts';
import { ReelayError } from '#core/errors.ts';
import { type Check, checkReceipt, type Evidence } from '#core/placement/check-receipt.ts';
import { MAX_OPENING_BYTES, readOpening } from '#core/placement/opening.ts';
import { MAX_RECEIPT_BYTES, readReceipt, type SignedReceipt } from '#core/placement/read-receipt.ts';
import type { ReceiptFile } from '#core/placement/receipt.ts';
import { dataFolderFrom } from './settings.ts';
import { findFiles, liesBeside, measure, readText, shown } from './verify-files.ts';

interface VerifyFlags {
  readonly keys?: string;
  readonly request?: string;
  readonly premisesOnly?: boolean;
  readonly json?: boolean;
}

/** `reelay verify` */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('check placement receipts, without a network: exit 0 only when everything holds')
    .argument('<path...>', 'receipts, their videos (.mp4), or folders with them')
    .option('--keys <file>', "public keys, as `reelay receipts keys` prints them; the data folder's where absent")
    .option(
      '--request <file>',
      'the opening of the one receipt (…/receipt?part=opening): whether it is that of this request',
    )
    .option('--premises-only', 'what left the premises is a breach, whatever the residency class allows')
    .option('--json', 'as JSON')
    .action(async (paths: string[], flags: VerifyFlags) => verify(paths, flags));
}

/** What came of one receipt, or of a video without one. */
interface Finding {
  readonly receipt: string | null;
  readonly video: string | null;
  readonly holds: boolean;
  readonly job: string | null;
  readonly checks: readonly (
    | Check
    | { readonly check: 'receipt'; readonly outcome: 'fails'; readonly sentence: string }
  )[];
}

async function verify(paths: readonly string[], flags: VerifyFlags): Promise<void> {
  const evidence: Omit<Evidence, 'video'> = {
    verify: verifierOf(await publicKeys(flags.keys)),
    premisesOnly: flags.premisesOnly === true,
    requestHmac: flags.request === undefined ? undefined : await requestHmac(flags.request),
  };
  const { receipts, videos } = await findFiles(paths);
  if (receipts.length + videos.length === 0)
    throw new ReelayError('invalid_request', `${paths.map(shown).join(', ')}: no receipt and no video is there.`);
  if (flags.request !== undefined && receipts.length !== 1)
    throw new ReelayError(
      'invalid_request',
      `--request: it belongs to one receipt, and ${receipts.length} were given.`,
    );
  const findings = await examine(receipts, videos, evidence);
  const holds = findings.every(finding => finding.holds);
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ holds, findings })}\n`);
  else for (const finding of findings) process.stdout.write(describe(finding));
  if (!holds) process.exitCode = 1;
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

async function requestHmac(file: string): Promise<string> {
  const opening = readOpening(await readText(file, MAX_OPENING_BYTES));
  return createHmac('sha256', Buffer.from(opening.request_key, 'hex')).update(opening.text).digest('hex');
}

interface Read {
  readonly path: string;
  readonly signed: SignedReceipt | undefined;
  readonly sentence: string;
}

/** Each video goes with the receipt that names its bytes, else with the one beside it, else it has none. */
async function examine(
  receipts: readonly string[],
  videos: readonly string[],
  evidence: Omit<Evidence, 'video'>,
): Promise<readonly Finding[]> {
  const read: Read[] = [];
  for (const path of receipts) read.push(await readOne(path));
  const findings: Finding[] = [];
  const paired = new Set<Read>();
  for (const path of videos) {
    const file = await measure(path);
    const only = videos.length === 1 && read.length === 1 ? read[0] : undefined;
    const named = read.find(one => one.signed?.receipt.output.files.video.sha256 === file.sha256);
    const own = only ?? named ?? read.find(one => liesBeside(one.path, path)) ?? (await siblingOf(path, read));
    if (own !== undefined) paired.add(own);
    findings.push(own === undefined ? withoutReceipt(path) : judge(own, { path, file }, evidence));
  }
  const alone = read.filter(one => !paired.has(one)).map(one => judge(one, undefined, evidence));
  return [...findings, ...alone];
}

async function readOne(path: string): Promise<Read> {
  try {
    return { path, signed: readReceipt(await readText(path, MAX_RECEIPT_BYTES)), sentence: '' };
  } catch (error) {
    if (error instanceof ReelayError) return { path, signed: undefined, sentence: error.message };
    throw error;
  }
}

/** A video that was given alone brings the receipt that lies beside it. */
async function siblingOf(video: string, read: Read[]): Promise<Read | undefined> {
  const names = [video.replace(/\.mp4$/i, '.receipt.json'), video.replace(/[^/\\]*$/, 'receipt.json')];
  for (const path of names) {
    const found = await findFiles([path]).catch(() => undefined);
    if (found === undefined) continue;
    const one = await readOne(path);
    read.push(one);
    return one;
  }
  return undefined;
}

function judge(
  one: Read,
  video: { path: string; file: ReceiptFile } | undefined,
  evidence: Omit<Evidence, 'video'>,
): Finding {
  const place = { receipt: one.path, video: video?.path ?? null };
  if (one.signed === undefined)
    return {
      ...place,
      holds: false,
      job: null,
      checks: [{ check: 'receipt', outcome: 'fails', sentence: one.sentence }],
    };
  const checks = checkReceipt(one.signed, { ...evidence, video: video?.file });
  return { ...place, holds: checks.every(({ outcome }) => outcome !== 'fails'), job: one.signed.receipt.job, checks };
}

function withoutReceipt(video: string): Finding {
  const sentence = 'There is no receipt of this video.';
  return { receipt: null, video, holds: false, job: null, checks: [{ check: 'receipt', outcome: 'fails', sentence }] };
}

const SIGNS = { holds: 'ok  ', fails: 'BAD ', not_checked: '-   ' } as const;

function describe({ receipt, video, holds, job, checks }: Finding): string {
  const name = shown(receipt ?? video ?? '');
  const head = `${name}: ${holds ? 'holds' : 'does NOT hold'}${job === null ? '' : ` (${job})`}\n`;
  return head + checks.map(({ check, outcome, sentence }) => `  ${SIGNS[outcome]}${check}: ${sentence}\n`).join('');
}
