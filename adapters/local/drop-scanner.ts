/**
 * Reads the watched folder and tells which drops are whole. A file is whole when
 *
 *     it was equal, in size and times, over limits of two seconds     a writer at work changes both
 *     it came by a rename                                             known by its inode, or by a change that no write made
 *     x.ready lies beside it                                          its sender says so
 */
import { readdir } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { dropLimits } from '#core/drop/drop-limits.ts';
import { type DropUnit, groupSources } from '#core/drop/group.ts';
import { kindOfName, sameSpelling, stemOf } from '#core/drop/names.ts';
import type { DropPlaces } from './drop-places.ts';
import { type LocalSource, pathIn, sourceOf, statOf, versionOf } from './drop-source.ts';

/** What one look at the folder gave. */
export interface Scan {
  /** Drops that may be taken in now. */
  readonly ready: readonly DropUnit<LocalSource>[];
  /** Drops that lie there without an outcome, ready or not. */
  readonly pending: number;
}

/** A scanner remembers what it saw: two looks make a judgement. */
export interface Scanner {
  scan(): Promise<Scan>;
  /** These versions have their outcome and stay where they are. */
  settle(sources: readonly LocalSource[]): void;
  /** The file of this name at the last look. */
  find(name: string): LocalSource | 'unstable' | undefined;
}

interface Tracked {
  readonly version: string;
  readonly source: LocalSource;
  readonly sinceMs: number;
  readonly renamed: boolean;
}

/** Entries that are looked at before others may have the thread: about a millisecond's work. */
const SLICE = 128;

/** A scanner of the watched folder; `clock` is monotonic, in milliseconds. */
export function createScanner(places: DropPlaces, clock: () => number): Scanner {
  let tracked = new Map<string, Tracked>();
  let settled = new Map<string, string>();

  // A link beside its first name may be the middle of a rename by other means: only time tells.
  const isWhole = ({ renamed, sinceMs, source }: Tracked) =>
    (renamed && !source.shared) || clock() - sinceMs >= dropLimits.stableMs;

  async function look(): Promise<Map<string, Tracked>> {
    const names = await readdir(places.in, { encoding: 'buffer' });
    const bodies = new Map([...tracked.values()].map(one => [one.source.body, one]));
    const seen = new Map<string, Tracked>();
    for (const [at, raw] of names.slice(0, dropLimits.entriesPerScan).entries()) {
      if (at % SLICE === SLICE - 1) await turn();
      const stats = statOf(pathIn(places.in, raw));
      if (stats === undefined) continue;
      const key = raw.toString('latin1');
      const before = tracked.get(key);
      if (before?.version === versionOf(stats)) seen.set(key, before);
      else seen.set(key, track(sourceOf(raw, stats), versionOf(stats), bodies));
    }
    return seen;
  }

  function track(source: LocalSource, version: string, bodies: ReadonlyMap<string, Tracked>): Tracked {
    const elsewhere = bodies.get(source.body);
    const moved = elsewhere !== undefined && !elsewhere.source.raw.equals(source.raw);
    const renamed = source.kind === 'file' && (moved || source.quietMs >= dropLimits.stableMs);
    return { version, source, sinceMs: clock(), renamed };
  }

  const aged = (one: Tracked): LocalSource => ({ ...one.source, ageMs: clock() - one.sinceMs });
  const stemKey = ({ name }: LocalSource) => sameSpelling(stemOf(name));

  return {
    async scan() {
      tracked = await look();
      settled = new Map([...settled].filter(([key, identity]) => tracked.get(key)?.source.identity === identity));
      const open = [...tracked].filter(([key]) => !settled.has(key)).map(([, one]) => one);
      const growing = new Set(open.filter(one => !isWhole(one)).map(({ source }) => stemKey(source)));
      const units = groupSources(open.map(aged));
      const ready = units.filter(({ main, marker }) => marker !== undefined || !growing.has(stemKey(main)));
      return { ready, pending: units.length };
    },

    settle(sources) {
      for (const { raw, identity } of sources) settled.set(raw.toString('latin1'), identity);
    },

    find(name) {
      const alike = [...tracked.values()].filter(({ source }) => sameSpelling(source.name) === sameSpelling(name));
      const one = alike.find(({ source }) => source.name === name) ?? alike[0];
      if (one === undefined || kindOfName(name) === 'marker') return undefined;
      return isWhole(one) ? aged(one) : 'unstable';
    },
  };
}
