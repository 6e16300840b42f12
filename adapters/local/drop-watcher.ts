/**
 * Embedded mode's drop folder: watches in/ and takes in what is whole, and finishes the receipts of jobs that have ended.
 *
 *     event or timer -> scan -> ingest what is ready, one by one -> sleep
 *
 * Events only make it prompt. While something waits the folder is read every second, and every thirty in any case, so a missed event
 * costs time and nothing else. One process at a time watches a folder; the others stand by.
 */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { closeReceipts } from '#core/drop/close-receipts.ts';
import { dropLimits } from '#core/drop/drop-limits.ts';
import type { DropUnit } from '#core/drop/group.ts';
import { type DropPorts, ingest } from '#core/drop/ingest.ts';
import { ReelayError } from '#core/errors.ts';
import { createLocalDropFolder } from './drop-files.ts';
import { type Backoff, createBackoff, createBell, type DropLog, pause, type Say, sayOnce } from './drop-pace.ts';
import { checkPlaces, type DropPlaces, openDropPlaces, removeUnfinished } from './drop-places.ts';
import { createScanner, type Scanner } from './drop-scanner.ts';
import type { LocalSource } from './drop-source.ts';
import { holdLock, isHeld, type ProcessLock } from './process-lock.ts';

/** A process that stands by looks this often whether the one that watches is gone. */
const STAND_BY_MS = 5_000;

/** Everything `submit` needs, and a log. */
export interface LocalDropPorts extends Omit<DropPorts<LocalSource>, 'folder' | 'tenant'> {
  readonly log: DropLog;
}

/** Where drops lie and for whom. */
export interface DropOptions {
  readonly folder: string;
  readonly tenant: string;
  /** false: no events, scans alone. */
  readonly watch?: boolean;
}

/** A drop folder at work. */
export interface RunningDrop {
  readonly places: DropPlaces;
  /** Resolves once it has stopped; whoever waits for it after the signal may close the stores. */
  readonly stopped: Promise<void>;
}

/** Makes the folders and starts; throws `store_unavailable` in words when the folder cannot be used. Stops with the signal. */
export async function startDrop(
  ports: LocalDropPorts,
  options: DropOptions,
  signal: AbortSignal,
): Promise<RunningDrop> {
  const places = await openDropPlaces(options.folder);
  return { places, stopped: run(ports, options, places, signal) };
}

async function run(ports: LocalDropPorts, options: DropOptions, places: DropPlaces, signal: AbortSignal) {
  const say = sayOnce(ports.log);
  while (!signal.aborted) {
    const lock = takeLock(join(places.root, '.drop.lock'), say);
    if (lock === undefined) {
      await pause(STAND_BY_MS, signal);
      continue;
    }
    try {
      await removeUnfinished(places).catch(error => say.trouble('the drop folder cannot be cleaned', error));
      const scanner = createScanner(places, () => performance.now());
      const folder = createLocalDropFolder(places, name => scanner.find(name));
      const all: DropPorts<LocalSource> = { ...ports, folder, tenant: options.tenant };
      const watching = watchFolder(places, { options, scanner, all, say, signal });
      await Promise.all([watching, finishReceipts(all, say, signal)]);
    } finally {
      attempt(() => lock.release(), say);
    }
  }
}

/** undefined while another process watches. A look first: taking a held lock makes the whole process wait for it. */
function takeLock(path: string, say: Say): ProcessLock | undefined {
  return attempt(() => (isHeld(path) ? undefined : holdLock(path)), say);
}

interface Watching {
  readonly options: DropOptions;
  readonly scanner: Scanner;
  readonly all: DropPorts<LocalSource>;
  readonly say: Say;
  readonly signal: AbortSignal;
}

async function watchFolder(places: DropPlaces, { options, scanner, all, say, signal }: Watching): Promise<void> {
  const bell = createBell(signal);
  const backoff = createBackoff();
  let watcher: FSWatcher | undefined;
  let watched = '';
  while (!signal.aborted) {
    let restMs: number = dropLimits.scanEveryMs;
    let gapMs: number = dropLimits.scanGapMs;
    try {
      const inFolder = await checkPlaces(places);
      if (options.watch !== false && inFolder !== watched) {
        watcher?.close();
        watcher = listen(places, bell.ring, say);
        watched = inFolder;
      }
      const startedMs = performance.now();
      const { ready, pending } = await scanner.scan();
      gapMs += performance.now() - startedMs; // of a large folder: half of the time at most goes into looking
      const due = ready.filter(({ main }) => backoff.isDue(main.identity));
      await takeIn(all, due.slice(0, dropLimits.dropsPerPass), { scanner, backoff, say, signal });
      if (due.length > dropLimits.dropsPerPass) restMs = 0;
      else if (pending === 0) restMs = dropLimits.reconcileEveryMs;
    } catch (error) {
      say.trouble('the drop folder cannot be read', error);
    }
    await bell.wait(restMs, gapMs);
  }
  watcher?.close();
}

/** One by one; several failures in a row end the pass, since what is out is out for all. */
async function takeIn(
  all: DropPorts<LocalSource>,
  units: readonly DropUnit<LocalSource>[],
  { scanner, backoff, say, signal }: { scanner: Scanner; backoff: Backoff; say: Say; signal: AbortSignal },
): Promise<void> {
  let failures = 0;
  for (const unit of units) {
    if (signal.aborted || failures >= dropLimits.failuresPerPass) return;
    try {
      const done = await ingest(all, unit);
      if (done.outcome === 'skipped') scanner.settle([unit.main, ...unit.parts]);
      if (done.outcome === 'waiting' && done.reason === 'no_model') backoff.later(unit.main.identity);
      else backoff.clear(unit.main.identity);
      if (done.outcome !== 'waiting') say.done(unit.main.identity, done.outcome, done.jobIds);
      failures = 0;
    } catch (error) {
      say.trouble('a drop waits', error, unit.main.identity);
      // The queue is full for all alike, and the next second may have room.
      if (error instanceof ReelayError && (error.code === 'queue_full' || error.code === 'rate_limited')) return;
      failures++;
      backoff.later(unit.main.identity);
    }
  }
}

async function finishReceipts(all: DropPorts<LocalSource>, say: Say, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined;
  while (!signal.aborted) {
    try {
      const { next, closed, failure } = await closeReceipts(all, cursor);
      cursor = next;
      if (failure !== undefined) say.trouble('a receipt waits', failure);
      if (closed > dropLimits.receiptsPerLook / 2) continue; // many end at once: no rest between the pages
    } catch (error) {
      say.trouble('a receipt waits', error);
    }
    await pause(dropLimits.scanEveryMs, signal);
  }
}

function listen(places: DropPlaces, ring: () => void, say: Say): FSWatcher | undefined {
  try {
    const watcher = watch(places.in, { encoding: 'buffer', persistent: false }, ring);
    watcher.on('error', error => say.trouble('events of the drop folder are missing; it is read every 30 s', error));
    return watcher;
  } catch (error) {
    say.trouble('events of the drop folder are missing; it is read every 30 s', error);
    return undefined;
  }
}

function attempt<T>(work: () => T, say: Say): T | undefined {
  try {
    return work();
  } catch (error) {
    say.trouble('the drop folder cannot be locked', error);
    return undefined;
  }
}
