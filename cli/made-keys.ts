import type { Embedded } from '#local/embedded.ts';

/** What whoever opened a data folder first should know, once: the keys that mark its videos were made; undefined where they were there. */
export function madeKeys({ marking }: Pick<Embedded, 'marking'>): string | undefined {
  if (!marking.isNew) return undefined;
  return `made the keys that mark your videos, in ${marking.path}. They prove to whoever has your root.pem that a file is yours and unaltered; to others it is "valid, signer unknown". Back them up, and keep root-key.keep-offline.pem elsewhere.`;
}

/** Says so on stderr, for commands whose output is their answer. */
export function tellMadeKeys(embedded: Pick<Embedded, 'marking'>): void {
  const made = madeKeys(embedded);
  if (made !== undefined) process.stderr.write(`reelay: ${made}\n`);
}
