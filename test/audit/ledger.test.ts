import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import { auditLimits } from '#core/audit/audit-limits.ts';
import { segmentPrefix } from '#core/audit/close-segment.ts';
import { makeAnchor } from '#core/audit/ledger-reader.ts';
import { growMerkleTree } from '#core/audit/merkle.ts';
import { pseudonymOf, systemActor } from '#core/audit/pseudonym.ts';
import { recordLine } from '#core/audit/record.ts';
import { openShard } from '#core/audit/shard-writer.ts';
import { createAuditTrail } from '#core/audit/trail.ts';
import { canonicalJson } from '#core/placement/canonical-json.ts';
import {
  type AuditWorld,
  anchorOf,
  dyingStores,
  entry,
  gated,
  hmac,
  isLost,
  openAuditWorld,
  type Stores,
} from './audit-world.ts';

let world: AuditWorld;
beforeEach(() => {
  world = openAuditWorld();
});
afterEach(() => world.close());

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => entry(from + n));

async function write(stores: Stores, acked: string[], name = 's1'): Promise<void> {
  const shard = await openShard(world.ports(stores), name, 'first');
  const append = async (from: number, count: number) => {
    const records = await Promise.all(numbers(from, count).map(shard.append));
    acked.push(...records.map(({ hash }) => hash));
  };
  await append(0, 3);
  await append(3, 1);
  await append(4, 2); // more than the head holds: a batch
  await append(6, 1);
  await shard.close();
  await append(7, 6);
  await shard.close();
  await append(13, 1);
}

describe('a shard', () => {
  test('keeps what it is told, in order, over segments, and holds', async () => {
    const acked: string[] = [];
    await write(world.stores, acked);
    const records = await world.records('s1');
    expect(records.map(({ hash }) => hash)).toEqual(acked);
    expect(records.map(({ seq }) => seq)).toEqual(acked.map((_, n) => n + 1));
    expect(records).toHaveLength(14);
    const anchor = anchorOf(await makeAnchor(world.ports()));
    const report = await world.verify([anchor]);
    expect(report.findings).toEqual([]);
    expect(report.sentence).toBe('The ledger holds: 14 records in 1 shards.');
    expect((await world.verify()).sentence).toContain('The last 1 are in no checkpoint');
  });

  test('writes each line as RFC 8785 has it', async () => {
    const acked: string[] = [];
    await write(world.stores, acked);
    for (const record of await world.records('s1')) {
      expect(recordLine(record)).toBe(canonicalJson(record));
      const { hash, ...others } = record;
      expect(hash).toBe(sha256Hex(canonicalJson(others)));
    }
  });

  test('takes pseudonyms and words of ours, and repeats nothing of what it refuses', async () => {
    const shard = await openShard(world.ports(), 's1', 'first');
    const decision = (some: object) => ({ decision: { outcome: 'deny', rules: [], policy: null, ...some } as never });
    const secret = 'anna@example.org';
    for (const some of [
      { actor: secret },
      { object: secret },
      { object: 'job:video_1' },
      { action: `a ${secret}` },
      decision({ rules: [secret] }),
      decision({ policy: secret }),
      decision({ outcome: secret }),
    ]) {
      const error = await shard.append(entry(1, some)).catch(thrown => thrown);
      expect(error.code).toBe('invalid_request');
      expect(error.message).not.toContain('anna');
    }
    expect(await world.records('s1')).toEqual([]);
  });

  test('closes a segment that is old, and none that is empty', async () => {
    const shard = await openShard(world.ports(), 's1', 'first');
    world.time.nowMs += 10 * auditLimits.segmentMs;
    expect(await shard.closeIfDue()).toBe(false);
    expect(await shard.close()).toBe(false);
    await shard.append(entry(1));
    expect(await shard.closeIfDue()).toBe(true);
    expect(await shard.closeIfDue()).toBe(false);
    expect(await world.stores.kv.list('audit-batch/s1', { limit: 9 })).toEqual([]);
  });

  test('never goes back in time, whatever the clock does', async () => {
    const shard = await openShard(world.ports(), 's1', 'first');
    const first = await shard.append(entry(1));
    world.time.nowMs -= 90_000;
    const second = await shard.append(entry(2));
    expect(second.ts).toBe(first.ts);
    expect((await world.verify()).holds).toBe(true);
  });

  test('of a batch that waits is written in few writes', async () => {
    let writes = 0;
    const counting = gated(world.stores, call => {
      writes++;
      return call();
    });
    const shard = await openShard(world.ports(counting), 's1', 'first');
    writes = 0;
    await Promise.all(numbers(0, 1_000).map(shard.append));
    expect(writes).toBe(2 * Math.ceil(1_000 / auditLimits.batchRecords));
    expect((await world.verify()).records).toBe(1_000);
  });
});

