/** What the S3 drop folder writes: whole objects, put, never copied (a copy cannot be made conditional everywhere). */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { OutputBlob } from '#core/drop/drop-folder.ts';
import { ReelayError } from '#core/errors.ts';
import { isAwsError } from './aws-error.ts';

/** Our mark, as `x-amz-meta-reelay-origin`: an object that carries it is never taken for a drop. */
export const ORIGIN = 'reelay-origin';

/** Where requests go. */
export interface Target {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Whether an object of this key is there. */
export async function exists({ client, bucket }: Target, key: string): Promise<boolean> {
  try {
    await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if (isAwsError(error, 'NoSuchKey', 'NotFound')) return false;
    throw error;
  }
}

/** Puts bytes; without `replace` only where nothing is, and false when something was. */
export async function putObject(
  { client, bucket }: Target,
  key: string,
  bytes: Uint8Array,
  { replace, type }: { replace: boolean; type: string },
): Promise<boolean> {
  const only = replace ? {} : { IfNoneMatch: '*' };
  const Metadata = { [ORIGIN]: 'drop' };
  const command = { Bucket: bucket, Key: key, Body: bytes, ContentType: type, Metadata, ...only };
  try {
    await client.send(new PutObjectCommand(command));
    return true;
  } catch (error) {
    if (!replace && isAwsError(error, 'PreconditionFailed')) return false;
    throw error;
  }
}

/** Puts a video of known size and hash unless it is there. The hash is checked here on the way and by S3 at the end. */
export async function putStream(target: Target, key: string, blob: OutputBlob): Promise<void> {
  if (await exists(target, key)) return;
  const { client, bucket } = target;
  const Body = Readable.from(hashed(blob));
  const stop = new AbortController();
  // The SDK does not listen for a stream that breaks, and nobody else would.
  const broken = new Promise<never>((_, reject) => {
    Body.once('error', error => {
      reject(error);
      stop.abort();
    });
  });
  const put = client.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body,
      ContentLength: blob.bytes,
      ContentType: blob.contentType,
      ChecksumSHA256: Buffer.from(blob.sha256, 'hex').toString('base64'),
      Metadata: { [ORIGIN]: 'drop' },
    }),
    { abortSignal: stop.signal },
  );
  await Promise.race([broken, put]);
}

async function* hashed({ stream, sha256 }: OutputBlob): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  for await (const chunk of stream) {
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  // The last chunk is held back until the whole is known to be right: a wrong one never becomes an object.
  if (hash.digest('hex') !== sha256)
    throw new ReelayError('store_unavailable', 'The stored video is not the one that its record names.');
  if (held !== undefined) yield held;
}
