/**
 * The loose scan of byRank. Each shard has its jobs sorted by tenant and rank: the scan reads a page, takes the first job of a tenant
 * that may start, and jumps past that tenant, so that one with a long backlog costs a page and not its backlog. What the four shards
 * found is merged by tenant, and the record itself decides in the end: an index may be a moment behind.
 */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Job } from '#core/job.ts';
import { afterTenant, fromItem } from './dynamo-job-item.ts';
import { loadItems, shards, type Table } from './dynamo-query.ts';

/** Jobs of one read: some 4 KB, for which DynamoDB charges no more than for one job. */
const PAGE_SIZE = 25;
/** Sorts before every place, which starts with a printable character; DynamoDB takes no empty bound. */
const FIRST_PLACE = ' ';

interface Candidate {
  readonly id: string;
  readonly tenant: string;
  readonly place: string;
}

/** The first job of each tenant that is queued and may start, of at most `limit` tenants. Throws what the SDK throws. */
export async function queueHeads(table: Table, nowMs: number, limit: number): Promise<readonly Job[]> {
  if (limit < 1) return [];
  const ofShards = await Promise.all(shards.map(shard => scanShard(table, shard, nowMs, limit)));
  const places = ofShards.flat().sort((a, b) => (a.place < b.place ? -1 : 1));
  const waiting = [...Map.groupBy(places, candidate => candidate.tenant).values()].slice(0, limit);
  const heads: Job[] = [];
  // A candidate that has just been leased gives way to the best one of another shard: a tenant has at most one a shard.
  for (let turn = 0; turn < shards.length && waiting.length > 0; turn++) {
    const ids = waiting.flatMap(candidates => candidates[turn]?.id ?? []);
    const jobs = (await loadItems(table, ids)).flatMap(item => fromItem(item) ?? []);
    const found = new Set<string>();
    for (const job of jobs) {
      if (job.status !== 'queued' || job.notBeforeMs > nowMs) continue;
      heads.push(job);
      found.add(job.tenant);
    }
    const open = waiting.filter(
      candidates => candidates[turn + 1] !== undefined && !found.has(candidates[turn]!.tenant),
    );
    waiting.splice(0, waiting.length, ...open);
  }
  return heads;
}

/** The first startable job of each tenant in one shard, in the order of the tenants' places. */
async function scanShard(table: Table, shard: string, nowMs: number, limit: number): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  let after = FIRST_PLACE;
  for (;;) {
    const command = new QueryCommand({
      TableName: table.name,
      IndexName: 'byRank',
      KeyConditionExpression: '#shard = :shard AND #place > :after',
      ExpressionAttributeNames: { '#shard': 'shard', '#place': 'queuePlace' },
      ExpressionAttributeValues: { ':shard': shard, ':after': after },
      Limit: PAGE_SIZE,
    });
    const { Items = [], LastEvaluatedKey } = await table.documents.send(command);
    for (const item of Items) {
      const tenant = String(item.tenant);
      if (found.at(-1)?.tenant === tenant || Number(item.notBeforeMs) > nowMs) continue;
      found.push({ id: String(item.id), tenant, place: String(item.queuePlace) });
      if (found.length === limit) return found;
    }
    const last = Items.at(-1);
    if (last === undefined || LastEvaluatedKey === undefined) return found;
    after = found.at(-1)?.tenant === last.tenant ? afterTenant(String(last.tenant)) : String(last.queuePlace);
  }
}
