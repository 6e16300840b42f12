/**
 * A drop in an object store. An event names a version; what happens to it does not depend on how often, how late or in which order
 * events come: the version has one row, and of each key the latest sequencer is kept.
 */
import type { DropUnit } from './group.ts';
import { groupSources } from './group.ts';
import { type DropPorts, type Ingested, ingest } from './ingest.ts';
import { escapeName, isMediaName, kindOfName, stemOf } from './names.ts';
import type { ListedObject, ObjectFolder, ObjectSource } from './object-folder.ts';
import { createRow, type KeyRow, readRow, removeRow, replaceRow } from './registry.ts';
import { compareSequencers, type ObjectPointer } from './s3-events.ts';

/** What taking in objects needs. */
export interface ObjectPorts extends DropPorts<ObjectSource> {
  readonly folder: ObjectFolder;
}

/**
 * Takes in what an event points to. undefined: it is not about this drop folder. `waiting`: a sidecar or a named file may still come,
 * and the reconciler looks again. Throws as `ingest` does.
 */
export async function ingestObject(ports: ObjectPorts, pointer: ObjectPointer): Promise<Ingested | undefined> {
  const { folder } = ports;
  const keys = pointer.bucket === folder.bucket ? pointer.keys.filter(key => folder.watches(key)) : [];
  for (const key of keys) {
    const found = await folder.find(key, pointer);
    if (found !== undefined) return ingestFound(ports, found, pointer.sequencer);
  }
  const [key] = keys;
  if (key === undefined || (pointer.etag === undefined && pointer.versionId === undefined)) return undefined;
  // Written over or removed before anyone read it: its bytes are no more, and so much is kept of it.
  return passOver(ports, key, folder.identityOf(key, pointer), 'gone');
}

/** Whether the newest version of a key has been dealt with; costs one read. */
export async function isDealtWith(ports: ObjectPorts, { key, etag, modifiedSeconds }: ListedObject): Promise<boolean> {
  const row = await readRow(ports, 'drop_key', keyName(ports, key));
  return row?.value.etag === etag && row.value.modifiedSeconds === modifiedSeconds;
}

async function ingestFound(ports: ObjectPorts, source: ObjectSource, sequencer: string | undefined): Promise<Ingested> {
  const last = (await readRow(ports, 'drop_key', keyName(ports, source.key)))?.value;
  const isOld = sequencer !== undefined && last?.sequencer != null && compareSequencers(sequencer, last.sequencer) < 0;
  if (isOld && last.identity !== source.identity) return passOver(ports, source.key, source.identity, 'superseded');
  // The same bytes came back to the key after an older event of them had been passed over: now they count.
  const before = (await readRow(ports, 'drop_seen', source.identity))?.value.reason;
  if (before === 'gone' || before === 'superseded') await removeRow(ports, 'drop_seen', source.identity);
  const done = await ingestWithSiblings(ports, source);
  if (done.outcome !== 'waiting') await noteKey(ports, source, sequencer ?? null);
  return done;
}

async function ingestWithSiblings(ports: ObjectPorts, source: ObjectSource): Promise<Ingested> {
  const unit = await unitOf(ports, source);
  if (unit === undefined) return { outcome: 'waiting', reason: 'marker' }; // its files come with their own events
  const done = await ingest(ports, unit);
  // A sidecar that came after its image had its outcome stands for itself.
  const others = [unit.main, ...unit.parts].some(({ identity }) => identity === source.identity);
  if (!others || unit.main.identity === source.identity || done.outcome === 'waiting') return done;
  if ((await readRow(ports, 'drop_seen', source.identity)) !== undefined) return done;
  return ingest(ports, { main: source, parts: [], marker: undefined, ambiguous: false });
}

/** The source with what lies beside it under the same stem, less the sidecars that had an outcome of their own before. */
async function unitOf(ports: ObjectPorts, source: ObjectSource): Promise<DropUnit<ObjectSource> | undefined> {
  const kind = kindOfName(source.name);
  const isMedia = isMediaName(source.name);
  const sources = [source];
  if (isMedia || kind === 'text' || kind === 'json' || kind === 'marker') {
    for (const key of await ports.folder.alike(source.folder, stemOf(source.name))) {
      const other = ports.folder.partsOf(key).name;
      const matters = isMedia || isMediaName(other) || kindOfName(other) === 'marker';
      const found = key === source.key || !matters ? undefined : await ports.folder.find(key, {});
      if (found !== undefined) sources.push(found);
    }
  }
  const units = groupSources(sources);
  const unit = units.find(({ main, parts, marker }) => [main, ...parts, marker].includes(source)) ?? units[0];
  if (unit === undefined) return undefined;
  const parts: ObjectSource[] = [];
  for (const part of unit.parts) {
    const row = (await readRow(ports, 'drop_seen', part.identity))?.value;
    if (row === undefined || row.partOf === unit.main.identity) parts.push(part);
  }
  return { ...unit, parts };
}

async function passOver(
  ports: ObjectPorts,
  key: string,
  identity: string,
  reason: 'gone' | 'superseded',
): Promise<Ingested> {
  const source = { name: escapeName(ports.folder.partsOf(key).name), bytes: 0, sha256: null };
  await createRow(ports, 'drop_seen', identity, {
    outcome: 'skipped',
    source,
    parts: [],
    jobs: [],
    stem: '',
    reason,
    error: null,
    rejectedAs: null,
    partOf: null,
    atMs: ports.now(),
  });
  const row = (await readRow(ports, 'drop_seen', identity))?.value;
  return { outcome: row?.outcome ?? 'skipped', jobIds: row?.jobs.map(({ id }) => id) ?? [] };
}

/** Keeps the latest of a key. Two at once: the one that finds the other's row looks again. */
async function noteKey(ports: ObjectPorts, source: ObjectSource, sequencer: string | null): Promise<void> {
  const name = keyName(ports, source.key);
  const { identity, etag, modifiedSeconds } = source;
  for (let tries = 0; tries < 8; tries++) {
    const there = await readRow(ports, 'drop_key', name);
    const last = there?.value.sequencer ?? null;
    const isOlder = sequencer !== null && last !== null && compareSequencers(sequencer, last) < 0;
    if (isOlder) return;
    const row: KeyRow = { identity, sequencer: sequencer ?? last, etag, modifiedSeconds };
    const written = there ? await replaceRow(ports, there, row) : await createRow(ports, 'drop_key', name, row);
    if (written) return;
  }
}

function keyName(ports: ObjectPorts, key: string): string {
  return ports.sha256(`${ports.folder.bucket}/${key}`);
}
