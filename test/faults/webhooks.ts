/**
 * R10: events to receivers of which 30 % are bad, over loopback HTTP and the SQLite store, with two dispatchers on it.
 *
 *     node cli/bootstrap.mjs --exec test/faults/webhooks.ts [--scale 1] [--slack-ms 100]
 *
 * Twenty tenants with an endpoint and a job URL each; an event is one tenant's and goes to both. Waits are shortened: ten tries 50 ms
 * to 1 s apart instead of 5 s to 24 h, 0.5 s instead of 10 s for an exchange. The same events, fewer of them, go to good receivers only
 * before and after: what the good ones wait for then is what they may wait for among bad ones. Prints one row of a table.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { jobEndEvent } from '#core/events.ts';
import { newJobId } from '#core/job-id.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import { readDefaultSecrets } from '#core/webhooks/default-secret.ts';
import { runDispatcher } from '#core/webhooks/deliver.ts';
import type { WebhookDelivery } from '#core/webhooks/delivery.ts';
import { createEndpoint } from '#core/webhooks/endpoints.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import type { DispatchPorts, WebhookNotice } from '#core/webhooks/ports.ts';
import { maxTries, type WebhookTiming, webhookTiming } from '#core/webhooks/webhook-limits.ts';
import { all, isMet, none, percentile, type Result, round, toRow } from './result.ts';
import { CROWD, type Crowd, startCrowd } from './webhook-crowd.ts';

const EVENTS = 5_000;
const EVENTS_PER_SECOND = 50;
const TENANTS = CROWD / 2;

/** The shortened times; the proportions are those of webhookTiming. */
const QUICK: WebhookTiming = {
  ...webhookTiming,
  timeoutMs: 500,
  retryWaitsMs: [50, 100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000],
  giveUpMs: 20_000,
  claimMs: 2_000,
  turnMs: 500,
  holdMs: 3_000,
  settleMs: 250,
  slowMs: 200,
  pollMs: 50,
};

interface Run {
  readonly crowd: Crowd;
  readonly deliveries: readonly WebhookDelivery[];
  readonly notices: readonly WebhookNotice[];
  /** Event ids by tenant. */
  readonly events: ReadonlyMap<number, readonly string[]>;
  /** Event to first arrival, good receivers only. */
  readonly latenciesMs: readonly number[];
}

/** R10 at `scale` times 5,000 events. `slackMs`: what a p95 may be above what it is without bad receivers, besides doubling. */
export async function runWebhookFaults(scale: number, slackMs = 100): Promise<Result> {
  const events = Math.round(EVENTS * scale);
  const before = await runEvents(Math.ceil(events / 10), false);
  const run = await runEvents(events, true);
  const after = await runEvents(Math.ceil(events / 10), false);
  const p95 = percentile(run.latenciesMs, 0.95);
  const calm = Math.max(percentile(before.latenciesMs, 0.95), percentile(after.latenciesMs, 0.95));
  const ended = run.deliveries.filter(({ state }) => state !== 'pending');
  const dead = run.deliveries.filter(({ state }) => state === 'dead');
  const reasons = Map.groupBy(dead, ({ reason }) => reason ?? '');
  const title = `${events} events, ${run.deliveries.length} deliveries, 30 % bad receivers`;
  return {
    id: 'R10',
    title,
    goals: [
      all('delivered or dead-lettered', ended.length, run.deliveries.length),
      none('events without a delivery to their URL, or to a good endpoint', missing(run)),
      none('events a good receiver did not get', lost(run)),
      none('bad signatures, changed ids or bodies', run.crowd.complaints),
      none('redirects followed', run.crowd.canaryConnections()),
      none('dead before their time', dead.filter(diedEarly)),
      {
        what: 'good receivers’ p95',
        goal: `<= 2 x ${round(calm)} + ${slackMs} ms, that without bad ones`,
        got: `${round(p95)} ms`,
        met: p95 <= 2 * calm + slackMs,
      },
    ],
    figures: {
      delivered: ended.length - dead.length,
      dead: Object.fromEntries([...reasons].map(([reason, list]) => [reason, list.length])),
      tries: run.deliveries.reduce((sum, { tries }) => sum + tries, 0),
      requestsVerified: run.crowd.members.reduce((sum, { requests }) => sum + requests, 0),
      notices: Object.fromEntries([...Map.groupBy(run.notices, ({ type }) => type)].map(([k, v]) => [k, v.length])),
      goodLatencyMs: Object.fromEntries([0.5, 0.95, 0.99].map(q => [`p${q * 100}`, percentile(run.latenciesMs, q)])),
      calmP95Ms: [before, after].map(({ latenciesMs }) => percentile(latenciesMs, 0.95)),
      retryWaitsMs: QUICK.retryWaitsMs,
    },
  };
}

