/** What must hold when the faults are over and time was given. */
import { isTerminal, type Job, variants } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import { jobOfKey } from './check-effects.ts';
import { checkMoney } from './check-money.ts';
import { expectedContent, told } from './sim-video.ts';
import type { WishState, World } from './world.ts';

/** Whether nothing is left to do that a living installation would still do. */
export function isSettled(world: World): boolean {
  if (world.store.unsettled.size > 0 || world.underway > 0 || world.queue.size() > 0) return false;
  for (const { busy } of world.wishes.values()) if (busy) return false;
  // A letter that the queue itself wrote is to be dealt with.
  if (world.deadLetters.messages().some(({ reason }) => reason === undefined)) return false;
  return world.slots.every(({ node }) => node?.stopped() !== true);
}

/** What is still open, for the message of a world that does not settle. */
export function openThings(world: World): string {
  const jobs = [...world.store.unsettled].map(id => {
    const job = world.store.records.get(id)!;
    return `${id} ${told(job.request).name} ${job.status}/${job.attempt} owes ${job.outbox.map(entry => entry.kind).join('+') || 'nothing'}`;
  });
  const busy = [...world.wishes.values()].flatMap(({ wish, busy }) => (busy ? [wish.name] : []));
  return `jobs: ${jobs.join('; ')}; messages: ${world.queue.size()}; clients: ${busy.join(' ')}; calls: ${world.underway}`;
}

/** Judges a settled world. */
export function checkEnd(world: World): void {
  for (const state of world.wishes.values()) checkWish(world, state);
  for (const job of world.store.records.values()) checkJob(world, job);
  checkEvents(world);
  checkBlobs(world);
  checkMoney(world);
  for (const id of world.facts.deleteAcked)
    if (world.store.records.has(id)) world.violate('a deleted job goes', `${id} is still there`);
}

function checkWish(world: World, { wish, acked }: WishState): void {
  for (const id of acked) {
    if (world.store.records.has(id)) continue;
    if (!world.facts.removed.has(id))
      world.violate('I1 no acknowledged job is lost', `${id} of ${wish.name} is unknown`);
    else if (!world.facts.deleteAsked.has(id)) world.violate('only deleted jobs go', `${id} of ${wish.name}`);
  }
}

function checkJob(world: World, job: Job): void {
  const { facts } = world;
  const { id } = job;
  const is = (holds: boolean, rule: string, says: string) => {
    if (!holds) world.violate(rule, `${id} ${told(job.request).name}: ${says}`);
  };
  is(isTerminal(job.status), 'I1 every job ends', job.status);
  if (job.status === 'cancelled')
    is(facts.cancelAsked.has(id) || facts.deleteAsked.has(id), 'nobody cancels unasked', '');
  if (job.status === 'completed')
    for (const variant of variants) {
      const bytes = world.blobs.blobs.get(job.artifacts[variant]?.key ?? '');
      const right = expectedContent(job.request, variant);
      is(bytes !== undefined && Buffer.compare(bytes, right) === 0, 'I3 the output stays', variant);
    }
  const { nature } = told(job.request);
  if (nature !== 'healthy') is(job.status !== 'completed', 'poison does not complete', nature);
  if (job.status !== 'failed' || job.error?.code === 'deadline_exceeded') return;
  const letters = world.deadLetters.messages().filter(({ jobId }) => jobId === id);
  const redriven = facts.redriven.has(id);
  is(redriven || letters.length > 0, 'poison leaves a letter', 'none is there');
  is(
    letters.every(({ reason }) => reason === job.error?.code),
    'a letter tells why',
    letters.map(({ reason }) => reason).join(),
  );
  if (nature === 'healthy') return;
  const exact = nature === 'fatal' || job.failures === limits.maxFailures || job.restarts + 1 >= limits.maxRestarts;
  is(exact, 'poison ends after three failures', `${nature}: ${job.failures} failures, ${job.attempt} attempts`);
}

function checkEvents(world: World): void {
  const byJob = Map.groupBy(world.events.received, event => event.data.id);
  for (const [id, events] of byJob)
    if (new Set(events.map(event => JSON.stringify(event))).size > 1)
      world.violate('one event an end', `${id}: ${[...new Set(events.map(event => event.id))].join(' and ')}`);
  const audited = Map.groupBy(world.facts.audited, event => event.object.name);
  for (const id of [...world.store.records.keys(), ...world.facts.removed.keys()]) {
    checkAudit(world, id, new Set(audited.get(id)?.map(event => event.action)));
    const [event] = byJob.get(id) ?? [];
    if (event === undefined) world.violate('the end is told', `no event of ${id}`);
    else if (!world.facts.enqueued.has(event.id))
      world.violate('the end is told', `no webhook delivery of ${event.id}`);
  }
}

/** Whatever died or was out: what was accepted and what became of it is in the audit ledger, at least once. */
function checkAudit(world: World, id: string, told: ReadonlySet<string>): void {
  if (!told.has('job.submit') && !told.has('job.redrive')) world.violate('the ledger is told', `no submit of ${id}`);
  const ends = ['job.complete', 'job.fail', 'job.cancel', 'job.delete'];
  if (!ends.some(end => told.has(end))) world.violate('the ledger is told', `no end of ${id}`);
}

/**
 * Bytes that were there when their job ended are removed with it. Those of a worker that had lost the job, was stopped and goes on later
 * stay out of sight until the job goes, and what comes even later until its tombstone goes: both are counted.
 */
function checkBlobs(world: World): void {
  const { facts, store, blobs } = world;
  for (const key of blobs.blobs.keys()) {
    const id = jobOfKey(key);
    const job = store.records.get(id);
    if (isOrphan(world, key) && store.tombstones.has(id)) facts.orphans++;
    else if (job === undefined) world.violate('no bytes that nobody knows of', key);
    else if (facts.putMs.get(key)! > (facts.endedMs.get(id) ?? Number.POSITIVE_INFINITY)) facts.lateBytes++;
    else if (key.includes('/checkpoint/')) world.violate('no checkpoint outlives its job', key);
    else if (job.status !== 'completed' || !key.includes(`/attempt=${job.attempt}/`))
      world.violate('no bytes of other attempts', `${key}, the job is ${job.status}/${job.attempt}`);
  }
}

/** Whether these bytes came after the record of their job was gone. */
function isOrphan({ facts }: World, key: string): boolean {
  return facts.putMs.get(key)! >= (facts.removed.get(jobOfKey(key)) ?? Number.POSITIVE_INFINITY);
}
