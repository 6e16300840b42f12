/** What R8 found: the registry, the folders and the jobs against what was dropped. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorPaper, Receipt } from '#core/drop/papers.ts';
import type { SeenRow } from '#core/drop/registry.ts';
import type { Job } from '#core/job.ts';
import type { Dropped } from './drop-crowd.ts';
import { hashOf } from './drop-plan.ts';
import { all, atMost, type Goal, none, percentile, round } from './result.ts';

export interface Found {
  readonly folder: string;
  readonly dropped: readonly Dropped[];
  readonly rows: readonly SeenRow[];
  readonly jobs: readonly Job[];
  /** Of the files outside, before anything was dropped. */
  readonly canaries: string;
}

const keyOf = (name: string, sha256: string | null) => `${name} ${sha256 ?? ''}`;

/** All goals of R8, and the figures beside them. */
export function checkDrops(found: Found): { goals: Goal[]; figures: Record<string, unknown> } {
  const { dropped, rows } = found;
  const byKey = Map.groupBy(rows, ({ source }) => keyOf(source.name, source.sha256));
  const owed = dropped.filter(({ optional }) => !optional);
  const known = new Set(dropped.map(({ name, sha256 }) => keyOf(name, sha256)));
  const counts = owed.map(({ name, sha256 }) => byKey.get(keyOf(name, sha256))?.length ?? 0);
  const waitsMs = owed.map(({ name, sha256, atMs }) => (byKey.get(keyOf(name, sha256))?.[0]?.atMs ?? 0) - atMs);
  const goals = [
    all('with exactly one outcome', counts.filter(count => count === 1).length, owed.length),
    none(
      'outcomes of nothing that was dropped',
      [...byKey.keys()].filter(key => !known.has(key)),
    ),
    none('wrong outcomes', owed.filter(one => isWrong(one, byKey.get(keyOf(one.name, one.sha256))?.[0])).map(show)),
    ...checkJobs(found),
    ...checkPapers(found),
    ...checkBytes(found),
    none('escapes', canariesOf(found.folder) === found.canaries ? 0 : 1),
    atMost('found within', Math.max(...waitsMs) / 1000, 60, 's'),
  ];
  const share = (isIt: (one: Dropped) => boolean) => round((100 * dropped.filter(isIt).length) / dropped.length);
  const outcomes = Map.groupBy(rows, ({ outcome }) => outcome);
  return {
    goals,
    figures: {
      outcomes: Object.fromEntries([...outcomes].map(([outcome, list]) => [outcome, list.length])),
      hostileNames: dropped.filter(({ hostile }) => hostile).length,
      duplicatePercent: round((100 * (outcomes.get('duplicate')?.length ?? 0)) / dropped.length),
      reorderedPercent: share(({ kind }) => / (after|before) /.test(kind)),
      missedPercent: share(({ missed }) => missed),
      foundSeconds: Object.fromEntries(
        [0.5, 0.95, 0.99, 1].map(q => [`p${q * 100}`, round(percentile(waitsMs, q) / 1000)]),
      ),
    },
  };
}

const show = ({ name, expect }: Dropped) => `${name} (${expect})`;

function isWrong({ expect }: Dropped, row: SeenRow | undefined): boolean {
  if (row === undefined) return false; // counted elsewhere
  if (expect === 'job') return row.outcome !== 'accepted' && row.outcome !== 'duplicate';
  return expect === 'rejected' ? row.outcome !== 'rejected' : row.outcome !== 'skipped' || row.reason !== expect;
}

/** One job a content, whoever dropped it and how often. */
function checkJobs({ rows, jobs }: Found): Goal[] {
  const accepted = rows.filter(({ outcome, partOf }) => outcome === 'accepted' && partOf === null);
  const made = accepted.flatMap(row => row.jobs.map(({ id }) => id));
  const contents = new Set(jobs.map(({ request: { prompt, seed } }) => `${prompt} ${seed === 1}`));
  return [
    none('jobs without a drop, or with two', jobs.length - new Set(made).size + (made.length - new Set(made).size)),
    none('contents with two jobs', jobs.length - contents.size),
    none(
      'jobs that did not end',
      jobs.filter(({ status }) => status !== 'completed').map(({ id }) => id),
    ),
  ];
}

