/**
 * The loose scan of byRank, which has its jobs sorted by tenant and rank: the scan reads a page, takes the first few jobs of a tenant
 * that may start, and jumps past that tenant, so that one with a long backlog costs a page and not its backlog. The record itself
 * decides in the end: an index may be a moment behind.
 */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { queuedRank } from '#adapters/job-facts.ts';
import type { Job } from '#core/job.ts';
import { afterTenant, fromItem } from './dynamo-job-item.ts';
import { loadItems, type Table } from './dynamo-query.ts';
import { queuePartition } from './dynamo-table.ts';

/** Jobs of one read: some 4 KB, for which DynamoDB charges no more than for one job. */
const PAGE_SIZE = 25;
/** Jobs of a tenant that are looked at: where several workers choose at once, the first ones have just been leased. */
const CANDIDATES = 4;
/** Sorts before every place, which starts with a printable character; DynamoDB takes no empty bound. */
const FIRST_PLACE = ' ';

interface Candidate {
  readonly id: string;
  readonly tenant: string;
}

/** The first job of each tenant that is queued and may start, of at most `limit` tenants. Throws what the SDK throws. */
export async function queueHeads(table: Table, nowMs: number, limit: number): Promise<readonly Job[]> {
  if (limit < 1) return [];
  const waiting = [...Map.groupBy(await scan(table, nowMs, limit), candidate => candidate.tenant).values()];
  const heads: Job[] = [];
  // A candidate that has just been leased gives way to the next one of its tenant.
  for (let turn = 0; turn < CANDIDATES && waiting.length > 0; turn++) {
    const ids = waiting.flatMap(candidates => candidates[turn]?.id ?? []);
    const jobs = (await loadItems(table, ids)).flatMap(item => fromItem(item) ?? []);
    const found = new Set<string>();
    for (const job of jobs) {
      if (queuedRank(job) === null || job.notBeforeMs > nowMs) continue;
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

/** The first startable jobs of each tenant by rank, of at most `limit` tenants in the order of their places. */
async function scan(table: Table, nowMs: number, limit: number): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  let [tenants, ofLast] = [0, 0];
  let after = FIRST_PLACE;
  for (;;) {
    const command = new QueryCommand({
      TableName: table.name,
      IndexName: 'byRank',
      KeyConditionExpression: '#partition = :partition AND #place > :after',
      ExpressionAttributeNames: { '#partition': 'queueShard', '#place': 'queuePlace' },
      ExpressionAttributeValues: { ':partition': queuePartition, ':after': after },
      Limit: PAGE_SIZE,
    });
    const { Items = [], LastEvaluatedKey } = await table.documents.send(command);
    for (const item of Items) {
      const tenant = String(item.tenant);
      const isNew = found.at(-1)?.tenant !== tenant;
      if (isNew && tenants === limit) return found;
      if ((!isNew && ofLast === CANDIDATES) || Number(item.notBeforeMs) > nowMs) continue;
      [tenants, ofLast] = isNew ? [tenants + 1, 1] : [tenants, ofLast + 1];
      found.push({ id: String(item.id), tenant });
    }
    const last = Items.at(-1);
    if (last === undefined || LastEvaluatedKey === undefined) return found;
    after = found.at(-1)?.tenant === last.tenant ? afterTenant(String(last.tenant)) : String(last.queuePlace);
  }
}
