import { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { blobPrefixSegments, blobSegments } from '#adapters/blob-key.ts';
import { translatedStream } from '#adapters/translated-stream.ts';
import { ReelayError } from '#core/errors.ts';
import type { BlobBody, BlobStore, StoredBlob } from '#core/ports.ts';
import { fromAws, isAwsError } from './aws-error.ts';

/** What S3 signs for at most. */
const MAX_PRESIGN_SECONDS = 604_800;

/** The client brings region and credentials. */
export interface S3BlobStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

/**
 * Blobs as objects of one bucket, each put in one request (S3 takes 5 GB). Etags come without their quotes. `presign` asks nothing and
 * so signs links to unknown keys too; the link makes a browser save the bytes under the file name. In a versioned bucket
 * `deletePrefix` leaves the old versions to the bucket's lifecycle rules.
 */
export function createS3BlobStore(options: S3BlobStoreOptions): BlobStore {
  const { client, bucket: Bucket } = options;

  return {
    async put(key, bytes, { contentType }) {
      blobSegments(key);
      const command = new PutObjectCommand({ Bucket, Key: key, Body: bytes, ContentType: contentType });
      const { ETag } = await access(() => client.send(command));
      return { bytes: bytes.length, etag: unquoted(ETag) };
    },

    async head(key) {
      blobSegments(key);
      return access(async (): Promise<StoredBlob | undefined> => {
        const found = await client.send(new HeadObjectCommand({ Bucket, Key: key })).catch(ignoreMissing);
        return found && { bytes: found.ContentLength ?? 0, etag: unquoted(found.ETag) };
      });
    },

    async get(key, range) {
      blobSegments(key);
      return access(() => get(options, key, range));
    },

    async deletePrefix(prefix) {
      blobPrefixSegments(prefix);
      await access(() => deletePrefix(options, prefix));
    },

    async presign(key, { expiresSeconds, filename, contentType }) {
      blobSegments(key);
      const command = new GetObjectCommand({
        Bucket,
        Key: key,
        ResponseContentDisposition: attachment(filename),
        ResponseContentType: contentType,
      });
      const expiresIn = Math.min(MAX_PRESIGN_SECONDS, Math.ceil(expiresSeconds));
      return access(() => getSignedUrl(client, command, { expiresIn }));
    },
  };
}

async function get(
  { client, bucket: Bucket }: S3BlobStoreOptions,
  key: string,
  range?: { start: number; end: number },
): Promise<BlobBody | undefined> {
  const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
  const found = await client.send(new GetObjectCommand({ Bucket, Key: key, ...Range })).catch(ignoreMissing);
  if (found === undefined) return undefined;
  if (!(found.Body instanceof Readable)) throw new ReelayError('internal', 'S3 gave a body that Node cannot stream.');
  // "bytes 0-3/10": the number after the slash is the size of the whole.
  const whole = found.ContentRange?.split('/')[1];
  return {
    bytes: Number(whole ?? found.ContentLength),
    etag: unquoted(found.ETag),
    stream: translatedStream(found.Body, error => fromAws(error, 'The blob store')),
  };
}

async function deletePrefix({ client, bucket: Bucket }: S3BlobStoreOptions, Prefix: string): Promise<void> {
  let ContinuationToken: string | undefined;
  do {
    const next: { ContinuationToken?: string } = ContinuationToken === undefined ? {} : { ContinuationToken };
    // A page has at most 1,000 keys, as many as one delete takes.
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ...next }));
    const Objects = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : { Key }));
    if (Objects.length > 0) {
      const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      const first = Errors?.[0];
      if (first !== undefined)
        throw new ReelayError('store_unavailable', `The blob store did not delete ${first.Key} (${first.Code}).`);
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
}

async function access<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAwsError(error, 'InvalidRange'))
      throw new ReelayError('invalid_request', 'range: it does not lie inside the blob.', { cause: error });
    throw fromAws(error, 'The blob store');
  }
}

function ignoreMissing(error: unknown): undefined {
  // A head has no body to name the error in, so it is called by its status.
  if (!isAwsError(error, 'NoSuchKey', 'NotFound')) throw error;
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

/** RFC 6266: a plain name for old clients, without what could end the header's string, and the whole one in UTF-8. */
function attachment(filename: string): string {
  const plain = filename.replace(/[^A-Za-z0-9._ -]/g, '_');
  const encoded = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    c => `%${c.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${plain}"${plain === filename ? '' : `; filename*=UTF-8''${encoded}`}`;
}
