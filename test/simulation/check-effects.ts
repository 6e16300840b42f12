/** What must hold of every put, removal, event and ack. */

import type { CloudEvent } from '#core/events.ts';
import { isTerminal, variants } from '#core/job.ts';
import type { Delivery } from '#core/ports.ts';
import type { Leases } from './check-records.ts';
import type { World } from './world.ts';

/** The id of the job that a blob's key is of. */
export function jobOfKey(key: string): string {
  return key.split('/')[2] ?? '';
}

/** Judges bytes that come and go. */
export function createBlobCheck(world: World) {
  const committedKeys = (id: string): readonly string[] => {
    const job = world.store.records.get(id);
    if (job?.status !== 'completed' || job.deletedAtMs !== null) return [];
    return variants.flatMap(variant => job.artifacts[variant]?.key ?? []);
  };
  return {
    onPut: (key: string, bytes: Uint8Array) => {
      world.history.note(world.actor.name, 'put', key, bytes.length);
      world.facts.putMs.set(key, world.time.nowMs());
      if (committedKeys(jobOfKey(key)).includes(key))
        world.violate('I2 a committed output never changes', `${key} was written again by ${world.actor.name}`);
    },
    onDelete: (prefix: string, keys: readonly string[]) => {
      if (keys.length > 0) world.history.note(world.actor.name, 'deleted', prefix, keys.length);
      const lost = keys.filter(key => committedKeys(jobOfKey(key)).includes(key));
      if (lost.length > 0)
        world.violate('I3 a committed output stays', `${lost[0]} was removed by ${world.actor.name} (${prefix})`);
      const named = keys.find(key => world.store.records.get(jobOfKey(key))?.checkpoint?.key === key);
      if (named !== undefined)
        world.violate('a checkpoint on the record has its bytes', `${named} was removed by ${world.actor.name}`);
    },
  };
}

/** An event tells what the record says: the record comes first. */
export function createEventCheck(world: World) {
  return (event: CloudEvent): void => {
    const { id, status, attempt, sha256 } = event.data;
    world.history.note(world.actor.name, 'event', event.id);
    const job = world.store.records.get(id);
    // A relay that was held up may tell of a job that is gone by now; another has told it before.
    if (job === undefined && world.facts.removed.has(id)) return;
    if (job === undefined || !isTerminal(job.status))
      world.violate('the record comes before its event', `${event.id} while ${job?.status ?? 'unknown'}`);
    else if (job.status !== status || job.attempt !== attempt || (job.artifacts.video?.sha256 ?? null) !== sha256)
      world.violate('an event tells what the record says', `${event.id}: ${status}, the record says ${job.status}`);
  };
}

/** A message is acked when its job is over, or was never taken with it. */
export function checkAck(world: World, { holders, acked }: Leases, { receipt }: Delivery): void {
  world.history.note(world.actor.name, 'ack', receipt);
  acked.add(receipt);
  for (const [id, holder] of holders)
    if (holder.receipt === receipt && !holder.resent && world.store.records.get(id)?.status === 'in_progress')
      world.violate('the ack comes last', `${receipt} was acked while ${id} is in progress (by ${world.actor.name})`);
}

/** A holder that sends its job's message afresh may ack the one that it has. */
export function noteSend({ holders }: Leases, world: World, jobId: string, reason: string | undefined): void {
  world.history.note(world.actor.name, reason === undefined ? 'sent' : 'dead letter', jobId, reason ?? '');
  const holder = holders.get(jobId);
  if (holder !== undefined && holder.node === world.actor.node) holder.resent = true;
}
