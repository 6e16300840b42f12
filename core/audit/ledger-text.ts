/** Lines and bytes of the ledger's files: ASCII, every line with its end. */
import { auditLimits } from './audit-limits.ts';

/** A line that was read. */
export interface Line {
  readonly text: string;
  /** False for what has no line end: the rest of a file that was torn off, or a line that is longer than any of ours. */
  readonly isWhole: boolean;
}

const CHUNK = 8_192;

/** The bytes of a text in ASCII, which all of the ledger's files are. Throws a RangeError for any other. */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) throw new RangeError('the text is not ASCII.');
    bytes[i] = unit;
  }
  return bytes;
}

/** A short file as a text, each byte a character; undefined when it is longer than allowed. */
export async function readText(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | undefined> {
  let text = '';
  for await (const bytes of stream) {
    if (text.length + bytes.length > maxBytes) return undefined;
    text += charactersOf(bytes);
  }
  return text;
}

/** The lines of a file of any length, in little memory. Ends after the first that is not whole. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let rest = '';
  for await (const bytes of stream) {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const parts = (rest + charactersOf(bytes.subarray(at, at + CHUNK))).split('\n');
      rest = parts.pop()!;
      for (const text of parts) yield { text, isWhole: true };
      if (rest.length > auditLimits.lineChars) return yield { text: '', isWhole: false };
    }
  }
  if (rest !== '') yield { text: rest, isWhole: false };
}

function charactersOf(bytes: Uint8Array): string {
  let text = '';
  // Not spread: that asks an iterator for each byte.
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK) as unknown as number[]);
  return text;
}
