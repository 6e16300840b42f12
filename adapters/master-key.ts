import { readFileSync } from 'node:fs';
import { ReelayError } from '#core/errors.ts';

/** The setting of a deployment. */
export const MASTER_KEY_SETTING = 'REELAY_MASTER_KEY';

/** 32 bytes of a text of 64 characters of hex. Throws `invalid_request` with a sentence that holds nothing of it. */
export function readMasterKey(text: string, where: string): Uint8Array {
  const key = text.trim();
  if (isKey(key)) return Buffer.from(key, 'hex');
  throw refused(
    where,
    'it is no master key; 64 characters of 0-9 and a-f are allowed, as `openssl rand -hex 32` prints them',
  );
}

/** REELAY_MASTER_KEY: the key, or the path of a file with it. Throws `invalid_request`, also where it is missing. */
export function masterKeyFromSetting(text: string | undefined): Uint8Array {
  const said = text?.trim() ?? '';
  if (said === '')
    throw refused(
      MASTER_KEY_SETTING,
      "it is not set; the key that people's keys are wrapped with, 64 characters of hex, or the path of a file with it, is needed, the same in every process of the installation",
    );
  if (isKey(said)) return readMasterKey(said, MASTER_KEY_SETTING);
  let file: string;
  try {
    file = readFileSync(said, 'utf8');
  } catch {
    throw refused(MASTER_KEY_SETTING, 'it is neither 64 characters of hex nor the path of a file that can be read'); // it may be a key after all
  }
  return readMasterKey(file, MASTER_KEY_SETTING);
}

function isKey(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function refused(where: string, why: string): ReelayError {
  return new ReelayError('invalid_request', `${where}: ${why}.`);
}
