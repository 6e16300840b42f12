/**
 * What must hold of every write to a record, by what the simulation knows and not by what the store checks: a store that keeps its word
 * less well than it should must be caught by the damage.
 */
import { isTerminal, type Job, variants } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import { readReceipt } from '#core/placement/read-receipt.ts';
import { expectedContent, sha256, told } from './sim-video.ts';
import { type Actor, EPOCH_MS, type SimNode, type World } from './world.ts';

/** Who has a job, and with which message. */
export interface Holder {
  readonly node: SimNode;
  readonly receipt: string | undefined;
  /** The holder has sent the message afresh, so it may ack the old one. */
  resent: boolean;
}

/** What the checks remember of the living leases. */
export interface Leases {
  readonly holders: Map<string, Holder>;
  /** When each record in progress was written last. */
  readonly writtenMs: Map<string, number>;
  /** Messages that are gone by an ack. */
  readonly acked: Set<string>;
}

/** Judges each write. */
export function createRecordCheck(world: World, leases: Leases) {
  return (before: Job | undefined, after: Job | undefined): void => {
    const actor = world.actor;
    note(world, actor, before, after);
    if (after === undefined) checkRemoval(world, before!);
    else if (before === undefined) checkCreation(world, after);
    else checkChange(world, leases, actor, before, after);
  };
}

function checkChange(world: World, leases: Leases, actor: Actor, before: Job, after: Job): void {
  const { id } = after;
  const is = (holds: boolean, rule: string, says: string) => {
    if (!holds) world.violate(rule, `${id}: ${says} (by ${actor.name})`);
  };
  is(after.version === before.version + 1, 'each write counts', `version ${before.version} became ${after.version}`);
  if (isTerminal(before.status)) {
    const same = after.status === before.status && after.artifacts === before.artifacts && after.error === before.error;
    is(same, 'I1 a terminal state never changes', `${before.status} became ${after.status}`);
  }
  const leased = before.status === 'queued' && after.status === 'in_progress';
  is(
    after.attempt === before.attempt + (leased ? 1 : 0),
    'attempts grow with leases',
    `${before.attempt} to ${after.attempt}`,
  );
  if (leased) checkLease(world, leases, actor, before, after);
  else if (before.status === 'in_progress') checkHeld(world, leases, actor, before, after, is);
  if (after.status === 'completed' && before.status !== 'completed') checkCompleted(world, before, after, is);
  if (after.status === 'failed' && before.status !== 'failed') checkFailed(world, before, after, is);
  if (isTerminal(after.status) && !isTerminal(before.status)) {
    world.facts.endedMs.set(id, world.time.nowMs());
    world.facts.endedAs.set(id, after.status);
  }
  if (after.status === 'in_progress') leases.writtenMs.set(id, world.time.nowMs());
  else leases.holders.delete(id);
}

type Is = (holds: boolean, rule: string, says: string) => void;

function note(world: World, actor: Actor, before: Job | undefined, after: Job | undefined): void {
  const job = (after ?? before)!;
  const what = after === undefined ? 'removed' : before === undefined ? 'created' : 'written';
  const moved = before !== undefined && before.status !== job.status ? `${before.status} ->` : '';
  const flags = `${job.cancelRequestedAtMs === null ? '' : 'C'}${job.deletedAtMs === null ? '' : 'D'}${job.outbox.length}`;
  const step = job.checkpoint?.step ?? 0;
  world.history.note(
    actor.name,
    what,
    job.id,
    `v${job.version}`,
    moved,
    job.status,
    job.attempt,
    job.failures,
    step,
    flags,
  );
}

function checkRemoval(world: World, before: Job): void {
  if (!isTerminal(before.status) || before.deletedAtMs === null)
    world.violate('only what is over goes', `${before.id} was removed while ${before.status}`);
  world.facts.removed.set(before.id, world.time.nowMs());
}

function checkCreation(world: World, job: Job): void {
  const { name } = told(job.request);
  const state = world.wishes.get(name);
  if (job.status !== 'queued' || job.attempt !== 0) world.violate('jobs start queued', `${job.id} is ${job.status}`);
  if (world.facts.removed.has(job.id)) world.violate('a removed job does not come back', `${job.id} of ${name}`);
  world.facts.createdMs.set(job.id, world.time.nowMs());
  if (job.terms !== null) world.facts.priced.add(job.id);
  if (job.redriveOf !== null) {
    if (world.facts.redriven.has(job.redriveOf))
      world.violate(
        'one job a redrive',
        `${job.redriveOf} became ${world.facts.redriven.get(job.redriveOf)} and ${job.id}`,
      );
    world.facts.redriven.set(job.redriveOf, job.id);
    return;
  }
  state?.jobs.add(job.id);
  if (state === undefined || state.wish.retries === 'plain' || state.jobs.size < 2) return;
  if (
    state.wish.retries === 'count' &&
    [...state.jobs].some(id => world.facts.overlapped.has(id) || clocksDiffer(world))
  )
    return;
  world.violate('each key makes one job', `${name} (${state.wish.retries}) made ${[...state.jobs].join(' and ')}`);
}

/** The notes of counted retries last two minutes, which clocks that differ by more cannot measure. */
function clocksDiffer({ scenario }: World): boolean {
  return scenario.skewMs > 10_000 || scenario.calamities.includes('clock_jump');
}

