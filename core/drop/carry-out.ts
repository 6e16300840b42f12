/** Carries an outcome out: papers first, then the sources move. Every step may be done again, so a crash between two is no matter. */
import type { Job } from '../job.ts';
import { readStandings } from '../jobs/standing.ts';
import type { AcceptPorts } from './accept.ts';
import type { DropFolder, DropSource } from './drop-folder.ts';
import type { Member } from './gather.ts';
import { openReceipt, outputName, paperText, type Receipt, receiptName, seconds, sourceFile } from './papers.ts';
import { createRow, type SeenRow } from './registry.ts';

/** What carrying out needs. */
export interface CarryPorts<S extends DropSource> extends AcceptPorts {
  readonly folder: DropFolder<S>;
}

/** The sources of a row, the main one first. `fresh` when the row was made just now and nothing of it can have been done before. */
export interface Carried<S extends DropSource> {
  readonly members: readonly Member<S>[];
  readonly marker: S | undefined;
  readonly fresh: boolean;
}

/** Writes what an outcome owes and takes its sources away; skipped ones stay where they lie. */
export async function carryOut<S extends DropSource>(
  ports: CarryPorts<S>,
  row: SeenRow,
  { members, marker, fresh }: Carried<S>,
): Promise<void> {
  const [main, ...others] = members;
  if (main === undefined || row.partOf !== null) return takeMember(ports, row, main, null);
  if (row.outcome === 'accepted' || row.outcome === 'duplicate') await writeReceipts(ports, row, main.source);
  if (row.outcome === 'rejected') await writeError(ports, row, main.source, fresh);
  const parts = others.filter(({ source }) => row.parts.some(({ identity }) => identity === source.identity));
  for (const part of parts) await createRow(ports, 'drop_seen', part.source.identity, partRow(row, part.source, main));
  for (const part of parts) await takeMember(ports, row, part, null);
  if (marker !== undefined && row.outcome !== 'skipped') await ports.folder.takeAway(marker, 'accepted', {});
  // The main file goes last: while it lies there, whoever finds it does all of this again.
  await takeMember(ports, row, main, row.rejectedAs?.source ?? null);
}

async function takeMember<S extends DropSource>(
  ports: CarryPorts<S>,
  row: SeenRow,
  member: Member<S> | undefined,
  name: string | null,
): Promise<void> {
  if (member === undefined || row.outcome === 'skipped') return;
  const { source, content } = member;
  await ports.folder.takeAway(source, row.outcome === 'rejected' ? 'rejected' : 'accepted', {
    ...(name === null ? {} : { name }),
    ...(content === undefined ? {} : { content }),
  });
}

function partRow<S extends DropSource>(row: SeenRow, part: S, main: Member<S>): SeenRow {
  const source = sourceFile(row.parts.find(({ identity }) => identity === part.identity)!);
  return { ...row, source, parts: [], jobs: [], error: null, rejectedAs: null, partOf: main.source.identity };
}

async function writeReceipts<S extends DropSource>(ports: CarryPorts<S>, row: SeenRow, main: S): Promise<void> {
  const parts = row.parts.map(sourceFile);
  const outcome = row.outcome === 'duplicate' ? 'duplicate' : 'accepted';
  for (const { id, line } of row.jobs) {
    const job = await ports.store.get(id, ports.tenant);
    if (job === undefined || job.deletedAtMs !== null) continue; // deleted since: its receipt was written before that
    const eta = row.jobs.length === 1 ? await etaOf(ports, job) : null;
    const receipt = openReceipt(job, { source: row.source, parts, line, outcome, eta });
    const receiptFile = receiptName(main.name, id, outcome === 'duplicate' ? main.identity : null);
    const open = { receipt, receiptFile, outputFile: outputName(row.stem, id) };
    // Before the receipt: a receipt that nobody would finish must not exist.
    await createRow(ports, 'drop_open', `${id}/${main.identity.slice(0, 16)}`, open);
    await ports.folder.write('out', receiptFile, paperText(receipt), { replace: false });
  }
}

/** A nicety: what it cannot tell, it leaves out. */
async function etaOf<S extends DropSource>(ports: CarryPorts<S>, job: Job): Promise<Receipt['eta']> {
  const standings = await readStandings(ports, [job]).catch(() => undefined);
  const eta = standings?.get(job.id)?.eta;
  return eta ? { earliest: seconds(eta.earliestMs), latest: seconds(eta.latestMs) } : null;
}

async function writeError<S extends DropSource>(
  ports: CarryPorts<S>,
  row: SeenRow,
  main: S,
  fresh: boolean,
): Promise<void> {
  if (row.error === null || row.rejectedAs === null) return;
  const text = paperText({
    object: 'drop.error',
    error: row.error,
    outcome: 'rejected',
    source: row.source,
    parts: row.parts.map(sourceFile),
    created_at: seconds(row.atMs),
  });
  const written = await ports.folder.write('rejected', row.rejectedAs.paper, text, { replace: false });
  // Someone else's file took the name since it was chosen. Later the file of this name is taken for ours.
  if (!written && fresh)
    await ports.folder.write('rejected', `drop.${main.identity.slice(0, 16)}.error.json`, text, { replace: false });
}
