import type { KeyValueEntry } from '#core/ports.ts';
import { entryFromItem, entryId, nameBytes, nameOfId } from './dynamo-entry-item.ts';
import { loadItems, partitionQuery, queryItems, type Table } from './dynamo-query.ts';

/**
 * The first `limit` entries of a space after a name, in the order of their names' UTF-8 bytes. A page is filled past entries that the
 * index still shows and the table has no more. Throws what the SDK throws.
 */
export async function entriesOfSpace(
  table: Table,
  space: string,
  query: { limit: number; after?: string },
): Promise<readonly KeyValueEntry[]> {
  const { limit } = query;
  const entries: KeyValueEntry[] = [];
  if (limit < 1) return entries;
  let ids: string[] = [];
  for await (const name of namesOfSpace(table, space, query)) {
    ids.push(entryId(space, name));
    if (entries.length + ids.length < limit) continue;
    entries.push(...(await load(table, ids)));
    if (entries.length === limit) return entries;
    ids = [];
  }
  entries.push(...(await load(table, ids)));
  return entries;
}

async function load(table: Table, ids: readonly string[]): Promise<readonly KeyValueEntry[]> {
  return (await loadItems(table, ids)).flatMap(item => entryFromItem(item) ?? []);
}

/** The names after `after`, in order: the index has put together what shares its first thousand bytes, sorting those is left to us. */
async function* namesOfSpace(
  table: Table,
  space: string,
  { limit, after }: { limit: number; after?: string },
): AsyncGenerator<string> {
  const range = after === undefined ? {} : { from: nameBytes(after) };
  const items = queryItems(table, { ...partitionQuery(table, 'entriesBySpace', space, range), Limit: limit + 1 });
  let alike: string[] = [];
  for await (const item of items) {
    const name = nameOfId(space, String(item.id));
    if (after !== undefined && compareBytes(name, after) <= 0) continue;
    if (alike[0] !== undefined && Buffer.compare(nameBytes(name), nameBytes(alike[0])) !== 0) {
      yield* alike.sort(compareBytes);
      alike = [];
    }
    alike.push(name);
  }
  yield* alike.sort(compareBytes);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
