import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createS3Objects } from '#adapters/aws/s3-objects.ts';
import type { ObjectSource, ObjectTarget } from '#core/bundle-objects.ts';
import { limits } from '#core/limits.ts';
import { openCachedBundle } from '#gpu-container/bundles/fetch-bundle.ts';
import { pushBundle } from '#gpu-container/bundles/push-bundle.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { type AwsServers, awsNames, startAwsServers } from '#test/contracts/aws-servers.ts';
import { largeBundle } from './large-bundle.ts';

let aws: AwsServers;
let objects: ObjectSource & ObjectTarget;

beforeAll(async () => {
  aws = await startAwsServers();
  objects = createS3Objects({ client: aws.clients.s3, bucket: awsNames.bucket });
});
afterAll(() => aws.close());

describe('a bundle in a bucket', () => {
  test('is pushed in parts, skipped the second time, and fetched by ranges', async () => {
    const bundle = await largeBundle(2 * limits.uploadPartBytes + 77);
    const pushed = await pushBundle(bundle.folder, objects);
    expect(pushed).toMatchObject({ digest: bundle.digest, skipped: 0 });
    expect(await pushBundle(bundle.folder, objects)).toMatchObject({ put: 0, skipped: bundle.files.length + 2 });
    const cache = await mkdtemp(join(tmpdir(), 'reelay-cache-'));
    onTestFinished(() => rm(cache, { recursive: true, force: true }));
    const opened = await openCachedBundle({
      id: 'small',
      digest: bundle.digest,
      source: objects,
      cache: { folder: cache },
      signal: new AbortController().signal,
    });
    expect((await loadBundle(opened.folder)).digest).toBe(bundle.digest);
    const Bucket = awsNames.bucket;
    const { Contents } = await aws.clients.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'bundles/' }));
    expect(Contents?.every(({ Key }) => Key?.startsWith(`bundles/${bundle.digest}/`))).toBe(true);
    const { Uploads } = await aws.clients.s3
      .send(new ListMultipartUploadsCommand({ Bucket }))
      .catch(() => ({ Uploads: [] }));
    expect(Uploads ?? []).toEqual([]);
  });

  test('that is not there, or whose bucket is not, is told in a sentence and not asked for again', async () => {
    const { signal } = new AbortController();
    expect(await objects.size('bundles/none/bundle.json', signal)).toBeUndefined();
    expect(await objects.read('bundles/none/bundle.json', { start: 0, end: 1 }, signal)).toBeUndefined();
    const nowhere = createS3Objects({ client: aws.clients.s3, bucket: 'no-such-bucket' });
    await expect(nowhere.read('bundles/x/y', { start: 0, end: 1 }, signal)).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: false,
      message: 's3://no-such-bucket did not answer as it should (NoSuchBucket).',
    });
  });
});