test('a batch of the longest records that there are fits into an entry', async () => {
  const rules = Array.from({ length: auditLimits.decisionRules }, (_, n) => `r${n}`.padEnd(auditLimits.wordChars, 'x'));
  const longest = entry(1, {
    actor: systemActor('a'.repeat(40)),
    object: pseudonymOf(hmac, 'operator', 'anna'),
    action: 'a'.repeat(auditLimits.wordChars),
    decision: { outcome: 'review', rules, policy: 'f'.repeat(64) },
  });
  const shard = await openShard(world.ports(), 's1', 'first');
  for (let n = 0; n < auditLimits.tailRecords; n++) await shard.append(longest);
  expect(await world.stores.kv.list('audit-batch/s1', { limit: 2 })).toEqual([]);
  const rest = auditLimits.batchRecords - auditLimits.tailRecords;
  await Promise.all(Array.from({ length: rest }, () => shard.append(longest)));
  const [batch] = await world.stores.kv.list('audit-batch/s1', { limit: 2 });
  expect((batch!.value as { records: unknown[] }).records).toHaveLength(auditLimits.batchRecords);
  const line = recordLine((await world.records('s1')).at(-1)!);
  expect(line.length).toBeLessThan(auditLimits.lineChars / 4);
});

describe.each(['before', 'after'] as const)('a writer killed %s any of its writes', moment => {
  test('loses nothing that it said is there, and leaves a ledger that holds and goes on', async () => {
    let at = 1;
    for (let isDone = false; !isDone; at++) {
      const s = `shard-${at}`;
      const acked: string[] = [];
      const dying = dyingStores(world.stores, at, moment);
      await write(dying, acked, s).catch(() => undefined);
      isDone = !dying.dead();
      const next = await openShard(world.ports(), s, 'second');
      acked.push((await next.append(entry(99))).hash);
      await next.close();
      const written = (await world.records(s)).map(({ hash }) => hash);
      expect(acked.filter(hash => !written.includes(hash))).toEqual([]);
      // What never counted goes with the segment that has passed it.
      await Promise.all(numbers(100, 8).map(next.append));
      await next.close();
      expect(await world.stores.kv.list(`audit-batch/${s}`, { limit: 9 })).toEqual([]);
    }
    expect(at).toBeGreaterThan(15);
    expect((await world.verify()).findings).toEqual([]);
  });
});

