/**
 * Erasing a subject:
 *
 *     1  the key becomes the tombstone: from here on nothing of the subject can be read or stored, in this store or any copy of it
 *     2  their jobs are stopped and removed, and the bytes that the notes name go, in all their versions; each note after what it names
 *     3  the ledger is told
 *     4  the tombstone says that it is done
 *
 * Died anywhere after 1: the sweep, or the same call, goes on. Died before: nothing happened. Told twice, the ledger has two records of one
 * erasure, which is no harm; told too early, it would have one of none.
 */
import { sweepEach } from '../jobs/sweep.ts';
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';
import { auditLimits } from './audit-limits.ts';
import type { AuditActor, AuditPort } from './audit-port.ts';
import { listSubjectJobs, subjectJobsSpace } from './subject-jobs.ts';
import {
  readSubject,
  type Subject,
  type SubjectState,
  stateOfSubject,
  subjectKeyKind,
  subjectKeyPlace,
  subjectOfEntry,
} from './subject-key.ts';
import { notesSpace } from './vault.ts';

/** What an erasure needs from outside. */
export interface ErasePorts {
  readonly kv: KeyValueStore;
  /** Removes every key below the prefix, and on a bucket with versions every version and delete marker. */
  readonly deleteAllVersions: (prefix: string) => Promise<void>;
  /** Stops a job of the tenant and removes what it has; an unknown one is fine. */
  readonly removeJob: (tenant: string, jobId: string) => Promise<void>;
  readonly audit: Pick<AuditPort, 'record'>;
  /** What a store does so that a key that it no longer holds is not left in a file of it; nothing by default. */
  readonly scrub?: () => Promise<void>;
  readonly now: () => number;
}

/** What became of it. */
export interface Erasure {
  /** When the key was destroyed, ms. */
  readonly atMs: number;
  /** Jobs and folders that this call removed. */
  readonly removed: number;
}

/** Erases a subject, or finishes that. May be repeated at any time. `actor`: who asked. Throws `store_unavailable`. */
export async function eraseSubject(ports: ErasePorts, subject: Subject, actor: AuditActor): Promise<Erasure> {
  const tombstone = await destroyKey(ports, subject);
  const state = stateOfSubject(tombstone) as SubjectState & { atMs: number };
  const removed = (await removeJobs(ports, subject)) + (await removeNoted(ports, subject));
  await ports.scrub?.();
  if (state.state === 'erased') return { atMs: state.atMs, removed };
  await ports.audit.record({
    actor,
    action: 'subject.erase',
    object: { kind: 'subject', name: `${subject.tenant}\n${subject.id}` },
    decision: { outcome: 'done' },
  });
  // A writer that hung since before the key went may still store what nobody can read: one more look.
  const value: SubjectState = { v: 1, state: 'erased', atMs: state.atMs };
  await ports.kv.replace({ ...tombstone, value, dueAtMs: ports.now() + auditLimits.secondLookMs });
  return { atMs: state.atMs, removed };
}

/**
 * For the sweep: goes on with erasures that stopped, and looks a second time after those that are done. Returns how many it looked at. One
 * that fails keeps no other waiting; the first failure is thrown at the end.
 */
export async function sweepErasures(ports: ErasePorts, limit: number): Promise<number> {
  return sweepEach(await ports.kv.listDue(subjectKeyKind, ports.now(), limit), async entry => {
    const subject = subjectOfEntry(entry);
    const wasErased = stateOfSubject(entry).state === 'erased';
    await eraseSubject(ports, subject, { system: 'sweep' });
    if (wasErased) await ports.kv.replace({ ...entry, dueAtMs: null });
  });
}

/** The tombstone in place of the key; the one that is there already stays. */
async function destroyKey({ kv, now }: ErasePorts, subject: Subject): Promise<KeyValueEntry> {
  const value: SubjectState = { v: 1, state: 'erasing', atMs: now() };
  const tombstone = { ...subjectKeyPlace(subject), value, expiresAtMs: null, dueAtMs: now() + auditLimits.resumeMs };
  for (;;) {
    const there = await readSubject(kv, subject);
    if (there !== undefined && stateOfSubject(there).state !== 'live') return there;
    const version = there?.version;
    const written = version === undefined ? await kv.create(tombstone) : await kv.replace({ ...tombstone, version });
    if (written !== undefined) return written;
  }
}

async function removeJobs({ kv, removeJob }: ErasePorts, subject: Subject): Promise<number> {
  let removed = 0;
  for (;;) {
    const page = await listSubjectJobs(kv, subject, { limit: auditLimits.listPage });
    for (const id of page) {
      await removeJob(subject.tenant, id);
      await kv.remove(subjectJobsSpace(subject), id);
      removed++;
    }
    if (page.length < auditLimits.listPage) return removed;
  }
}

async function removeNoted({ kv, deleteAllVersions }: ErasePorts, subject: Subject): Promise<number> {
  const space = notesSpace(subject);
  let removed = 0;
  for (;;) {
    const page = await kv.list(space, { limit: auditLimits.listPage });
    for (const { name } of page) {
      await deleteAllVersions(name);
      await kv.remove(space, name);
      removed++;
    }
    if (page.length < auditLimits.listPage) return removed;
  }
}
