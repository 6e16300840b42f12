/** @file What a deployed worker marks its videos with, as its environment says it: without all three it does not start. */
import { readFileSync } from 'node:fs';
import { ReelayError } from '#core/errors.ts';
import { type MarkingKeys, markingKeysFrom } from '#gpu-container/provenance/marking-keys.ts';

/** What of the environment is secret: a worker takes it out of its own once it is read, so that no child inherits it. */
export const SECRET_SETTINGS = [
  'REELAY_WATERMARK_KEY',
  'REELAY_C2PA_KEY',
  'REELAY_RECEIPT_KEY',
  'REELAY_MASTER_KEY',
  'REELAY_AUDIT_PSEUDONYM_KEY',
] as const;

/** Gives what signs with a key of a key service: ECDSA P-256 with SHA-256 over the bytes, raw or DER. */
export type KmsSigner = (keyId: string) => (bytes: Uint8Array) => Promise<Uint8Array>;

/**
 * REELAY_WATERMARK_KEY (64 hex digits), REELAY_C2PA_CERTIFICATES (PEM: leaf, those between, root) and REELAY_C2PA_KEY (PEM), each as
 * such or as the path of a file; or REELAY_C2PA_KMS_KEY instead of the last, where there is a client for it. All workers of an
 * installation have the same. Throws `invalid_request` with a sentence that quotes nothing of a key.
 */
export function markingKeysFromSettings(
  env: Readonly<Record<string, string | undefined>>,
  kms?: KmsSigner,
): MarkingKeys {
  const hex = textOf(env, 'REELAY_WATERMARK_KEY', '64 hex digits', text => /^[0-9a-fA-F]{64}$/.test(text));
  const certificates = textOf(
    env,
    'REELAY_C2PA_CERTIFICATES',
    'certificates in PEM, the leaf first and the root last',
    isPem,
  );
  const key = keyOf(env, kms);
  try {
    return markingKeysFrom({ watermarkKey: Buffer.from(hex, 'hex'), certificates, key });
  } catch (error) {
    throw refused(
      'REELAY_C2PA_CERTIFICATES',
      error instanceof Error ? error.message.replace(/\.$/, '') : 'they cannot be used',
    );
  }
}

function keyOf(env: Readonly<Record<string, string | undefined>>, kms: KmsSigner | undefined) {
  const keyId = env.REELAY_C2PA_KMS_KEY?.trim() ?? '';
  if (keyId === '') return textOf(env, 'REELAY_C2PA_KEY', 'a private ECDSA P-256 key in PEM', isPem);
  if ((env.REELAY_C2PA_KEY ?? '').trim() !== '')
    throw refused('REELAY_C2PA_KMS_KEY', 'REELAY_C2PA_KEY is set as well; one of the two is allowed');
  if (kms === undefined)
    throw refused('REELAY_C2PA_KMS_KEY', 'this build has no client for AWS KMS; REELAY_C2PA_KEY is allowed');
  return kms(keyId);
}

const isPem = (text: string) => text.includes('-----BEGIN ');

function textOf(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  what: string,
  isIt: (text: string) => boolean,
): string {
  const text = env[name]?.trim() ?? '';
  if (text === '')
    throw refused(name, `it is not set; ${what}, or the path of a file with them, is needed: no video leaves unmarked`);
  if (isIt(text)) return text;
  const read = textOfFile(text);
  if (read === undefined || !isIt(read)) throw refused(name, `it is neither ${what} nor the path of a file with them`);
  return read;
}

function textOfFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined; // it may be a key after all, and is not quoted
  }
}

function refused(name: string, why: string): ReelayError {
  return new ReelayError('invalid_request', `${name}: ${why}.`);
}
