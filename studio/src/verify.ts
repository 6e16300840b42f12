/** @file The file whose origin is looked for, and what came of it. */
import { signal } from '@preact/signals';
import { ApiError, type Verdict, verifyFile } from './api.ts';
import { MAX_FILE_BYTES } from './check-draft.ts';
import { report } from './connection.ts';
import { bytesText } from './wording.ts';

/** A file that was chosen. */
export interface Asked {
  readonly file: File;
  /** For the preview. */
  readonly url: string;
}

export const asked = signal<Asked | undefined>(undefined);
/** `looking` or `searching` while the server reads it. */
export const phase = signal<'idle' | 'looking' | 'searching'>('idle');
export const verdict = signal<Verdict | undefined>(undefined);
/** Why there is none. */
export const trouble = signal('');

/** Takes a file in place of the one before and asks about it. */
export async function askAbout(file: File | undefined): Promise<void> {
  if (file === undefined) return;
  if (asked.value !== undefined) URL.revokeObjectURL(asked.value.url);
  asked.value = { file, url: URL.createObjectURL(file) };
  await look(false);
}

/** Asks again, with parts of the frame. */
export async function searchParts(): Promise<void> {
  if (phase.value === 'idle') await look(true);
}

async function look(search: boolean): Promise<void> {
  const mine = asked.value;
  if (mine === undefined) return;
  if (!search) verdict.value = undefined;
  trouble.value = '';
  if (mine.file.size > MAX_FILE_BYTES) {
    trouble.value = `This file has ${bytesText(mine.file.size)}; at most ${MAX_FILE_BYTES / 1e6} MB can be sent. The command "npx reelay verify" takes larger ones.`;
    return;
  }
  phase.value = search ? 'searching' : 'looking';
  try {
    const found = await verifyFile(mine.file, search);
    // Another file may have been chosen meanwhile.
    if (asked.value === mine) verdict.value = found;
  } catch (error) {
    if (asked.value === mine) tell(error);
  } finally {
    if (asked.value === mine) phase.value = 'idle';
  }
}

/** A refusal is said at the file; a lost connection and a missing key are the page's matter. */
function tell(error: unknown): void {
  if (error instanceof ApiError && error.code !== 'unreachable' && error.status !== 401) trouble.value = error.message;
  else {
    trouble.value = error instanceof ApiError ? error.message : 'The file could not be sent.';
    report(error);
  }
}
