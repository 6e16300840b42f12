import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { translatedStream } from '#adapters/translated-stream.ts';
import type { LocalObject, ObjectSource, ObjectTarget } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { fromAws, isAwsError } from './aws-error.ts';

/** The client brings region and credentials. */
export interface S3ObjectsOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Errors that another try does not change: the answer of IAM, and of a bucket that is not there. */
const FINAL = ['AccessDenied', 'Forbidden', 'NoSuchBucket', 'InvalidAccessKeyId', 'SignatureDoesNotMatch'];

/** Bundles in a bucket, with the SDK's own chain of region and credentials. */
export function connectS3Objects(bucket: string): ObjectSource & ObjectTarget {
  return createS3Objects({ client: new S3Client(), bucket });
}

/** Bundles in a bucket: read by ranges, put in parts, with the sha256 of each as its metadata. */
export function createS3Objects({ client, bucket: Bucket }: S3ObjectsOptions): ObjectSource & ObjectTarget {
  const name = `s3://${Bucket}`;
  const translate = (error: unknown): ReelayError => {
    const known = fromAws(error, name);
    return isAwsError(error, ...FINAL)
      ? new ReelayError(known.code, known.message, { cause: error, retryable: false })
      : known;
  };
  const ask = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (isAwsError(error, 'NoSuchKey', 'NotFound')) return undefined;
      throw translate(error);
    }
  };
  const head = (Key: string, abortSignal?: AbortSignal) =>
    ask(() => client.send(new HeadObjectCommand({ Bucket, Key }), abortSignal === undefined ? {} : { abortSignal }));
  return {
    name,
    async size(key, signal: AbortSignal) {
      return (await head(key, signal))?.ContentLength;
    },
    async read(Key, { start, end }, abortSignal: AbortSignal) {
      const command = new GetObjectCommand({ Bucket, Key, Range: `bytes=${start}-${end}` });
      const found = await ask(() => client.send(command, { abortSignal }));
      if (found === undefined) return undefined;
      if (!(found.Body instanceof Readable))
        throw new ReelayError('internal', 'S3 gave a body that Node cannot stream.');
      return translatedStream(found.Body, translate);
    },
    async head(key) {
      const found = await head(key);
      return found && { bytes: found.ContentLength ?? 0, sha256: found.Metadata?.sha256 };
    },
    async put(Key, file) {
      const upload = { client, Bucket, Key, file };
      await (file.bytes > limits.uploadPartBytes ? putInParts(upload) : putAtOnce(upload)).catch(error => {
        throw translate(error);
      });
    },
  };
}

interface Upload {
  readonly client: S3Client;
  readonly Bucket: string;
  readonly Key: string;
  readonly file: LocalObject;
}

async function putAtOnce({ client, Bucket, Key, file }: Upload): Promise<void> {
  const Body = createReadStream(file.path);
  const Metadata = { sha256: file.sha256 };
  await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: file.bytes, Metadata }));
}

/** Some parts at a time; what was begun and does not end is taken back, or else the bucket's lifecycle rule does it. */
async function putInParts({ client, Bucket, Key, file }: Upload): Promise<void> {
  const Metadata = { sha256: file.sha256 };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata }));
  const handle = await open(file.path, 'r');
  try {
    const size = partBytes(file.bytes);
    const numbers = Array.from({ length: Math.ceil(file.bytes / size) }, (_, at) => at + 1);
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    const workers = Array.from({ length: limits.uploadParts }, async () => {
      for (let PartNumber = numbers.shift(); PartNumber !== undefined; PartNumber = numbers.shift()) {
        const Body = await readPart(
          handle,
          (PartNumber - 1) * size,
          Math.min(size, file.bytes - (PartNumber - 1) * size),
        );
        const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
        Parts.push({ PartNumber, ETag });
      }
    });
    await Promise.all(workers);
    Parts.sort((a, b) => a.PartNumber - b.PartNumber);
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

/** As many bytes as ten thousand parts of equal size need. */
function partBytes(bytes: number): number {
  return Math.max(limits.uploadPartBytes, Math.ceil(bytes / limits.maxUploadParts));
}

async function readPart(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
  if (bytesRead !== length) throw new ReelayError('bundle_corrupt', 'A file became shorter while it was pushed.');
  return buffer;
}
