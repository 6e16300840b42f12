import { sha256Hex } from '#adapters/audit-crypto.ts';
import { type LedgerReader, makeAnchor, readStoredLedger } from '#core/audit/ledger-reader.ts';
import { asciiBytes, type Line, linesOf } from '#core/audit/ledger-text.ts';
import { type AuditRecord, hashOfLine, readRecord, recordLine } from '#core/audit/record.ts';
import { openShard } from '#core/audit/shard-writer.ts';
import type { Anchor } from '#core/audit/statement.ts';
import { type LedgerReport, verifyLedger } from '#core/audit/verify-ledger.ts';
import { anchorOf, entry, evidence, openAuditWorld } from './audit-world.ts';

/** A ledger as texts: what an attacker who has the stores has in hands. */
interface Copy {
  readonly shards: Map<string, { segments: { records: string; checkpoint: string }[]; open: string }>;
}

const SHARDS = ['door', 'worker'];
const SEGMENTS = 4;
const PER_SEGMENT = 6;

/** A ledger of two shards with closed segments and open ends, and the anchor of its heads. */
export async function sampleLedger(): Promise<{ copy: Copy; anchors: readonly Anchor[] }> {
  const world = openAuditWorld();
  let n = 0;
  for (const shard of SHARDS) {
    const writer = await openShard(world.ports(), shard, 'w');
    for (let segment = 0; segment <= SEGMENTS; segment++) {
      for (let i = 0; i < PER_SEGMENT; i++) {
        world.time.nowMs += 1_000;
        await writer.append(entry(n++));
      }
      if (segment < SEGMENTS) await writer.close();
    }
  }
  const anchors = [anchorOf(await makeAnchor(world.ports()))];
  const reader = readStoredLedger(world.stores);
  const copy: Copy = { shards: new Map() };
  const textOf = async (lines: AsyncIterable<Line>) =>
    (await Array.fromAsync(lines)).map(({ text }) => `${text}\n`).join('');
  for (const shard of SHARDS) {
    const segments: { records: string; checkpoint: string }[] = [];
    for (let s = 1; ; s++) {
      const stored = await reader.segment(shard, s);
      if (stored === undefined) break;
      segments.push({ records: await textOf(stored.lines!), checkpoint: stored.checkpoint! });
    }
    copy.shards.set(shard, { segments, open: await textOf(reader.open(shard)) });
  }
  world.close();
  return { copy, anchors };
}

export function readCopy(copy: Copy): LedgerReader {
  const lines = (text: string) =>
    linesOf(
      (async function* () {
        yield asciiBytes(text);
      })(),
    );
  return {
    shards: async () => [...copy.shards.keys()],
    segment: async (shard, segment) => {
      const stored = copy.shards.get(shard)?.segments[segment - 1];
      return stored && { checkpoint: stored.checkpoint, lines: lines(stored.records) };
    },
    open: shard => lines(copy.shards.get(shard)?.open ?? ''),
  };
}

type Draw = (below: number) => number;

/** A file of the copy: read and replaced. */
interface File {
  readonly name: string;
  readonly get: () => string;
  readonly set: (text: string) => void;
}

function recordFiles(copy: Copy): readonly File[] {
  return [...copy.shards].flatMap(([shard, stored]) => [
    ...stored.segments.map((segment, n) => ({
      name: `${shard}/${n + 1}`,
      get: () => segment.records,
      set: (text: string) => {
        segment.records = text;
      },
    })),
    {
      name: `${shard}/open`,
      get: () => stored.open,
      set: (text: string) => {
        stored.open = text;
      },
    },
  ]);
}

function checkpointFiles(copy: Copy): readonly File[] {
  return [...copy.shards].flatMap(([shard, { segments }]) =>
    segments.map((segment, n) => ({
      name: `${shard}/${n + 1}/checkpoint`,
      get: () => segment.checkpoint,
      set: (text: string) => {
        segment.checkpoint = text;
      },
    })),
  );
}

const linesIn = (file: File) => file.get().split('\n').slice(0, -1);
const put = (file: File, lines: readonly string[]) => file.set(lines.map(line => `${line}\n`).join(''));
const pick = <T>(draw: Draw, list: readonly T[]): T => list[draw(list.length)]!;

function flipByte(draw: Draw, file: File): void {
  const text = file.get();
  const at = draw(text.length);
  const other = String.fromCharCode((text.charCodeAt(at) ^ (1 << draw(7))) & 0x7f);
  file.set(text.slice(0, at) + other + text.slice(at + 1));
}

const fields: readonly ((record: AuditRecord, draw: Draw) => AuditRecord)[] = [
  r => ({ ...r, ts: r.ts + 1 }),
  r => ({ ...r, seq: r.seq + 1 }),
  r => ({ ...r, action: 'job.cancel' }),
  r => ({ ...r, actor: `${r.actor.slice(0, -1)}${r.actor.endsWith('0') ? '1' : '0'}` }),
  r => ({ ...r, object: 'system:sweep' }),
  r => ({ ...r, prevHash: sha256Hex(r.prevHash) }),
  r => ({ ...r, decision: { ...r.decision, outcome: 'deny' } }),
  r => ({ ...r, decision: { ...r.decision, rules: [...r.decision.rules, 'other'] } }),
];

const rehashed = (record: AuditRecord): AuditRecord => ({ ...record, hash: hashOfLine(sha256Hex, recordLine(record)) });

