/** @file With what `reelay verify` looks at videos and pictures: the data folder's keys and registry, and roots that were given. */
import { existsSync } from 'node:fs';
import { databaseFile, openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { ReelayError } from '#core/errors.ts';
import { type FileVerifier, openVerifier } from '#gpu-container/provenance/verify/verify-file.ts';
import { findBundles } from '#local/bundles.ts';
import { readKnowingKeys } from '#local/marking-keys.ts';
import { readText, shown } from './verify-files.ts';

/** A chain and its root have 5 kB. */
const MAX_ROOT_BYTES = 1_048_576;

/** A verifier on a data folder, which may not be there; nothing is made in it. */
export interface FolderVerifier extends FileVerifier {
  /** What is missing, in sentences. */
  readonly lacks: readonly string[];
}

/** Opens it. Throws `invalid_request` for a root that is none, and for keys that cannot be read. */
export async function openFolderVerifier(folder: string, rootFile: string | undefined): Promise<FolderVerifier> {
  const given = rootFile === undefined ? '' : await rootsIn(rootFile);
  const keys = readKnowingKeys(folder);
  const db = existsSync(databaseFile(folder)) ? openDatabase(folder) : undefined;
  const models = db === undefined ? [] : (await findBundles(undefined, folder)).installed;
  const verifier = openVerifier({
    watermark: keys ?? null,
    trustRoots: `${keys?.trustRoots ?? ''}${given}`,
    kv: db === undefined ? null : createSqliteKeyValueStore(db),
    modelOf: digest => models.find(({ card }) => card.digest === digest)?.card.id,
  });
  return {
    ...verifier,
    lacks: [
      ...(keys === undefined ? [`The watermark was not looked for: ${shown(folder)} has no keys.`] : []),
      ...(keys === undefined && given === '' ? ['No root vouches for signatures: --root takes one.'] : []),
    ],
    close: async () => {
      await verifier.close();
      db?.close();
    },
  };
}

async function rootsIn(file: string): Promise<string> {
  const text = await readText(file, MAX_ROOT_BYTES);
  const roots = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (roots === null)
    throw new ReelayError('invalid_request', `--root: ${shown(file)} has no certificate in it; PEM is allowed.`);
  return `${roots.join('\n')}\n`;
}