describe('of two writers', () => {
  test('the earlier one never writes again', async () => {
    const first = await openShard(world.ports(), 's1', 'first');
    await first.append(entry(1));
    const second = await openShard(world.ports(), 's1', 'second');
    await expect(first.append(entry(2))).rejects.toSatisfy(isLost);
    await second.append(entry(3));
    await expect(first.append(entry(4))).rejects.toSatisfy(isLost);
    await expect(first.close()).rejects.toSatisfy(isLost);
    expect(await world.records('s1')).toHaveLength(2);
  });

  test('one that slept before any of its writes wakes to find that it lost, and has changed nothing', async () => {
    let at = 2; // the first write is that of the head
    for (let isDone = false; !isDone; at++) {
      const s = `shard-${at}`;
      let writes = 0;
      let wake = () => {};
      const asleep = new Promise<void>(done => {
        wake = done;
      });
      let fellAsleep = () => {};
      const sleeping = new Promise<void>(done => {
        fellAsleep = done;
      });
      const sleepy = gated(world.stores, async call => {
        if (++writes === at) {
          fellAsleep();
          await asleep;
        }
        return call();
      });
      const acked: string[] = [];
      const zombie = write(sleepy, acked, s).then(
        () => 'done',
        error => error,
      );
      isDone = (await Promise.race([zombie, sleeping])) === 'done';
      if (isDone) break;
      const second = await openShard(world.ports(), s, 'second');
      for (let n = 0; n < 3; n++) acked.push((await second.append(entry(50 + n))).hash);
      await second.close();
      acked.push((await second.append(entry(60))).hash);
      const before = (await world.records(s)).map(({ hash }) => hash);
      expect(acked.filter(hash => !before.includes(hash))).toEqual([]);
      wake();
      expect(isLost(await zombie)).toBe(true);
      expect((await world.records(s)).map(({ hash }) => hash)).toEqual(before);
      acked.push((await second.append(entry(61))).hash);
    }
    expect(at).toBeGreaterThan(12);
    expect((await world.verify()).findings).toEqual([]);
  });

  test('that race for each write keep one chain with every record that was acknowledged, once', async () => {
    let draw = 1;
    const jittery = () =>
      gated(world.stores, async call => {
        draw = (draw * 48_271) % 2_147_483_647;
        for (let n = draw % 4; n > 0; n--) await new Promise(done => setImmediate(done));
        return call();
      });
    const sleep = () => new Promise<void>(done => setImmediate(done));
    const trails = ['a', 'b'].map(writer => createAuditTrail(world.ports(jittery()), { shard: 's1', writer, sleep }));
    const acked: string[] = [];
    const told = trails.map(async (trail, t) => {
      for (let n = 0; n < 60; n++)
        await trail.record(entry(100 * t + n)).then(
          ({ hash }) => acked.push(hash),
          () => undefined,
        );
    });
    await Promise.all(told);
    const written = (await world.records('s1')).map(({ hash }) => hash);
    expect(acked.length).toBeGreaterThan(60);
    expect([...written].sort()).toEqual([...acked].sort());
    expect((await world.verify()).findings).toEqual([]);
  });
});

describe('a store whose answer is lost', () => {
  test('has the record once, and the writer knows', async () => {
    let isBad = false;
    const flaky = gated(world.stores, async call => {
      const answer = await call();
      if (isBad) throw new Error('no answer');
      return answer;
    });
    const shard = await openShard(world.ports(flaky), 's1', 'first');
    isBad = true;
    // The batch is put and its answer lost: nothing counts yet.
    const many = numbers(1, auditLimits.tailRecords + 1).map(shard.append);
    await expect(Promise.all(many)).rejects.toThrow('no answer');
    expect(await world.records('s1')).toEqual([]);
    isBad = false;
    let replaced = 0;
    const kv = {
      ...world.stores.kv,
      replace: async (e: never) => {
        const answer = await world.stores.kv.replace(e);
        if (replaced++ === 1) throw new Error('no answer');
        return answer;
      },
    };
    const other = await openShard(world.ports({ ...world.stores, kv }), 's1', 'second');
    await other.append(entry(2)); // its answer was lost, and the head is read instead
    expect(replaced).toBe(2);
    expect(await world.records('s1')).toHaveLength(1);
  });
});

test('the root of a segment is that of RFC 9162 over its records', async () => {
  const leaf = (hash: string) => sha256Hex(`0${hash}`);
  const tree = (hashes: readonly string[]): string => {
    if (hashes.length === 0) return sha256Hex('');
    if (hashes.length === 1) return leaf(hashes[0]!);
    let half = 1;
    while (half * 2 < hashes.length) half *= 2;
    return sha256Hex(`1${tree(hashes.slice(0, half))}${tree(hashes.slice(half))}`);
  };
  for (let count = 0; count < 40; count++) {
    const hashes = Array.from({ length: count }, (_, n) => sha256Hex(`${n}`));
    const grown = growMerkleTree(sha256Hex);
    for (const hash of hashes) grown.add(hash);
    expect(grown.root()).toBe(tree(hashes));
  }
});

test('a segment lies where its number says', () => {
  expect(segmentPrefix('s1', 12)).toBe('audit/s1/segment=00000012/');
});
