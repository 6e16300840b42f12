/** A key value entry as an item of the table in dynamo-table.ts, and back. */
import { entryJson, kindOfSpace } from '#adapters/key-value-entry.ts';
import type { KeyValueEntry } from '#core/ports.ts';
import { itemVersion, shardOf } from './dynamo-job-item.ts';
import type { Item } from './dynamo-query.ts';
import { shardCount } from './dynamo-table.ts';

/** DynamoDB ends sort keys at 1,024 bytes; 512 characters may have 1,536. */
const MAX_SORTED_BYTES = 1_000;

/** Where an entry lies: no space has a `#`, so no two entries share an id, and no job's id begins like this. */
export function entryId(space: string, name: string): string {
  return `${spacePrefix(space)}${name}`;
}

/** The name in an id of this space. */
export function nameOfId(space: string, id: string): string {
  return id.slice(spacePrefix(space).length);
}

function spacePrefix(space: string): string {
  return `kv#${space}#`;
}

/**
 * Sort key of the index entriesBySpace: the name's UTF-8 bytes as far as DynamoDB sorts, so names that share as many bytes lie together
 * and in no order. Bytes and not text, which could only be cut between characters and would then sort wrong. The first byte is there for
 * the empty name: DynamoDB takes no empty key.
 */
export function nameBytes(name: string): Uint8Array {
  return Buffer.from(`#${name}`).subarray(0, MAX_SORTED_BYTES);
}

/** The partition of the index entriesDue that an entry of this kind and id is in. */
export function dueShard(kind: string, shard: string): string {
  return `${kind}#${shard}`;
}

/** All partitions of a kind. */
export function dueShards(kind: string): readonly string[] {
  return Array.from({ length: shardCount }, (_, shard) => dueShard(kind, String(shard)));
}

/** The attributes of an entry but for `id` and `version`, null for those that it must not have. Throws as `entryJson` does. */
export function entryAttributes(
  entry: Omit<KeyValueEntry, 'version'>,
  writeId: string,
): Readonly<Record<string, string | number | Uint8Array | null>> {
  const { space, name, expiresAtMs, dueAtMs } = entry;
  const value = entryJson(entry);
  const shard = shardOf(entryId(space, name));
  return {
    itemVersion,
    writeId,
    space,
    nameBytes: nameBytes(name),
    value,
    shard,
    entryExpiresMs: expiresAtMs,
    dueShard: dueAtMs === null ? null : dueShard(kindOfSpace(space), shard),
    dueMs: dueAtMs,
  };
}

/** The entry, or undefined for an item of a newer version. */
export function entryFromItem(item: Item): KeyValueEntry | undefined {
  if (Number(item.itemVersion) > itemVersion) return undefined;
  const space = String(item.space);
  return {
    space,
    name: nameOfId(space, String(item.id)),
    value: JSON.parse(String(item.value)),
    expiresAtMs: item.entryExpiresMs === undefined ? null : Number(item.entryExpiresMs),
    dueAtMs: item.dueMs === undefined ? null : Number(item.dueMs),
    version: Number(item.version),
  };
}
