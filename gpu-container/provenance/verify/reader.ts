/**
 * @file The supervisor's side of reading: one process, one file at a time, ended when it takes too long or too much memory, and when it
 * has had nothing to do for a while.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ReelayError } from '#core/errors.ts';
import type { C2paFinding } from '#gpu-container/provenance/c2pa/finding.ts';
import { secondsFor } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import type { FileReadings, NextStep, ReadTask, Seen, Told } from './protocol.ts';
import { verifyLimits } from './verify-limits.ts';

/** Reads files of anyone. */
export interface Reader {
  /**
   * Whatever happens is an answer. Throws `rate_limited` where `waiting` others wait already. `bytes` is the file's length; `isEnough`
   * says of the whole frame's readings that no parts need be tried.
   */
  read(task: Omit<ReadTask, 'id'>, bytes: number, isEnough: (whole: Seen) => boolean): Promise<FileReadings>;
  /** What is being read ends at once. */
  close(): Promise<void>;
}

const PAGE_BYTES = 4096;

/** A reader; its process starts with the first file. `waiting`: more than so many at once are refused. */
export function openReader({ waiting = verifyLimits.waiting }: { readonly waiting?: number } = {}): Reader {
  let child: ChildProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let [inside, ids, isClosed] = [0, 0, false];
  let ending: Promise<void> | undefined;
  const end = () => {
    const gone = child;
    child = undefined;
    clearTimeout(idle);
    if (gone !== undefined) ending = ended(gone);
    return ending;
  };
  const one = async (task: ReadTask, bytes: number, isEnough: (whole: Seen) => boolean): Promise<FileReadings> => {
    clearTimeout(idle);
    if (isClosed) return { c2pa: null, whole: null, parts: null, ended: 'broke' };
    if (child === undefined || !child.connected) child = start();
    const readings = await readOne(child, task, bytes, isEnough);
    if (readings.ended === 'answered' && !isClosed) {
      idle = setTimeout(() => void end(), verifyLimits.idleMs);
      idle.unref();
    } else await end();
    return readings;
  };
  return {
    async read(task, bytes, isEnough) {
      if (inside > waiting) throw new ReelayError('rate_limited', 'Other files are being verified; try again shortly.');
      inside++;
      const mine = last.then(() => one({ ...task, id: ++ids }, bytes, isEnough));
      last = mine.catch(() => undefined);
      return mine.finally(() => {
        inside--;
      });
    },
    async close() {
      isClosed = true;
      await end();
      await last;
    },
  };
}

function start(): ChildProcess {
  const child = fork(new URL('./read-process.ts', import.meta.url), [], {
    serialization: 'advanced',
    // What it reads is a stranger's: it gets nothing of ours to tell.
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.on('error', () => undefined);
  // An idle one keeps no command line open; while it reads, a timer does.
  child.unref();
  child.channel?.unref();
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.ref();
  child.kill('SIGKILL');
  await gone;
}

function readOne(
  child: ChildProcess,
  task: ReadTask,
  bytes: number,
  isEnough: (whole: Seen) => boolean,
): Promise<FileReadings> {
  const { id } = task;
  let c2pa: C2paFinding | null = null;
  let whole: Seen | null | undefined;
  return new Promise(resolve => {
    const settle = (ended: FileReadings['ended'], parts: Seen | null = null) => {
      clearTimeout(late);
      clearInterval(watch);
      child.off('message', onMessage).off('exit', onExit);
      resolve({ c2pa, whole: whole ?? null, parts, ended });
    };
    const send = (asked: ReadTask | NextStep) =>
      child.send(asked, error => {
        if (error !== null) settle('broke');
      });
    const onMessage = (told: Told) => {
      if (told.id !== id) return;
      if ('c2pa' in told) c2pa = told.c2pa;
      else if (whole !== undefined) settle('answered', told.seen);
      else {
        whole = told.seen;
        const searchNow = task.search && whole !== null && !isEnough(whole);
        if (task.search) send({ id, searchNow });
        if (!searchNow) settle('answered');
      }
    };
    const onExit = () => settle('broke');
    const late = setTimeout(() => settle('late'), secondsOf(task, bytes) * 1000);
    const most = verifyLimits.residentBytes + bytes * verifyLimits.residentPerByte;
    const watch = setInterval(() => {
      if (residentBytes(child) > most) settle('too_large');
    }, verifyLimits.watchMs);
    child.on('message', onMessage).once('exit', onExit);
    send(task);
  });
}

function secondsOf({ c2pa, search }: ReadTask, bytes: number): number {
  const { seconds, searchSeconds } = verifyLimits;
  return seconds + (search ? searchSeconds : 0) + (c2pa ? secondsFor(bytes) - secondsFor(0) : 0);
}

/** 0 where the system does not say it in a file, as on macOS: time is the only bound there. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
