import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditLimits } from '#core/audit/audit-limits.ts';
import { eraseSubject, sweepErasures } from '#core/audit/erase.ts';
import { loadSealed, notesSpace, openText, removeSealed, storeSealed } from '#core/audit/vault.ts';
import { type AuditWorld, dyingStores, gated, openAuditWorld } from './audit-world.ts';
import { actor, canaryOf, countIn, eraseWorld, keepData, keyOf, kinds, subjectOf } from './erase-world.ts';

let world: AuditWorld;
beforeEach(() => {
  world = openAuditWorld();
});
afterEach(() => world.close());

const promptOf = async (n: number) =>
  ((await world.stores.kv.get('jobs/acme', `job-${n}`))!.value as { prompt: string }).prompt;

/** What can still be read of a subject: the prompt and the three files. */
async function readable(n: number): Promise<number> {
  const { vault } = eraseWorld(world);
  const prompt = await openText(vault, subjectOf(n), 'prompt', `job-${n}`, await promptOf(n));
  const files = await Promise.all(kinds.map(kind => loadSealed(vault, subjectOf(n), kind, keyOf(n, kind), 1e6)));
  return [prompt, ...files.map(bytes => bytes && Buffer.from(bytes).toString())].filter(text =>
    text?.includes(canaryOf(n)),
  ).length;
}

const refusal = (error: { code: string; message: string }) =>
  error.code === 'forbidden' && error.message.includes('erased on request');

test('what is sealed is read again by its subject, for its place and kind only, and nothing of it lies open', async () => {
  const its = eraseWorld(world);
  await keepData(its, 1);
  expect(await readable(1)).toBe(4);
  expect(countIn(world.folder, 'canary')).toBe(0);
  const sealed = await promptOf(1);
  await keepData(its, 2);
  for (const [subject, kind, where] of [
    [subjectOf(2), 'prompt', 'job-1'],
    [subjectOf(1), 'consent', 'job-1'],
    [subjectOf(1), 'prompt', 'job-2'],
  ] as const)
    await expect(openText(its.vault, subject, kind, where, sealed)).rejects.toThrow('does not open');
  await removeSealed(its.vault, subjectOf(1), keyOf(1, 'latents'));
  expect(await readable(1)).toBe(3);
});

test('erased subjects leave nothing readable, others lose nothing, and the ledger holds and says so', async () => {
  const its = eraseWorld(world);
  for (let n = 0; n < 20; n++) await keepData(its, n);
  for (let n = 0; n < 20; n += 2)
    expect(await eraseSubject(its.erase, subjectOf(n), actor)).toEqual({ atMs: world.time.nowMs, removed: 3 });
  for (let n = 0; n < 20; n++) expect(await readable(n)).toBe(n % 2 === 0 ? 0 : 4);
  expect(countIn(world.folder, 'canary')).toBe(0);
  for (let n = 0; n < 20; n += 2) expect(await its.vault.blobs.head(keyOf(n, 'reference'))).toBe(undefined);
  const records = await world.records('erasures');
  expect(records.map(({ action }) => action)).toEqual(Array(10).fill('subject.erase'));
  expect(JSON.stringify(records)).not.toContain('person');
  expect((await world.verify()).findings).toEqual([]);
});

test('nothing new is kept of a subject that is erased, also one of whom nothing was', async () => {
  const its = eraseWorld(world);
  await keepData(its, 1);
  for (const n of [1, 2]) {
    await eraseSubject(its.erase, subjectOf(n), actor);
    await expect(keepData(its, n)).rejects.toSatisfy(refusal);
    await expect(storeSealed(its.vault, subjectOf(n), 'consent', 'x/y/z', Buffer.from('1'))).rejects.toSatisfy(refusal);
  }
  await eraseSubject(its.erase, subjectOf(1), actor);
  expect(await world.records('erasures')).toHaveLength(2);
});

test('a write that is under way while its subject is erased is refused and leaves nothing, wherever it was', async () => {
  // The writes of storing one file: key, note, bytes.
  for (let at = 1; at <= 3; at++)
    for (const moment of ['before', 'after'] as const) {
      const subject = subjectOf(100 * at + (moment === 'after' ? 1 : 0));
      const its = eraseWorld(world);
      let writes = 0;
      const interrupted = gated(world.stores, async call => {
        const isNow = ++writes === at;
        if (isNow && moment === 'before') await eraseSubject(its.erase, subject, actor);
        const answer = await call();
        if (isNow && moment === 'after') await eraseSubject(its.erase, subject, actor);
        return answer;
      });
      const key = `vault/acme/${at}-${moment}/data.bin`;
      const storing = storeSealed(eraseWorld(world, interrupted).vault, subject, 'consent', key, Buffer.from('1'));
      await expect(storing).rejects.toSatisfy(refusal);
      expect(await world.stores.blobs.head(key)).toBe(undefined);
      expect(await world.stores.kv.list(notesSpace(subject), { limit: 9 })).toEqual([]);
    }
});