function checkLease(world: World, { holders, acked }: Leases, actor: Actor, before: Job, after: Job): void {
  const { facts } = world;
  if (!facts.firstLeaseMs.has(after.id)) facts.firstLeaseMs.set(after.id, world.time.nowMs());
  if (actor.node === undefined || actor.role !== 'worker') {
    world.violate('only workers lease', after.id);
    return;
  }
  const receipt = actor.delivery?.receipt;
  holders.set(after.id, { node: actor.node, receipt, resent: false });
  if (receipt === undefined || acked.has(receipt))
    world.violate('the ack comes last', `${after.id} was leased with ${receipt ?? 'no message'}, which is acked`);
  if (!actor.heads.some(job => job.id === before.id))
    world.violate('the fair order decides', `${after.id} was leased and is no head that ${actor.name} was shown`);
  const { maxRunning } = world.shareOf(after.tenant);
  if (!Number.isFinite(maxRunning)) return;
  const known = actor.running?.get(after.tenant) ?? 0;
  if (actor.running === undefined || known >= maxRunning)
    world.violate('caps are kept', `${after.tenant} may run ${maxRunning}; ${actor.name} knew of ${known}`);
  let running = 0;
  for (const job of world.store.records.values())
    if (job.tenant === after.tenant && job.status === 'in_progress') running++;
  facts.overCap = Math.max(facts.overCap, running - maxRunning);
}

/** A write to a record in progress: by its holder, or by someone who has the right to end or flag it. */
function checkHeld(world: World, { holders, writtenMs }: Leases, actor: Actor, before: Job, after: Job, is: Is): void {
  const holder = holders.get(before.id);
  const mine = holder !== undefined && holder.node === actor.node;
  const silentMs = world.time.nowMs() - (writtenMs.get(before.id) ?? 0);
  const dead =
    silentMs >= world.scenario.leaseSeconds * 1000 - 1 || (world.scenario.local && holder?.node.alive() !== true);
  const says = `${before.status}/${before.attempt} to ${after.status}, silent for ${Math.round(silentMs)} ms`;
  const touched = after.status !== before.status || after.lease !== before.lease || after.progress !== before.progress;
  if (after.status === 'completed') is(mine, 'I4 no write of a stale attempt', says);
  else if (after.status !== 'in_progress') is(mine || dead, 'a living lease is left alone', says);
  else if (touched) is(mine, 'I4 no write of a stale attempt', says);
  if (after.failures > before.failures) {
    is(after.failures === before.failures + 1, 'failures count by one', `${before.failures} to ${after.failures}`);
    const caused = mine && world.facts.renderFailures.has(`${before.id}/${before.attempt}`);
    is(caused || dead, 'only errors and dead leases count', `${says}, error ${after.error?.code ?? 'none'}`);
  }
}

function checkCompleted(world: World, before: Job, after: Job, is: Is): void {
  is(before.cancelRequestedAtMs === null, 'a cancelled job does not complete', 'the record has the flag');
  is(!world.facts.cancelAcked.has(after.id), 'a cancelled job does not complete', 'its cancel was acknowledged');
  is(!world.facts.committed.has(after.id), 'I2 one output', 'it was completed before');
  world.facts.committed.add(after.id);
  for (const variant of variants) {
    const artifact = after.artifacts[variant];
    const bytes = artifact === undefined ? undefined : world.blobs.blobs.get(artifact.key);
    const right = expectedContent(after.request, variant);
    is(bytes !== undefined && Buffer.compare(bytes, right) === 0, 'I3 the output is complete and right', variant);
    is(artifact?.sha256 === sha256(right) && artifact.bytes === right.length, 'I3 the record tells its hash', variant);
    is(artifact?.key.includes(`/attempt=${after.attempt}/`) === true, 'I4 the attempt names its bytes', variant);
  }
  checkReceipted(world, after, is);
}

/** The receipt is there before the record names it, and tells the attempt that made the video and those before it. */
function checkReceipted(world: World, after: Job, is: Is): void {
  const bytes = world.blobs.blobs.get(after.receipt?.key ?? '');
  is(bytes !== undefined && sha256(bytes) === after.receipt?.sha256, 'I3 the receipt is complete', 'its bytes');
  is(after.receipt?.key.includes(`/attempt=${after.attempt}/`) === true, 'I4 the attempt names its receipt', 'its key');
  if (bytes === undefined) return;
  const { receipt } = readReceipt(Buffer.from(bytes).toString('utf8'));
  const told = receipt.attempts.map(one => one.attempt);
  is(told.length > 0 && told.at(-1) === after.attempt, 'I4 the receipt is of its attempt', told.join());
  is(
    receipt.output.files.video.sha256 === after.artifacts.video?.sha256,
    'I4 the receipt is of its video',
    told.join(),
  );
}

function checkFailed(world: World, before: Job, after: Job, is: Is): void {
  const code = after.error?.code;
  if (code === 'deadline_exceeded') {
    const late = before.status === 'queued' && before.attempt === 0 && before.deadlineAtMs !== null;
    const latestMs = EPOCH_MS + world.time.nowMs() + world.facts.mostAheadMs;
    is(
      late && before.deadlineAtMs! <= latestMs,
      'a deadline ends only what was never leased',
      `attempt ${before.attempt}`,
    );
    return;
  }
  const fatal = world.facts.renderFailures.get(`${before.id}/${before.attempt}`)?.retryable === false;
  const spent =
    after.failures === limits.maxFailures ||
    after.restarts >= limits.maxRestarts ||
    before.restarts + 1 >= limits.maxRestarts;
  is(fatal || spent, 'poison ends after three failures', `${code} after ${after.failures}, attempt ${before.attempt}`);
  const owes = after.outbox.some(entry => entry.kind === 'dead_letter');
  is(owes, 'poison leaves a letter', `${code} after ${after.failures} failures`);
}
