import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { DropRead } from '#core/drop/drop-folder.ts';
import { safeExtension, safeStem } from '#core/drop/names.ts';
import type { ListedObject, ObjectFolder, ObjectPin, ObjectSource } from '#core/drop/object-folder.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { fromAws, isAwsError } from './aws-error.ts';
import { exists, ORIGIN, putObject, putStream, type Target } from './s3-drop-put.ts';

/** Where drops lie and where what they leave goes. */
export interface S3DropFolderOptions {
  /** Region and credentials of the SDK's own chain where none is given. */
  readonly client?: S3Client;
  readonly bucket: string;
  /** `drop/` unless said otherwise; each of the three ends with a slash and none lies in another. */
  readonly dropPrefix?: string;
  readonly outPrefix?: string;
  readonly rejectedPrefix?: string;
  readonly now: () => number;
}

/** S3 ends keys at 1,024 bytes. */
const MAX_KEY_BYTES = 1_024;

/**
 * A drop folder in a bucket. Sources stay where they are; receipts, rejects and videos are put, each as a whole, under prefixes that
 * nobody watches, with our mark in their metadata. Nothing is ever copied or deleted. Throws for prefixes that would feed themselves.
 */
export function createS3DropFolder(options: S3DropFolderOptions): ObjectFolder {
  const { client = new S3Client(), bucket, now } = options;
  const drop = options.dropPrefix ?? 'drop/';
  const prefixes = { out: options.outPrefix ?? 'out/', rejected: options.rejectedPrefix ?? 'rejected/' };
  checkPrefixes(drop, prefixes);
  const target = { client, bucket };

  const partsOf = (key: string) => {
    const path = key.slice(drop.length);
    const slash = path.lastIndexOf('/') + 1;
    return { name: path.slice(slash), folder: path.slice(0, slash) };
  };
  const identityOf = (key: string, { versionId, etag }: ObjectPin) =>
    createHash('sha256')
      .update(`${bucket}/${key}\n${versioned(versionId) ?? etag ?? ''}`)
      .digest('hex');

  const find = (key: string, pin: ObjectPin) => findObject(target, key, pin, { now, partsOf, identityOf });

  return {
    bucket,
    watches: key => key.startsWith(drop) && key !== drop,
    partsOf,
    identityOf,
    find: (key, pin) => access(() => find(key, pin)),
    read: (source, maxBytes) => access(() => read(target, source, maxBytes)),
    beside: (source, name) =>
      access(async () => {
        const key = `${drop}${source.folder}${name}`;
        // What S3 cannot have as a key is not there.
        return key.isWellFormed() && Buffer.byteLength(key) <= MAX_KEY_BYTES ? find(key, {}) : undefined;
      }),

    alike: (folder, stem) =>
      access(async () => {
        const prefix = `${drop}${folder}${stem}.`;
        const listed = await listObjects(target, { Prefix: prefix, MaxKeys: 100 });
        return listed.map(({ key }) => key).filter(key => !key.includes('/', prefix.length));
      }),

    list: (after, limit) =>
      access(() =>
        listObjects(target, { Prefix: drop, MaxKeys: limit, ...(after === undefined ? {} : { StartAfter: after }) }),
      ),

    isFree: (place, names) =>
      access(async () => {
        for (const name of names) if (await exists(target, keyFor(prefixes[place], name))) return false;
        return true;
      }),

    write: (place, name, text, { replace }) =>
      access(() =>
        putObject(target, `${prefixes[place]}${name}`, Buffer.from(text), { replace, type: 'application/json' }),
      ),

    writeOutput: (name, blob) => access(() => putStream(target, `${prefixes.out}${name}`, blob)),

    takeAway: (source, to, { name, content }) =>
      access(async () => {
        if (to === 'accepted') return; // it stays in the watched place, where its row says what became of it
        const key = keyFor(prefixes.rejected, name ?? source.name);
        if (content === undefined && (await exists(target, key))) return;
        const read = content ?? (await readAll(target, source));
        if (read?.state !== 'read') return;
        await putObject(target, key, read.bytes, { replace: false, type: 'application/octet-stream' });
      }),
  };
}

