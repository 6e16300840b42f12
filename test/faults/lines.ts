/** Reads a file of JSON lines that other processes append to, each line once. */
import { readFileSync } from 'node:fs';

/** Gives the lines that are new since the last call; a file that is not there yet has none. */
export function newLines<T>(file: string): () => readonly T[] {
  let given = 0;
  return () => {
    const text = readOr(file);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const fresh = whole.slice(given);
    given = whole.length;
    return fresh
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as T);
  };
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1'); // ids and numbers only: a character is a byte
  } catch {
    return '';
  }
}
