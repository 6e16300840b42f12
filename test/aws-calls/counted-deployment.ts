import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditSettingsFrom, connectAudit } from '#adapters/aws/connect-audit.ts';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { createSealing } from '#adapters/sealing.ts';
import type { PriceList } from '#core/accounts/price-list.ts';
import type { Job } from '#core/job.ts';
import { defaultShare } from '#core/jobs/fair-order.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { readStandings } from '#core/jobs/standing.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { sweeps } from '#core/jobs/sweeps.ts';
import { limits } from '#core/limits.ts';
import { nothingAllowed } from '#core/webhooks/allow-list.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { processJob, type WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { accountsFor } from '#test/accounts/accounts-for.ts';
import { startAwsServers } from '#test/contracts/aws-servers.ts';
import { CARD } from '#test/core/model-card.ts';
import { ownPlace } from '#test/core/places.ts';
import { floorContent } from '#test/policy/floor-content.ts';
import { marksFor } from '#test/worker/marks-for.ts';
import { receiptsFor } from '#test/worker/receipts-for.ts';
import { type Calls, createCallCounter } from './call-counter.ts';

/** Front door and one worker on the AWS adapters, with every request counted. */
export interface CountedDeployment {
  /** Accepts so many jobs, one after the other; the calls it took. */
  submitJobs(count: number, user?: string): Promise<Calls>;
  /** Tells one waiting job's place in the queue, as the answer to a create does. */
  tellStanding(): Promise<Calls>;
  /** Lets one worker do all that waits, by the steps of its loop; no poll finds the queue empty. */
  work(): Promise<Calls>;
  /** One poll that finds nothing. */
  idlePoll(): Promise<Calls>;
  /** One round of the sweeps that each worker and each minute's function make. */
  sweep(): Promise<Calls>;
  completed(): number;
  close(): Promise<void>;
}

/** Loopback servers in this process; the renderer is a stub that makes its files at once. */
export async function startCountedDeployment(prices?: PriceList): Promise<CountedDeployment> {
  const aws = await startAwsServers();
  const folder = await mkdtemp(join(tmpdir(), 'reelay-calls-'));
  const counter = createCallCounter();
  counter.watch('sqs', aws.clients.sqs);
  counter.watch('s3', aws.clients.s3);
  counter.watch('dynamodb', aws.clients.dynamo);
  counter.watch('events', aws.clients.eventBridge);
  const { queue, events, deadLetters, kv } = aws;
  const sealing = createSealing({ kv, master: randomBytes(32), now: systemClock.now, where: 'test' });
  const [store, blobs] = [sealing.store(aws.store), sealing.blobs(aws.blobs)];
  const webhooks = createWebhookPorts({ kv, allow: nothingAllowed, now: systemClock.now });
  const base = {
    ...systemClock,
    ...{ queue, store, blobs, events, deadLetters, kv },
    subjects: sealing.subjects,
    ...ownPlace,
    audit: connectAudit(kv, auditSettingsFrom({}), { kind: 'door' }, systemClock.now),
    shareOf: () => defaultShare,
    content: floorContent,
    random: randomBytes,
    sha256: (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex'),
    accounts: accountsFor({ kv, events, ...(prices === undefined ? {} : { prices }) }),
    enqueueDeliveries: (event: Parameters<typeof enqueueDeliveries>[1], url: string | null) =>
      enqueueDeliveries(webhooks, event, url),
  };
  const door: SubmitPorts = {
    ...base,
    models: [CARD],
    checkWebhookUrl: () => undefined,
  };
  const renderer = createRenderer({
    bundles: new Map([[CARD.id, folder]]),
    threads: 1,
    childPath: join(import.meta.dirname, '..', 'fixtures', 'render-children', 'instant.ts'),
    tasksPerChild: Number.MAX_SAFE_INTEGER,
  });
  const { leaseSeconds } = limits;
  const worker: WorkerPorts = {
    ...base,
    log: () => undefined,
    renderer,
    receipts: receiptsFor({ kv, ...ownPlace, random: randomBytes }),
    marks: marksFor({ kv }),
    owner: 'task-1',
    ownerIsGone: () => false,
    leaseSeconds,
    leases: createLeaseWatch({ monotonicMs: systemClock.monotonicMs, leaseSeconds }),
    progressEveryMs: limits.progressEveryMs,
    checkpointCadence: { everySteps: limits.checkpointEverySteps, everyMs: limits.checkpointEveryMs },
    scratch: job => openScratch(join(folder, `${job.id}-${job.attempt}`)),
  };
  let last: Job | undefined;
  let waiting = 0;
  const completed = () => aws.recordedEvents().filter(event => event.type === 'video.completed').length;

  return {
    completed,
    async submitJobs(count, user) {
      counter.take();
      for (let n = 0; n < count; n++) last = await submit(door, 'acme', { prompt: `clip ${n}`, user });
      waiting += count;
      return counter.take();
    },
    async tellStanding() {
      counter.take();
      await readStandings(door, last === undefined ? [] : [last]);
      return counter.take();
    },
    async work() {
      counter.take();
      for (let n = 0; n < waiting; n++) {
        const delivery = await queue.receive({ leaseSeconds, waitMs: 1_000 });
        if (delivery === undefined) throw new Error(`${waiting - n} jobs wait and the queue holds no message`);
        await processJob(worker, delivery, new AbortController().signal);
      }
      waiting = 0;
      return counter.take();
    },
    async idlePoll() {
      counter.take();
      await queue.receive({ leaseSeconds, waitMs: 0 });
      return counter.take();
    },
    async sweep() {
      counter.take();
      for (const sweep of Object.values(sweeps)) await sweep({ ...door });
      return counter.take();
    },
    async close() {
      await renderer.close();
      await aws.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
