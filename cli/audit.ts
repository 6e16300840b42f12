import { Command } from 'commander';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import { readExport, writeExport } from '#adapters/audit-folder.ts';
import { publicKeyFile, readPublicKeys, verifierOf } from '#adapters/receipt-keys.ts';
import { auditLimits } from '#core/audit/audit-limits.ts';
import { exportLedger } from '#core/audit/export-ledger.ts';
import { findingAt } from '#core/audit/finding.ts';
import { type LedgerReader, makeAnchor, readStoredLedger } from '#core/audit/ledger-reader.ts';
import { type Anchor, readStatement } from '#core/audit/statement.ts';
import { type LedgerReport, verifyLedger } from '#core/audit/verify-ledger.ts';
import { ReelayError } from '#core/errors.ts';
import type { VerifySignature } from '#core/placement/check-receipt.ts';
import { openOwnLedger } from './audit-ledger.ts';
import { readText, shown } from './verify-files.ts';

interface VerifyOptions {
  readonly anchor?: readonly string[];
  readonly keys?: string;
  readonly json?: boolean;
}

const MAX_KEYS_BYTES = 1_048_576;
/** A ledger that takes longer than that to read is told of while it is read. */
const TELL_EVERY_MS = 2_000;

/** `reelay audit` */
export function auditCommand(): Command {
  return new Command('audit')
    .description('the audit ledger (that of REELAY_DATA, default .reelay; of a deployment where REELAY_TABLE is set)')
    .addCommand(
      new Command('verify')
        .description('check that nothing in the ledger was changed; exit 0 only if it holds')
        .argument('[folder]', 'an export; without it the ledger of this installation')
        .option('--anchor <file...>', 'what `reelay audit anchor` printed before: what it saw must still be there')
        .option('--keys <file>', 'public keys, as `reelay receipts keys` prints them')
        .option('--json', 'the whole report as JSON')
        .action(async (folder: string | undefined, options: VerifyOptions) => verify(folder, options)),
    )
    .addCommand(
      new Command('export')
        .description('write the ledger as plain files that anyone can verify')
        .argument('<folder>', 'not there yet')
        .action(async (folder: string) => exportTo(folder)),
    )
    .addCommand(
      new Command('anchor')
        .description('print how far the ledger is, signed, to be kept elsewhere')
        .action(async () => printAnchor()),
    );
}

async function verify(folder: string | undefined, options: VerifyOptions): Promise<void> {
  const report = folder === undefined ? await verifyOwn(options) : await verifyExport(folder, options);
  if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else tell(report);
  if (!report.holds) process.exitCode = 1;
}

async function verifyOwn(options: VerifyOptions): Promise<LedgerReport> {
  const { ports, keys, close } = await openOwnLedger(process.env);
  try {
    const check = (await givenKeys(options.keys)) ?? keys.verify;
    const { installation } = ports;
    const evidence = { sha256: sha256Hex, verify: check, installation };
    return await verifyLedger(told(readStoredLedger(ports)), await anchorsOf(options, check), evidence);
  } finally {
    close();
  }
}

async function verifyExport(folder: string, options: VerifyOptions): Promise<LedgerReport> {
  const { index, reader, keys, anchor } = await readExport(folder);
  const given = await givenKeys(options.keys);
  if (given === undefined)
    process.stderr.write('reelay: the keys are those that the export brings along; --keys takes those you trust.\n');
  const check = given ?? verifierOf(readPublicKeys(keys, `${shown(folder)}/keys.json`));
  const kept = await anchorsOf(options, check);
  const { installation } = index;
  const evidence = { sha256: sha256Hex, verify: check, installation };
  let own: Anchor;
  try {
    own = readStatement(check, 'anchor', anchor);
  } catch (error) {
    if (!(error instanceof ReelayError)) throw error;
    return withFinding(await verifyLedger(told(reader), kept, evidence), error.message);
  }
  return verifyLedger(told(reader), [own, ...kept], { ...evidence, endsAnchored: true });
}

/** An export's own anchor that does not hold is damage like any other. */
function withFinding(report: LedgerReport, what: string): LedgerReport {
  const finding = findingAt({ shard: 'anchor.json', segment: null }, 'truncated', null, what.replace(/\.$/, ''));
  const findings = [finding, ...report.findings];
  return { ...report, holds: false, findings, sentence: `The ledger does not hold. ${what}` };
}

async function givenKeys(file: string | undefined): Promise<VerifySignature | undefined> {
  return file === undefined ? undefined : verifierOf(readPublicKeys(await readText(file, MAX_KEYS_BYTES), shown(file)));
}

async function anchorsOf({ anchor = [] }: VerifyOptions, check: VerifySignature): Promise<readonly Anchor[]> {
  const texts = anchor.map(async file => (await readText(file, auditLimits.statementBytes)).trimEnd());
  return (await Promise.all(texts)).map(text => readStatement(check, 'anchor', text));
}

function tell({ holds, sentence, findings }: LedgerReport): void {
  process.stdout.write(`${sentence}\n`);
  if (!holds) for (const finding of findings) process.stdout.write(`  ${finding.kind}: ${finding.sentence}\n`);
}

/** The same ledger, which says on stderr how far it was read. */
function told(reader: LedgerReader): LedgerReader {
  let saidMs = performance.now();
  return {
    ...reader,
    segment: (shard, segment) => {
      if (performance.now() - saidMs > TELL_EVERY_MS) {
        saidMs = performance.now();
        process.stderr.write(`reelay: ${shard}, segment ${segment} …\n`);
      }
      return reader.segment(shard, segment);
    },
  };
}

async function exportTo(folder: string): Promise<void> {
  const { ports, keys, close } = await openOwnLedger(process.env);
  try {
    const files = exportLedger(readStoredLedger(ports), ports, publicKeyFile(keys.publicKeys));
    const written = await writeExport(folder, files);
    process.stdout.write(
      `${shown(folder)}: ${written.files} files. \`reelay audit verify ${shown(folder)}\` checks them.\n`,
    );
  } finally {
    close();
  }
}

async function printAnchor(): Promise<void> {
  const { ports, close } = await openOwnLedger(process.env);
  try {
    process.stdout.write(`${await makeAnchor(ports)}\n`);
  } finally {
    close();
  }
}