/** One record changed; with `thorough` its hash too, and that of all records behind it in its file: all that needs no key. */
function edit(draw: Draw, file: File, thorough: boolean): void {
  const lines = linesIn(file);
  const at = draw(lines.length);
  let record = pick(draw, fields)(readRecord(lines[at]!)!, draw);
  if (thorough) record = rehashed(record);
  lines[at] = recordLine(record);
  if (thorough)
    for (let n = at + 1; n < lines.length; n++) {
      record = rehashed({ ...readRecord(lines[n]!)!, prevHash: record.hash });
      lines[n] = recordLine(record);
    }
  put(file, lines);
}

/** What an attacker may do, each by name. */
const attacks: Readonly<Record<string, (draw: Draw, copy: Copy) => void>> = {
  'flip a bit of a record': (draw, copy) => flipByte(draw, pick(draw, recordFiles(copy))),
  'flip a bit of a checkpoint': (draw, copy) => flipByte(draw, pick(draw, checkpointFiles(copy))),
  'edit a record': (draw, copy) => edit(draw, pick(draw, recordFiles(copy)), false),
  'edit a record and hash again': (draw, copy) => edit(draw, pick(draw, recordFiles(copy)), true),
  'delete records': (draw, copy) => {
    const file = pick(draw, recordFiles(copy));
    const lines = linesIn(file);
    lines.splice(draw(lines.length), 1 + draw(3));
    put(file, lines);
  },
  'swap two records': (draw, copy) => {
    const file = pick(draw, recordFiles(copy));
    const lines = linesIn(file);
    const a = draw(lines.length);
    const b = (a + 1 + draw(lines.length - 1)) % lines.length;
    [lines[a], lines[b]] = [lines[b]!, lines[a]!];
    put(file, lines);
  },
  'repeat a record': (draw, copy) => {
    const lines = linesIn(pick(draw, recordFiles(copy)));
    const into = pick(draw, recordFiles(copy));
    const target = linesIn(into);
    target.splice(draw(target.length + 1), 0, pick(draw, lines));
    put(into, target);
  },
  'insert a made record': (draw, copy) => {
    const file = pick(draw, recordFiles(copy));
    const lines = linesIn(file);
    const at = draw(lines.length);
    const before = readRecord(lines[at]!)!;
    const made = rehashed({ ...before, seq: before.seq + 1, prevHash: before.hash, action: 'job.delete' });
    lines.splice(at + 1, 0, recordLine(made));
    put(file, lines);
  },
  'splice files of two places': (draw, copy) => {
    const files = [recordFiles(copy), checkpointFiles(copy)][draw(2)]!;
    const a = draw(files.length);
    const b = (a + 1 + draw(files.length - 1)) % files.length;
    const [fromA, fromB] = [files[a]!.get(), files[b]!.get()];
    files[a]!.set(fromB);
    if (draw(2) === 0) files[b]!.set(fromA);
  },
  'replace a whole segment by that of another shard': (draw, copy) => {
    const [one, other] = draw(2) === 0 ? SHARDS : [...SHARDS].reverse();
    const at = draw(SEGMENTS);
    copy.shards.get(one!)!.segments[at] = { ...copy.shards.get(other!)!.segments[draw(SEGMENTS)]! };
  },
  'delete a segment': (draw, copy) => {
    copy.shards.get(pick(draw, SHARDS))!.segments.splice(draw(SEGMENTS), 1);
  },
  'cut off the end': (draw, copy) => {
    const stored = copy.shards.get(pick(draw, SHARDS))!;
    const left = draw(SEGMENTS + 1);
    if (left < SEGMENTS) {
      stored.segments.splice(left);
      stored.open = '';
    } else
      stored.open = stored.open
        .split('\n')
        .slice(0, draw(PER_SEGMENT))
        .map(line => `${line}\n`)
        .join('');
  },
  'delete a shard': (draw, copy) => {
    copy.shards.delete(pick(draw, SHARDS));
  },
};

/** How many of each attack there were, and those that nobody saw. */
export interface Tally {
  readonly tried: ReadonlyMap<string, number>;
  readonly missed: readonly string[];
  readonly kinds: ReadonlyMap<string, number>;
}

/** Draws attacks, one on a fresh copy each time, and has the ledger verified. */
export async function tryMutations(count: number, seed: number): Promise<Tally> {
  const { copy, anchors } = await sampleLedger();
  let state = seed;
  const draw: Draw = below => {
    state = (state * 48_271) % 2_147_483_647; // Park and Miller's generator, of 1993
    return Math.floor((state / 2_147_483_647) * below);
  };
  const untouched = JSON.stringify([...copy.shards]);
  const tried = new Map<string, number>();
  const kinds = new Map<string, number>();
  const missed: string[] = [];
  for (let n = 0; n < count; ) {
    const name = pick(draw, Object.keys(attacks));
    const victim: Copy = { shards: new Map(JSON.parse(untouched)) };
    attacks[name]!(draw, victim);
    if (JSON.stringify([...victim.shards]) === untouched) continue; // two equal lines swapped, say
    n++;
    tried.set(name, (tried.get(name) ?? 0) + 1);
    const report: LedgerReport = await verifyLedger(readCopy(victim), anchors, { ...evidence, endsAnchored: true });
    const kind = report.findings[0]?.kind ?? 'nothing';
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (report.holds) missed.push(`${n}: ${name}`);
  }
  return { tried, missed, kinds };
}