/** A finished receipt for each job of each drop, its video with the right bytes, an error file for each refusal, and no others. */
function checkPapers({ folder, rows }: Found): Goal[] {
  const out = join(folder, 'drop', 'out');
  const rejected = join(folder, 'drop', 'rejected');
  const papers = <T>(place: string, end: string) =>
    readdirSync(place)
      .filter(name => name.endsWith(end))
      .map(name => JSON.parse(readFileSync(join(place, name), 'utf8')) as T);
  const receipts = papers<Receipt>(out, '.receipt.json');
  const errors = papers<ErrorPaper>(rejected, '.error.json').filter(({ object }) => object === 'drop.error');
  const owed = rows.filter(({ partOf }) => partOf === null);
  const receiptsOwed = owed.flatMap(({ outcome, jobs, source }) =>
    outcome === 'accepted' || outcome === 'duplicate' ? jobs.map(({ id }) => `${id} ${outcome} ${source.name}`) : [],
  );
  const errorsOwed = owed
    .filter(({ outcome }) => outcome === 'rejected')
    .map(({ source }) => keyOf(source.name, source.sha256));
  const bad = receipts.filter(({ status, output }) => {
    if (status !== 'completed' || output === null) return true;
    return hashOf(readFileSync(join(out, output.file))) !== output.sha256;
  });
  return [
    all(
      'receipts',
      same(
        receipts.map(({ id, outcome, source }) => `${id} ${outcome} ${source.name}`),
        receiptsOwed,
      ),
      receiptsOwed.length,
    ),
    none(
      'receipts unfinished or with a wrong video',
      bad.map(({ id }) => id),
    ),
    all(
      'error files',
      same(
        errors.map(({ source }) => keyOf(source.name, source.sha256)),
        errorsOwed,
      ),
      errorsOwed.length,
    ),
    none(
      'half-written files left',
      [out, rejected].flatMap(place => readdirSync(place).filter(name => name.startsWith('.~'))),
    ),
  ];
}

/** How many of both lists are one and the same, less those that only one has. */
function same(got: readonly string[], owed: readonly string[]): number {
  const left = new Map<string, number>();
  for (const one of owed) left.set(one, (left.get(one) ?? 0) + 1);
  let extra = 0;
  for (const one of got) {
    const count = left.get(one) ?? 0;
    if (count === 0) extra++;
    else left.set(one, count - 1);
  }
  return got.length - 2 * extra;
}

/** Every source is somewhere, byte for byte; what stays in the watched folder is what may stay. */
function checkBytes({ folder, dropped, rows }: Found): Goal[] {
  const kept = new Set<string>();
  for (const place of ['in', 'accepted', 'rejected'])
    for (const raw of readdirSync(join(folder, 'drop', place), { encoding: 'buffer' })) {
      const path = Buffer.concat([Buffer.from(`${join(folder, 'drop', place)}/`), raw]);
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) kept.add(hashOf(readFileSync(path)));
    }
  const taken = new Set(rows.map(({ source }) => keyOf(source.name, source.sha256)));
  const lost = dropped.filter(one => {
    if (['link', 'folder', 'special'].includes(one.expect)) return false;
    // Who writes over a file before anyone has seen it takes its bytes away himself.
    if (one.optional && !taken.has(keyOf(one.name, one.sha256))) return false;
    return !kept.has(hashOf(one.content)) && one.content.length > 0;
  });
  const mayStay = new Set(
    dropped.filter(({ expect }) => !['job', 'rejected'].includes(expect)).map(({ name }) => name),
  );
  const left = readdirSync(join(folder, 'drop', 'in')).filter(name => !mayStay.has(name));
  return [none('lost', lost.map(show)), none('left in the watched folder', left)];
}

/** Names, bytes and times of the files that nobody may touch. */
export function canariesOf(folder: string): string {
  const outside = join(folder, 'outside');
  const files = readdirSync(outside).map(name => {
    const { mtimeMs, mode, size } = statSync(join(outside, name));
    return [name, mtimeMs, mode, size, hashOf(readFileSync(join(outside, name)))];
  });
  return JSON.stringify([files, readdirSync(folder).sort()]);
}
