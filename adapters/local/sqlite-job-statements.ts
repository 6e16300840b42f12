import type { DatabaseSync } from 'node:sqlite';

/**
 * A loose scan of jobs_by_rank: one seek to each tenant and one to its first job that may start, so that a tenant's backlog costs the
 * others nothing. A plain GROUP BY reads every queued job.
 */
const QUEUE_HEADS = `
  WITH RECURSIVE tenants (tenant) AS (
    SELECT min(tenant) FROM jobs WHERE queue_rank IS NOT NULL
    UNION ALL
    SELECT (SELECT min(tenant) FROM jobs WHERE queue_rank IS NOT NULL AND tenant > tenants.tenant)
      FROM tenants WHERE tenants.tenant IS NOT NULL
  )
  SELECT record FROM tenants CROSS JOIN jobs ON jobs.rowid = (
    SELECT rowid FROM jobs WHERE tenant = tenants.tenant AND queue_rank IS NOT NULL AND (not_before_ms <= :nowMs OR not_before_ms > :latestMs)
      ORDER BY queue_rank LIMIT 1
  ) LIMIT :limit`;

const COLUMNS = [
  'status',
  'attempt',
  'version',
  'lease_expires_at_ms',
  'outbox_due_at_ms',
  'expires_at_ms',
  'deleted_at_ms',
  'queue_rank',
  'not_before_ms',
  'deadline_at_ms',
  'record',
];

/** The statements of the job store, prepared once; columns that change with the record are bound by name, see `columns` there. */
export function prepareJobStatements(db: DatabaseSync) {
  const list = (comparison: string, order: string) =>
    db.prepare(
      `SELECT record FROM jobs WHERE tenant = :tenant AND deleted_at_ms IS NULL AND made ${comparison} :after
         AND (:status IS NULL OR status = :status) ORDER BY made ${order}`,
    );
  return {
    load: db.prepare('SELECT record FROM jobs WHERE id = ?'),
    /** Inserts nothing where a tombstone stands. */
    insert: db.prepare(
      `INSERT INTO jobs (id, tenant, ${COLUMNS.join(', ')})
       SELECT :id, :tenant, ${COLUMNS.map(name => `:${name}`).join(', ')}
       WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE tombstones.id = :id)`,
    ),
    update: db.prepare(`UPDATE jobs SET ${COLUMNS.map(name => `${name} = :${name}`).join(', ')} WHERE id = :id`),
    listAsc: list('>', 'ASC'),
    listDesc: list('<', 'DESC'),
    outboxDue: db.prepare('SELECT record FROM jobs WHERE outbox_due_at_ms <= ? ORDER BY outbox_due_at_ms, id LIMIT ?'),
    running: db.prepare(
      'SELECT record FROM jobs WHERE lease_expires_at_ms IS NOT NULL ORDER BY lease_expires_at_ms, id LIMIT ?',
    ),
    /** Sorts all queued keys, some 10 ms for 20,000, and reads the records of the first. */
    queued: db.prepare('SELECT record FROM jobs WHERE queue_rank IS NOT NULL ORDER BY queue_rank LIMIT ?'),
    countRunning: db.prepare(
      'SELECT tenant, count(*) AS jobs FROM jobs WHERE lease_expires_at_ms IS NOT NULL GROUP BY tenant',
    ),
    queueHeads: db.prepare(QUEUE_HEADS),
    countQueuedByTenant: db.prepare(
      'SELECT tenant, count(*) AS jobs FROM jobs WHERE queue_rank IS NOT NULL GROUP BY tenant',
    ),
    countQueuedBefore: db.prepare(
      `SELECT count(*) AS queued FROM (SELECT 1 FROM jobs WHERE tenant = ? AND queue_rank < ? LIMIT ?)`,
    ),
    deadlinesMissed: db.prepare(
      'SELECT record FROM jobs WHERE deadline_at_ms <= ? ORDER BY deadline_at_ms, id LIMIT ?',
    ),
    removable: db.prepare(
      `SELECT record FROM jobs WHERE (deleted_at_ms IS NOT NULL OR expires_at_ms <= ?) AND outbox_due_at_ms IS NULL
       ORDER BY coalesce(deleted_at_ms, expires_at_ms), id LIMIT ?`,
    ),
    bury: db.prepare(
      `INSERT INTO tombstones (id, tenant, removed_at_ms)
       SELECT id, tenant, :removedAtMs FROM jobs WHERE id = :id AND tenant = :tenant AND deleted_at_ms IS NOT NULL`,
    ),
    remove: db.prepare('DELETE FROM jobs WHERE id = ?'),
    tombstones: db.prepare(
      'SELECT id, tenant, removed_at_ms FROM tombstones WHERE removed_at_ms <= ? ORDER BY removed_at_ms, id LIMIT ?',
    ),
    removeTombstone: db.prepare('DELETE FROM tombstones WHERE id = ?'),
    countQueued: db.prepare('SELECT count(*) AS queued FROM (SELECT 1 FROM jobs WHERE queue_rank IS NOT NULL LIMIT ?)'),
  };
}

/** What `prepareJobStatements` gives. */
export type JobStatements = ReturnType<typeof prepareJobStatements>;
