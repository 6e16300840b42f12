import { appendFileSync, renameSync, statSync } from 'node:fs';
import { limits } from '#core/limits.ts';
import type { Log } from '#functions/deps.ts';

/** One JSON line a call, in a file that only its owner reads, so that the terminal stays for people. Turned over at a size. */
export function fileLog(path: string): Log {
  let bytes = sizeOf(path);
  return (level, message, fields) => {
    const line = `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`;
    try {
      if (bytes > limits.maxLogBytes) {
        renameSync(path, path.replace(/\.jsonl$/, '.1.jsonl'));
        bytes = 0;
      }
      appendFileSync(path, line, { mode: 0o600 });
      bytes += line.length;
    } catch {
      // A full disk must not end the process that tells people about it.
    }
  };
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