test('a writer that dies after its subject was erased leaves what nobody reads, and the second look takes it', async () => {
  const its = eraseWorld(world);
  const key = keyOf(7, 'consent');
  let isDead = false;
  const dying = gated(world.stores, async call => {
    if (isDead) throw new Error('dead');
    return call();
  });
  const blobs = {
    ...dying.blobs,
    put: async (...args: Parameters<typeof dying.blobs.put>) => {
      await eraseSubject(its.erase, subjectOf(7), actor);
      const stored = await world.stores.blobs.put(...args);
      // The note that the erasure took is the only one: as if it had been written behind its back.
      await world.stores.kv.put({
        space: notesSpace(subjectOf(7)),
        name: key.replace('data.bin', ''),
        value: {},
        expiresAtMs: null,
        dueAtMs: null,
      });
      isDead = true;
      return stored;
    },
  };
  const late = eraseWorld(world, { kv: dying.kv, blobs }).vault;
  await storeSealed(
    { ...late, blobs: { ...blobs, deletePrefix: async () => Promise.reject(new Error('dead')) } },
    subjectOf(7),
    'consent',
    key,
    Buffer.from('1'),
  ).catch(() => undefined);
  expect(await world.stores.blobs.head(key)).toBeDefined();
  expect(await loadSealed(its.vault, subjectOf(7), 'consent', key, 1e6)).toBe(undefined);
  world.time.nowMs += auditLimits.secondLookMs;
  expect(await sweepErasures(its.erase, 10)).toBe(1);
  expect(await world.stores.blobs.head(key)).toBe(undefined);
  expect(await sweepErasures(its.erase, 10)).toBe(0);
});

test.each(['before', 'after'] as const)(
  'an erasure killed %s any of its writes is finished by the sweep',
  async moment => {
    let at = 1;
    for (let isDone = false; !isDone; at++) {
      const n = at;
      await keepData(eraseWorld(world), n);
      const dying = dyingStores(world.stores, at, moment);
      await eraseSubject(eraseWorld(world, dying).erase, subjectOf(n), actor).catch(() => undefined);
      isDone = !dying.dead();
      const hasBegun = (await readable(n)) === 0;
      expect(hasBegun).toBe(at > 1 || moment === 'after');
      world.time.nowMs += auditLimits.resumeMs;
      await sweepErasures(eraseWorld(world).erase, 100);
      if (!hasBegun) continue;
      expect(await world.stores.kv.list(notesSpace(subjectOf(n)), { limit: 9 })).toEqual([]);
      expect(await world.stores.blobs.head(keyOf(n, 'consent'))).toBe(undefined);
    }
    expect(at).toBeGreaterThan(9);
    const objects = new Set((await world.records('erasures')).map(({ object }) => object));
    expect(objects.size).toBe(at - (moment === 'before' ? 2 : 1));
    expect((await world.verify()).findings).toEqual([]);
  },
);

test('an erasure that cannot be finished keeps no other waiting', async () => {
  const its = eraseWorld(world);
  for (const n of [1, 2]) await keepData(its, n);
  const out = { ...its.erase, deleteAllVersions: () => Promise.reject(new Error('out')) };
  for (const n of [1, 2]) await expect(eraseSubject(out, subjectOf(n), actor)).rejects.toThrow('out');
  world.time.nowMs += auditLimits.resumeMs;
  const [first] = (await its.erase.kv.listDue('subject-key', world.time.nowMs, 1)).map(({ name }) => name);
  const own = subjectOf(1).id === first ? 1 : 2;
  const stuck = {
    ...its.erase,
    deleteAllVersions: (prefix: string) =>
      prefix.startsWith(`vault/acme/${own}/`) ? Promise.reject(new Error('out')) : its.erase.deleteAllVersions(prefix),
  };
  await expect(sweepErasures(stuck, 10)).rejects.toThrow('out');
  expect(await its.vault.blobs.head(keyOf(3 - own, 'reference'))).toBe(undefined);
  expect(await world.records('erasures')).toHaveLength(1);
});