async function runEvents(count: number, withBad: boolean): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-r10-'));
  const db = openDatabase(folder);
  const crowd = await startCrowd(withBad);
  const notices: WebhookNotice[] = [];
  const ports: DispatchPorts = {
    ...createWebhookPorts({
      kv: createSqliteKeyValueStore(db),
      allow: parseAllowList('127.0.0.1'),
      now: () => Date.now(),
    }),
    timing: QUICK,
    announce: async notice => void notices.push(notice),
    sleep: ms => sleep(ms),
    log: (level, message, fields) => {
      if (level === 'error') throw new Error(`${message}: ${JSON.stringify(fields)}`);
    },
  };
  const stop = new AbortController();
  try {
    await settleIn(ports, crowd);
    const dispatchers = [runDispatcher(ports, stop.signal), runDispatcher(ports, stop.signal)];
    const { events, toldMs } = await tellEvents(ports, crowd, count);
    await allEnded(db);
    stop.abort();
    await Promise.all(dispatchers);
    await crowd.checked();
    const latenciesMs = crowd.members
      .filter(({ behaviour }) => behaviour === 'good')
      .flatMap(({ firstAtMs }) => [...firstAtMs].map(([id, atMs]) => atMs - (toldMs.get(id) ?? atMs)));
    return { crowd, deliveries: deliveriesOf(db), notices, events, latenciesMs };
  } finally {
    stop.abort();
    await crowd.close();
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Endpoints for the even places; the odd ones learn the default secret of their tenant. */
async function settleIn(ports: DispatchPorts, crowd: Crowd): Promise<void> {
  for (const [place, member] of crowd.members.entries()) {
    const tenant = tenantOf(Math.floor(place / 2));
    const fields = { name: member.behaviour, url: member.url, event_types: ['video.completed'] };
    const { current } =
      place % 2 === 0 ? (await createEndpoint(ports, tenant, fields)).secrets : await readDefaultSecrets(ports, tenant);
    member.secret = current;
  }
}

async function tellEvents(ports: DispatchPorts, crowd: Crowd, count: number) {
  const events = new Map<number, string[]>();
  const toldMs = new Map<string, number>();
  const startMs = Date.now();
  for (let n = 0; n < count; n++) {
    await sleep(Math.max(0, startMs + (1000 * n) / EVENTS_PER_SECOND - Date.now()));
    const who = n % TENANTS;
    const id = newJobId(Date.now(), randomBytes(10));
    const data = { id, tenant: tenantOf(who), model: 'reelay-mini', attempt: 1, error: null, sha256: null };
    const event = jobEndEvent({ ...data, status: 'completed' }, Date.now());
    toldMs.set(event.id, Date.now());
    events.set(who, [...(events.get(who) ?? []), event.id]);
    await enqueueDeliveries(ports, event, crowd.members[2 * who + 1]!.url);
    // The relay repeats itself when its own record could not be written: nothing comes of it.
    if (n % 10 === 0) await enqueueDeliveries(ports, event, crowd.members[2 * who + 1]!.url);
  }
  return { events, toldMs };
}

function tenantOf(who: number): string {
  return `tenant-${who}`;
}

const END_WITHIN_MS = 120_000;

/** Asks the database itself, not the code under test. */
async function allEnded(db: DatabaseSync): Promise<void> {
  const pending = db.prepare(
    "SELECT count(*) AS n FROM entries WHERE kind LIKE 'webhook_deliveries.%' AND due_at_ms IS NOT NULL",
  );
  for (const endMs = Date.now() + END_WITHIN_MS; Date.now() < endMs; await sleep(200))
    if (Number(pending.get()?.n) === 0) return;
}

function deliveriesOf(db: DatabaseSync): WebhookDelivery[] {
  const rows = db.prepare("SELECT value FROM entries WHERE kind LIKE 'webhook_deliveries.%'").all();
  return rows.map(({ value }) => JSON.parse(String(value)) as WebhookDelivery);
}

/** A delivery for each event's URL, and for its endpoint unless that was disabled on the way. */
function missing({ events, deliveries, crowd }: Run): string[] {
  const byEvent = Map.groupBy(deliveries, ({ eventId }) => eventId);
  return [...events].flatMap(([who, ids]) => {
    const isGood = crowd.members[2 * who]?.behaviour === 'good';
    return ids.filter(id => {
      const kinds = (byEvent.get(id) ?? []).map(({ target }) => target.kind);
      return !kinds.includes('url') || (isGood && !kinds.includes('endpoint')) || new Set(kinds).size !== kinds.length;
    });
  });
}

function lost({ events, crowd }: Run): string[] {
  return crowd.members.flatMap(({ behaviour, firstAtMs }, place) =>
    ['good', 'slow', 'flaky'].includes(behaviour)
      ? (events.get(Math.floor(place / 2)) ?? []).filter(id => !firstAtMs.has(id))
      : [],
  );
}

/** Dead for its tries without having had them. */
function diedEarly({ reason, tries, log }: WebhookDelivery): boolean {
  return reason === 'tries_exhausted' && (tries !== maxTries(QUICK) || log.length !== tries);
}

if (import.meta.main) {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({ options: { scale: text('1'), 'slack-ms': text('100') } });
  const startedMs = performance.now();
  const result = await runWebhookFaults(Number(values.scale), Number(values['slack-ms']));
  process.stderr.write(`${JSON.stringify(result.figures, null, 1)}\n`);
  process.stdout.write(`${toRow(result, (performance.now() - startedMs) / 1000)}\n`);
  process.exitCode = isMet(result) ? 0 : 1;
}
