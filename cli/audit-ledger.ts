/** @file The ledger of an installation as its commands have it: that of a data folder, or of a deployment by its settings. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { readReceiptKeys, receiptKeyPath } from '#adapters/local/receipt-key-file.ts';
import { databaseFile, openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { receiptKeysFromSetting } from '#adapters/receipt-key-setting.ts';
import type { ReceiptKeys } from '#adapters/receipt-keys.ts';
import { readInstallationId } from '#core/audit/audit-installation.ts';
import type { LedgerPorts } from '#core/audit/shard-head.ts';
import { ReelayError } from '#core/errors.ts';
import { dataFolderFrom } from './settings.ts';

/** A ledger to read, and the keys that sign for it. */
export interface OwnLedger {
  readonly ports: LedgerPorts;
  readonly keys: ReceiptKeys;
  readonly close: () => void;
}

/** Opens it: of the deployment that REELAY_TABLE names, else of the data folder. Throws `invalid_request` where there is none. */
export async function openOwnLedger(env: NodeJS.ProcessEnv): Promise<OwnLedger> {
  return (env.REELAY_TABLE ?? '') === '' ? openOfFolder(resolve(dataFolderFrom(env))) : openOfDeployment(env);
}

async function openOfFolder(folder: string): Promise<OwnLedger> {
  const keys = readReceiptKeys(folder);
  if (keys === undefined || !existsSync(databaseFile(folder)))
    throw new ReelayError('invalid_request', `${receiptKeyPath(folder)}: it is not there; the first start makes it.`);
  const db = openDatabase(folder);
  try {
    const stores = { kv: createSqliteKeyValueStore(db), blobs: createFileBlobStore(join(folder, 'blobs')) };
    return { ports: await portsOf(stores, keys), keys, close: () => db.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}

async function openOfDeployment(env: NodeJS.ProcessEnv): Promise<OwnLedger> {
  // The SDK takes a while to load, and only this needs it.
  const { awsResourcesFrom, connectAws } = await import('#adapters/aws/connect.ts');
  const { auditSettingsFrom, connectAuditBlobs } = await import('#adapters/aws/connect-audit.ts');
  const { bucket } = auditSettingsFrom(env);
  if (bucket === undefined)
    throw new ReelayError('invalid_request', 'REELAY_AUDIT_BUCKET: it is not set; the bucket of the ledger is needed.');
  const keys = receiptKeysFromSetting(env.REELAY_RECEIPT_KEY);
  const { kv } = connectAws(awsResourcesFrom(env));
  return { ports: await portsOf({ kv, blobs: connectAuditBlobs(bucket) }, keys), keys, close: () => undefined };
}

async function portsOf(stores: Pick<LedgerPorts, 'kv' | 'blobs'>, signer: ReceiptKeys): Promise<LedgerPorts> {
  const installation = await readInstallationId(stores.kv);
  if (installation === undefined)
    throw new ReelayError('invalid_request', 'The ledger of this installation is empty: nothing was recorded yet.');
  return { ...stores, signer, sha256: sha256Hex, now: () => Date.now(), installation };
}
