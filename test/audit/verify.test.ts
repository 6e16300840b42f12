import { expect, test } from 'vitest';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import { nextRecord, readRecord, recordLine } from '#core/audit/record.ts';
import { verifyLedger } from '#core/audit/verify-ledger.ts';
import { evidence, installation } from './audit-world.ts';
import { readCopy, sampleLedger, tryMutations } from './mutations.ts';

test('every change of a ledger is found, two hundred of the ten thousand of mutate.ts', async () => {
  const { missed, tried } = await tryMutations(200, 7);
  expect(missed).toEqual([]);
  expect(tried.size).toBe(13);
});

const ledger = await sampleLedger();
const copyOf = () => structuredClone(ledger.copy);
const check = (copy = ledger.copy, some = {}, anchors = ledger.anchors) =>
  verifyLedger(readCopy(copy), anchors, { ...evidence, ...some });

test('a ledger that nobody touched holds', async () => {
  expect(await check()).toMatchObject({ holds: true, records: 60, findings: [] });
});

test('what is wrong is told by shard, segment and record, in a sentence', async () => {
  const copy = copyOf();
  const segment = copy.shards.get('door')!.segments[1]!;
  segment.records = segment.records.replace('job.submit', 'job.delete');
  const { findings, sentence } = await check(copy);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ shard: 'door', segment: 2, seq: 7, kind: 'edited' });
  expect(sentence).toBe(
    'The ledger does not hold: 1 finding, the first: door, segment 2: record 7 was changed after it was written: its hash is that of something else.',
  );
});

test('a cut end is seen by an anchor, and only by an anchor', async () => {
  const copy = copyOf();
  copy.shards.get('worker')!.open = '';
  expect((await check(copy, {}, [])).holds).toBe(true);
  const { findings } = await check(copy);
  expect(findings[0]).toMatchObject({ shard: 'worker', kind: 'truncated', seq: 25 });
  expect(findings[0]!.sentence).toMatch(/ends with record 24, and the anchor of 2026-.* saw record 30/);
});

test('two anchors that contradict each other show a fork', async () => {
  const [anchor] = ledger.anchors;
  const other = { ...anchor!, heads: anchor!.heads.map(head => ({ ...head, hash: 'f'.repeat(64) })) };
  const { findings } = await check(ledger.copy, {}, [anchor!, other]);
  expect(findings.map(({ sentence }) => sentence).join()).toContain('the ledger was forked');
});

test('the ledger of another installation, and one signed by a key that nobody knows, do not hold', async () => {
  const other = await check(ledger.copy, { installation: `${installation}0` });
  expect(other.findings.map(({ sentence }) => sentence).join()).toContain('of another installation');
  const unknown = await check(ledger.copy, { verify: () => undefined });
  expect(unknown.findings[0]!.sentence).toContain('no key with its id is among the known ones');
});

test('records whose time is over may be gone, and none before', async () => {
  const gone = async (keptSinceMs: number) => {
    const { copy } = ledger;
    const reader = readCopy(copy);
    return verifyLedger(
      {
        ...reader,
        segment: async (shard, n) => {
          const stored = await reader.segment(shard, n);
          return stored && n === 1 ? { ...stored, lines: undefined } : stored;
        },
      },
      ledger.anchors,
      { ...evidence, keptSinceMs },
    );
  };
  const whole = await gone(Date.UTC(2027, 0));
  expect(whole).toMatchObject({ holds: true, records: 48 });
  expect(whole.shards.map(({ expired }) => expired)).toEqual([1, 1]);
  expect((await gone(Date.UTC(2020, 0))).findings.map(({ kind }) => kind)).toEqual(['missing', 'missing']);
});

test('a file of anything is read as damage, in little memory, and never crashes', async () => {
  for (const junk of [
    'x'.repeat(1_000_000),
    '\n'.repeat(50),
    '{}\n[]\nnull\n1\n',
    '{"decision":null}\n',
    '{"decision":1,"hash":2}\n',
  ]) {
    const copy = copyOf();
    copy.shards.get('door')!.segments[0]!.records = junk;
    copy.shards.get('worker')!.segments[0]!.checkpoint = junk;
    const { findings, holds } = await check(copy);
    expect(holds).toBe(false);
    expect(new Set(findings.map(({ shard }) => shard))).toEqual(new Set(['door', 'worker']));
  }
});

test('what was put in after the last anchor is not of an export; a ledger that goes on says that nothing holds it yet', async () => {
  const copy = copyOf();
  const stored = copy.shards.get('door')!;
  const last = readRecord(stored.open.trimEnd().split('\n').at(-1)!)!;
  stored.open += `${recordLine(nextRecord(sha256Hex, last, last, last.ts))}\n`;
  expect((await check(copy)).sentence).toContain('The last 1 are in no checkpoint and no anchor yet');
  const { findings } = await check(copy, { endsAnchored: true });
  expect(findings).toMatchObject([{ shard: 'door', kind: 'foreign', seq: 31 }]);
});