type Naming = Pick<ObjectFolder, 'partsOf' | 'identityOf'>;

async function findObject(
  { client, bucket }: Target,
  key: string,
  { etag, versionId }: ObjectPin,
  { now, partsOf, identityOf }: Naming & { readonly now: () => number },
): Promise<ObjectSource | undefined> {
  const pin = versioned(versionId) === undefined ? {} : { VersionId: versionId };
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...pin })).catch(ignoreMissing);
  if (head === undefined) return undefined;
  const found = { etag: unquoted(head.ETag), versionId: versioned(head.VersionId ?? versionId) };
  // Of an unversioned bucket only the newest can be read, and the event may be about an older one.
  if (etag !== undefined && found.etag !== unquoted(etag)) return undefined;
  const modifiedMs = head.LastModified?.getTime() ?? now();
  return {
    ...partsOf(key),
    ...found,
    key,
    identity: identityOf(key, found),
    kind: key.endsWith('/') ? 'folder' : 'file',
    bytes: head.ContentLength ?? 0,
    shared: false,
    ageMs: Math.max(0, now() - modifiedMs),
    modifiedSeconds: Math.floor(modifiedMs / 1000),
  };
}

async function listObjects(
  { client, bucket }: Target,
  query: { Prefix: string; MaxKeys: number; StartAfter?: string },
): Promise<ListedObject[]> {
  const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ...query }));
  return (page.Contents ?? []).map(({ Key = '', ETag, LastModified }) => ({
    key: Key,
    etag: unquoted(ETag),
    modifiedSeconds: Math.floor((LastModified?.getTime() ?? 0) / 1000),
  }));
}

/** The bytes once more, for a reject that a crash interrupted; what is too large for that stays in the watched place alone. */
function readAll(target: Target, source: ObjectSource): Promise<DropRead> {
  return read(target, source, limits.maxMultipartBytes);
}

async function read({ client, bucket }: Target, source: ObjectSource, maxBytes: number): Promise<DropRead> {
  if (source.bytes > maxBytes) return { state: 'too_large' };
  const pin = source.versionId === undefined ? { IfMatch: `"${source.etag}"` } : { VersionId: source.versionId };
  const command = new GetObjectCommand({ Bucket: bucket, Key: source.key, ...pin });
  const found = await client.send(command).catch(error => {
    if (isAwsError(error, 'NoSuchKey', 'NotFound', 'NoSuchVersion', 'PreconditionFailed')) return undefined;
    throw error;
  });
  if (found === undefined) return { state: 'gone' };
  if (!(found.Body instanceof Readable)) throw new ReelayError('internal', 'S3 gave a body that Node cannot stream.');
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.Body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const own = found.Metadata?.[ORIGIN] !== undefined;
  return { state: 'read', bytes, sha256: createHash('sha256').update(bytes).digest('hex'), own };
}

function checkPrefixes(drop: string, { out, rejected }: { out: string; rejected: string }): void {
  const all = [drop, out, rejected];
  const wrong = all.find(one => !/^[^/].*\/$/.test(one)) ?? all.find(a => all.some(b => a !== b && a.startsWith(b)));
  if (wrong === undefined && new Set(all).size === all.length) return;
  throw new ReelayError(
    'invalid_request',
    `The prefixes ${all.join(', ')} must differ, end with a slash, and none may lie in another.`,
  );
}

/** Under the name itself where the key stays short enough, else under a safe one. */
function keyFor(prefix: string, name: string): string {
  const key = `${prefix}${name}`;
  return Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : `${prefix}${safeStem(name)}${safeExtension(name)}`;
}

/** A bucket whose versioning is suspended calls every version "null": that names nothing. */
function versioned(versionId: string | undefined): string | undefined {
  return versionId === undefined || versionId === '' || versionId === 'null' ? undefined : versionId;
}

async function access<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromAws(error, 'The drop bucket');
  }
}

function ignoreMissing(error: unknown): undefined {
  // A head has no body to name the error in, so it is called by its status.
  if (!isAwsError(error, 'NoSuchKey', 'NotFound', 'NoSuchVersion')) throw error;
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
