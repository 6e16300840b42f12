import { resolve } from 'node:path';
import { Command } from 'commander';
import { readReceiptKeys, receiptKeyPath, rotateReceiptKey } from '#adapters/local/receipt-key-file.ts';
import { receiptKeysFromSetting } from '#adapters/receipt-key-setting.ts';
import { publicKeyFile, readPublicKeys } from '#adapters/receipt-keys.ts';
import { ReelayError } from '#core/errors.ts';
import { dataFolderFrom } from './settings.ts';
import { readText, shown } from './verify-files.ts';

/** A key has 130 bytes; an installation that rotates every week for a century has fewer than this holds. */
const MAX_KEYS_BYTES = 1_048_576;

/** `reelay receipts` */
export function receiptsCommand(): Command {
  return new Command('receipts')
    .description('the keys of placement receipts (REELAY_RECEIPT_KEY, or those of REELAY_DATA, default .reelay)')
    .addCommand(
      new Command('keys')
        .description('print the public keys, for a file that an auditor keeps (a JWK Set)')
        .option('--also <file>', 'such a file from before: its keys are printed too')
        .action(async (options: { also?: string }) => printKeys(options.also)),
    )
    .addCommand(
      new Command('rotate')
        .description('put a new key into the data folder; what earlier ones signed still verifies')
        .action(() => rotate()),
    );
}

async function printKeys(also: string | undefined): Promise<void> {
  const before = also === undefined ? [] : readPublicKeys(await readText(also, MAX_KEYS_BYTES), shown(also));
  const keys = [...ownKeys(), ...before];
  const known = new Map(keys.map(key => [key.kid, key]));
  process.stdout.write(publicKeyFile([...known.values()]));
}

function ownKeys() {
  const setting = process.env.REELAY_RECEIPT_KEY ?? '';
  if (setting !== '') return receiptKeysFromSetting(setting).publicKeys;
  const folder = resolve(dataFolderFrom(process.env));
  const keys = readReceiptKeys(folder);
  if (keys !== undefined) return keys.publicKeys;
  throw new ReelayError('invalid_request', `${receiptKeyPath(folder)}: it is not there; the first start makes it.`);
}

function rotate(): void {
  const folder = resolve(dataFolderFrom(process.env));
  if (readReceiptKeys(folder) === undefined)
    throw new ReelayError('invalid_request', `${receiptKeyPath(folder)}: it is not there; the first start makes it.`);
  const { key } = rotateReceiptKey(folder);
  process.stdout.write(`${key} signs from the next start on; give auditors what \`reelay receipts keys\` prints.\n`);
}
