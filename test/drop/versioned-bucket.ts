import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';

interface Version {
  readonly versionId: string;
  readonly etag: string;
  readonly bytes: Buffer;
  readonly metadata: Record<string, string>;
  readonly modified: Date;
}

/**
 * A bucket that keeps versions and knows conditional puts, in memory behind the real client: the S3 server of the other tests has
 * neither. Knows the four requests of the drop folder; any other fails.
 */
export function versionedBucket() {
  const objects = new Map<string, Version[]>();
  const client = new S3Client({ region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } });
  let count = 0;
  const answers: Record<string, (input: any) => unknown> = {
    PutObjectCommand({ Key, Body, Metadata = {}, IfNoneMatch }) {
      const versions = objects.get(Key) ?? [];
      if (IfNoneMatch === '*' && versions.length > 0) throw named('PreconditionFailed');
      const bytes = Buffer.from(Body);
      const etag = createHash('md5').update(bytes).digest('hex');
      versions.push({ versionId: `v${++count}`, etag, bytes, metadata: Metadata, modified: new Date() });
      objects.set(Key, versions);
      return { ETag: `"${etag}"`, VersionId: `v${count}` };
    },
    HeadObjectCommand: input => described(find(input)),
    GetObjectCommand(input) {
      const found = find(input);
      if (input.IfMatch !== undefined && input.IfMatch !== `"${found.etag}"`) throw named('PreconditionFailed');
      return { ...described(found), Body: Readable.from([found.bytes]) };
    },
    ListObjectsV2Command({ Prefix = '', StartAfter = '', MaxKeys = 1_000 }) {
      const keys = [...objects.keys()].filter(key => key.startsWith(Prefix) && key > StartAfter).sort();
      const Contents = keys.slice(0, MaxKeys).map(Key => {
        const { etag, modified } = objects.get(Key)!.at(-1)!;
        return { Key, ETag: `"${etag}"`, LastModified: modified };
      });
      return { Contents };
    },
  };
  const find = ({ Key, VersionId }: { Key: string; VersionId?: string }): Version => {
    const versions = objects.get(Key) ?? [];
    const found = VersionId === undefined ? versions.at(-1) : versions.find(one => one.versionId === VersionId);
    if (found === undefined) throw named('NotFound');
    return found;
  };
  client.middlewareStack.add(
    (_, context) => async args => {
      const answer = answers[String(context.commandName)];
      if (answer === undefined) throw named(`no ${context.commandName} here`);
      return { output: answer(args.input) as any, response: {} };
    },
    { step: 'initialize' },
  );
  return { client, keys: () => [...objects.keys()].sort(), text: (Key: string) => find({ Key }).bytes.toString() };
}

function described({ versionId, etag, bytes, metadata, modified }: Version) {
  return {
    ETag: `"${etag}"`,
    VersionId: versionId,
    ContentLength: bytes.length,
    LastModified: modified,
    Metadata: metadata,
  };
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
