import { appendFileSync, renameSync, statSync } from 'node:fs';
import { limits } from '#core/limits.ts';
import type { Log } from '#functions/deps.ts';

/** Lines wait so long for company: an append costs as much as a whole status read. */
const GATHER_MS = 100;
/** ... or until there are so many of them. */
const GATHER_CHARS = 65_536;

/** A log whose lines may wait a moment. */
export interface FileLog extends Log {
  /** Writes what waits: before its folder is read. */
  flush(): void;
  /** Writes what waits; what comes later is lost, since the folder may be gone by then. */
  close(): void;
}

/** The logs of this process in which lines wait. */
const waiting = new Set<() => void>();
let writesAtExit = false;

/**
 * One JSON line a call, in a file that only its owner reads, so that the terminal stays for people. Turned over at a size. Lines reach
 * the file in order, within a tenth of a second, and before the process exits; one that is no mere information at once, with all before
 * it, since the process may be about to die of it.
 */
export function fileLog(path: string): FileLog {
  let bytes = sizeOf(path);
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    waiting.delete(flush);
    if (lines === '') return;
    const text = lines;
    lines = '';
    try {
      if (bytes > limits.maxLogBytes) {
        renameSync(path, path.replace(/\.jsonl$/, '.1.jsonl'));
        bytes = 0;
      }
      appendFileSync(path, text, { mode: 0o600 });
      bytes += Buffer.byteLength(text);
    } catch {
      // A full disk must not end the process that tells people about it.
    }
  };
  const log: Log = (level, message, fields) => {
    if (isClosed) return;
    lines += `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`;
    if (level !== 'info' || lines.length > GATHER_CHARS) return flush();
    if (timer !== undefined) return;
    waiting.add(flush);
    timer = setTimeout(flush, GATHER_MS).unref();
    if (writesAtExit) return;
    writesAtExit = true;
    process.once('exit', () => {
      for (const flushLast of waiting) flushLast();
    });
  };
  const close = () => {
    flush();
    isClosed = true;
  };
  return Object.assign(log, { flush, close });
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
