/**
 * One drop, one outcome. The row in `drop_seen` is the decision:
 *
 *     no row -> decided       read, check, submit, then one conditional create; of two at once one writes it and both obey it
 *     row    -> carried out   papers, moves; repeated until the file has left the watched place
 *
 * Before the row exists everything is repeatable: jobs are made under keys that the content gives. So a crash anywhere ends, when the
 * file is found again, with the same job and the same outcome.
 */
import { ReelayError } from '../errors.ts';
import { accept } from './accept.ts';
import { type CarryPorts, carryOut } from './carry-out.ts';
import type { DropSource } from './drop-folder.ts';
import { dropLimits } from './drop-limits.ts';
import { type Gathered, gather, type Member } from './gather.ts';
import { type DropUnit, skipReason } from './group.ts';
import { escapeName, isMediaName, safeExtension, safeStem } from './names.ts';
import { errorEnvelope, type SourceFile } from './papers.ts';
import { createRow, type Outcome, readRow, type SeenRow } from './registry.ts';

/** What taking in a drop needs. */
export type DropPorts<S extends DropSource = DropSource> = CarryPorts<S>;

/** What became of a drop; `waiting` is no outcome, the drop is looked at again. */
export type Ingested =
  | { readonly outcome: Outcome; readonly jobIds: readonly string[] }
  | { readonly outcome: 'waiting'; readonly reason: string };

/**
 * Takes one unit in. Throws retryable errors of the stores, the folder and the queue (`store_unavailable`, `queue_full`,
 * `rate_limited`): nothing is decided then and the drop stays where it is.
 */
export async function ingest<S extends DropSource>(ports: DropPorts<S>, unit: DropUnit<S>): Promise<Ingested> {
  const { main, marker } = unit;
  const known = await readRow(ports, 'drop_seen', main.identity);
  if (known !== undefined) {
    const members = [main, ...(await partsOf(ports, unit, known.value))].map(source => ({
      source,
      content: undefined,
    }));
    await carryOut(ports, known.value, { members, marker, fresh: false });
    return told(known.value);
  }
  const decided = await decide(ports, unit);
  if ('waiting' in decided) return { outcome: 'waiting', reason: decided.waiting };
  const { members } = decided;
  const ours = await createRow(ports, 'drop_seen', main.identity, decided.row);
  const row = ours ? decided.row : ((await readRow(ports, 'drop_seen', main.identity))?.value ?? decided.row);
  await carryOut(ports, row, { members, marker, fresh: ours });
  return told(row);
}

/** The parts of a decided drop that still lie there, those that only its request named among them. */
async function partsOf<S extends DropSource>(ports: DropPorts<S>, { main, parts }: DropUnit<S>, row: SeenRow) {
  const found = [...parts];
  for (const { identity, plainName } of row.parts) {
    if (found.some(part => part.identity === identity)) continue;
    const there = await ports.folder.beside(main, plainName);
    if (there !== undefined && there !== 'unstable' && there.identity === identity) found.push(there);
  }
  return found;
}

function told({ outcome, jobs }: SeenRow): Ingested {
  return { outcome, jobIds: jobs.map(({ id }) => id) };
}

type Decision<S extends DropSource> = { waiting: string } | { row: SeenRow; members: readonly Member<S>[] };

async function decide<S extends DropSource>(ports: DropPorts<S>, unit: DropUnit<S>): Promise<Decision<S>> {
  const { main } = unit;
  const reason = skipReason(main);
  if (reason !== undefined) return skipped(ports, [{ source: main, content: undefined }], reason);
  if (waitsForSidecar(unit)) return { waiting: 'sidecar' };
  if (ports.models.length === 0) return { waiting: 'no_model' };
  const isOwnOutput = async (sha256: string) => (await readRow(ports, 'drop_output', sha256)) !== undefined;
  const gathered = await gather({ folder: ports.folder, isOwnOutput }, unit);
  switch (gathered.state) {
    case 'waiting':
      return { waiting: gathered.reason };
    case 'skipped':
      return skipped(ports, gathered.members, gathered.reason);
    case 'refused':
      return rejected(ports, gathered.members, gathered.error);
    case 'requests':
      return acceptOrReject(ports, gathered);
  }
}

/** Its sidecar may be written a moment later. */
function waitsForSidecar({ main, parts, marker }: DropUnit): boolean {
  if (!isMediaName(main.name) || parts.length > 0 || marker !== undefined) return false;
  return main.ageMs < dropLimits.sidecarWaitMs;
}

async function acceptOrReject<S extends DropSource>(
  ports: DropPorts<S>,
  { members, requests }: Extract<Gathered<S>, { state: 'requests' }>,
): Promise<Decision<S>> {
  try {
    const { outcome, jobs, stem } = await accept(ports, members[0]!.source, requests);
    return { members, row: { ...blank(ports, members), outcome, jobs, stem } };
  } catch (error) {
    if (error instanceof ReelayError && !error.retryable) return rejected(ports, members, error);
    throw error;
  }
}

function skipped<S extends DropSource>(
  ports: DropPorts<S>,
  members: readonly Member<S>[],
  reason: string,
): Decision<S> {
  return { members, row: { ...blank(ports, members), reason } };
}

/** Its error file has the source's stem where both names are free, else both carry the mark of this drop. */
async function rejected<S extends DropSource>(
  ports: DropPorts<S>,
  members: readonly Member<S>[],
  error: ReelayError,
): Promise<Decision<S>> {
  const { name, identity } = members[0]!.source;
  const stem = safeStem(name);
  const paper = `${stem}.error.json`;
  const marked = `${stem}.${identity.slice(0, 8)}`;
  const rejectedAs = (await ports.folder.isFree('rejected', [paper, name]))
    ? { paper, source: null }
    : { paper: `${marked}.error.json`, source: `${marked}${safeExtension(name)}` };
  const row = { ...blank(ports, members), outcome: 'rejected' as const, error: errorEnvelope(error), rejectedAs };
  return { members, row };
}

function blank<S extends DropSource>(ports: DropPorts<S>, members: readonly Member<S>[]): SeenRow {
  const [main, ...parts] = members;
  return {
    outcome: 'skipped',
    source: fileOf(main!),
    parts: parts.map(part => ({ ...fileOf(part), identity: part.source.identity, plainName: part.source.name })),
    jobs: [],
    stem: '',
    reason: null,
    error: null,
    rejectedAs: null,
    partOf: null,
    atMs: ports.now(),
  };
}

function fileOf<S extends DropSource>({ source, content }: Member<S>): SourceFile {
  return { name: escapeName(source.name), bytes: source.bytes, sha256: content?.sha256 ?? null };
}
