import { createHash, randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createS3DropFolder } from '#adapters/aws/s3-drop-folder.ts';
import { defaultShare } from '#core/jobs/fair-order.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { DropDeps } from '#functions/ingest-drop.ts';
import { accountsFor } from '#test/accounts/accounts-for.ts';
import { createMemoryAudit } from '#test/audit/memory-audit.ts';
import { clientConfig, startAwsServers } from '#test/contracts/aws-servers.ts';
import { CARD } from '#test/core/model-card.ts';
import { ownPlace } from '#test/core/places.ts';
import { testSubjects } from '#test/core/subjects.ts';
import { floorContent } from '#test/policy/floor-content.ts';
import { TENANT } from './drop-world.ts';

export const BUCKET = 'drops';

/** One put of a source, as S3 would tell of it. */
export interface Put {
  readonly key: string;
  readonly etag: string;
  readonly sequencer: string;
}

/** A bucket with a drop folder on loopback servers, and everything `submit` needs: of the AWS family, or what is given. */
export async function openS3World(given?: SubmitPorts) {
  const aws = await startAwsServers();
  const s3 = new S3Client({ ...clientConfig(aws.endpoints.sqsAndS3), forcePathStyle: true });
  const requests: string[] = [];
  watchRequests(s3, requests);
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const { queue, store, blobs, events, deadLetters, kv } = aws;
  let skewMs = 0;
  const now = () => Date.now() + skewMs;
  const ports: SubmitPorts = given ?? {
    ...{ queue, store, blobs, events, deadLetters, kv, models: [CARD], now },
    ...ownPlace,
    accounts: accountsFor({ kv, events, now }),
    enqueueDeliveries: async () => undefined,
    checkWebhookUrl: () => undefined,
    audit: createMemoryAudit(),
    shareOf: () => defaultShare,
    content: floorContent,
    random: randomBytes,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    subjects: testSubjects,
  };
  const deps: DropDeps = {
    ...ports,
    now,
    tenant: TENANT,
    folder: createS3DropFolder({ client: s3, bucket: BUCKET, now }),
    log: () => undefined,
  };
  let puts = 0;
  return {
    deps,
    s3,
    requests,
    /** As if so much time had gone by since the objects were put. */
    later(ms: number) {
      skewMs += ms;
    },
    async put(key: string, content: string | Buffer, Metadata?: Record<string, string>): Promise<Put> {
      const input = { Bucket: BUCKET, Key: key, Body: Buffer.from(content), ...(Metadata ? { Metadata } : {}) };
      const { ETag } = await s3.send(new PutObjectCommand(input));
      puts++;
      return {
        key,
        etag: (ETag ?? '').replaceAll('"', ''),
        sequencer: `0062E99A88DC${puts.toString(16).padStart(4, '0').toUpperCase()}`,
      };
    },
    async keys(prefix: string): Promise<string[]> {
      const page = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }));
      return (page.Contents ?? []).map(({ Key }) => Key!.slice(prefix.length)).sort();
    },
    async text(key: string): Promise<string> {
      const found = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      return found.Body!.transformToString();
    },
    async json(key: string): Promise<any> {
      return JSON.parse(await this.text(key));
    },
    async receipts(): Promise<any[]> {
      const names = (await this.keys('out/')).filter(name => name.endsWith('.receipt.json'));
      return Promise.all(names.map(name => this.json(`out/${name}`)));
    },
    async close() {
      s3.destroy();
      await aws.close();
    },
  };
}

export type S3World = Awaited<ReturnType<typeof openS3World>>;

/** Notes what is asked of S3; fauxqs knows no `If-None-Match` on a put, so that is looked up here, as S3 does it. */
function watchRequests(s3: S3Client, requests: string[]): void {
  s3.middlewareStack.add(
    (next, context) => async args => {
      requests.push(String(context.commandName));
      const input = args.input as { Bucket: string; Key: string; IfNoneMatch?: string };
      if (context.commandName !== 'PutObjectCommand' || input.IfNoneMatch !== '*') return next(args);
      const there = await s3
        .send(new HeadObjectCommand({ Bucket: input.Bucket, Key: input.Key }))
        .catch(() => undefined);
      if (there !== undefined) throw Object.assign(new Error('there is one'), { name: 'PreconditionFailed' });
      return next(args);
    },
    { step: 'initialize', name: 'conditionalPuts' },
  );
}

/** The event as EventBridge brings it: the key as it is. */
export function bridgeEvent({ key, etag, sequencer }: Put): any {
  return {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { version: '0', bucket: { name: BUCKET }, object: { key, size: 1, etag, sequencer }, reason: 'PutObject' },
  };
}

/** The event as S3's own notifications bring it: the key encoded like a form. */
export function notification(...puts: Put[]): any {
  return {
    Records: puts.map(({ key, etag, sequencer }) => ({
      eventSource: 'aws:s3',
      eventName: 'ObjectCreated:Put',
      s3: {
        bucket: { name: BUCKET },
        object: {
          key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'),
          size: 1,
          eTag: etag,
          sequencer,
        },
      },
    })),
  };
}

/** Events as a queue delivers them. */
export function queued(...bodies: unknown[]): any {
  return {
    Records: bodies.map((body, at) => ({
      messageId: `message-${at}`,
      receiptHandle: `receipt-${at}`,
      eventSource: 'aws:sqs',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })),
  };
}

export const SCHEDULE: any = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
