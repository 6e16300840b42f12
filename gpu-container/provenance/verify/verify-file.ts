/** @file A file to its verdict: its headers, its readings in a process of their own, the registry, and what they mean. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { findMark, type MarkRow, marksOfJob, payloadName } from '#core/marks/registry.ts';
import type { FileVerdict, Verifier } from '#core/marks/verdict.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { isImage } from '#core/references/media-type.ts';
import { judgeFile, type Known, type KnownRows } from './judge-file.ts';
import { lookAtFile, tooLarge } from './look-at-file.ts';
import { hitIn, type MarkHit, type MarkKeys, openReadings } from './open-readings.ts';
import type { FileReadings, ReadTask, Seen } from './protocol.ts';
import { openReader, type Reader } from './reader.ts';
import { verifyLimits } from './verify-limits.ts';

/** What an installation verifies with. Each of them may be missing, and the verdict says what was not checked for it. */
export interface VerifyOptions {
  readonly watermark: MarkKeys | null;
  /** PEM of the installation's roots; '' for none. */
  readonly trustRoots: string;
  /** The registry; null where it is not at hand. */
  readonly kv: Pick<KeyValueStore, 'get'> | null;
  /** A model's name by the digest of its bundle. */
  readonly modelOf?: (digest: string) => string | undefined;
  /** What reads the files; one of its own where none is given. */
  readonly reader?: Reader;
}

/** Verifies files in memory and on the disk. */
export interface FileVerifier extends Verifier {
  /** A file at a path; whatever lies there is an answer. `isLink`: it is not followed, which is the answer then. */
  verifyPath(path: string, options: { readonly search: boolean; readonly isLink?: boolean }): Promise<FileVerdict>;
}

/** A verifier; it keeps a process for a minute after each file, and `close` ends it. */
export function openVerifier(options: VerifyOptions): FileVerifier {
  const { reader = openReader() } = options;
  return {
    verify: (bytes, { search }) => verifyBytes({ options, reader, search }, bytes, { bytes }),
    verifyPath: async (path, { search, isLink = false }) => {
      const read = isLink ? 'It is a link, and links in folders are not followed.' : readPlain(path);
      if (typeof read !== 'string') return verifyBytes({ options, reader, search }, read, { path });
      const look = { type: null, facts: null, refused: read, noPictures: null };
      const file = { bytes: 0, sha256: null, type: null };
      return judgeFile({
        ...STILL,
        look,
        file,
        readings: null,
        mark: null,
        hasKey: options.watermark !== null,
        rows: undefined,
      });
    },
    close: () => reader.close(),
  };
}

const STILL = { modelOf: () => undefined } as const;

interface Means {
  readonly options: VerifyOptions;
  readonly reader: Reader;
  readonly search: boolean;
}

async function verifyBytes(
  { options, reader, search }: Means,
  bytes: Uint8Array,
  file: ReadTask['file'],
): Promise<FileVerdict> {
  const { watermark, trustRoots, kv, modelOf = STILL.modelOf } = options;
  const look = lookAtFile(bytes);
  const { type, facts, refused, noPictures } = look;
  const known: Omit<Known, 'readings' | 'mark' | 'rows'> = {
    ...{ look, hasKey: watermark !== null, modelOf },
    file: { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), type },
  };
  if (refused !== null || type === null) return judgeFile({ ...known, readings: null, mark: null, rows: undefined });
  const task = {
    ...({
      file,
      search,
      trustRoots,
      stream: watermark?.stream ?? null,
      kind: isImage(type) ? 'image' : 'video',
    } as const),
    c2pa: type === 'video/mp4' || type === 'video/quicktime',
    pictures: noPictures === null,
    frames: facts?.frames ?? null,
  };
  const isNothing = !task.c2pa && (!task.pictures || watermark === null);
  const isEnough = (whole: Seen) => watermark === null || hitIn(watermark, whole) !== null;
  const readings = isNothing ? null : await reader.read(task, bytes.length, isEnough);
  const mark = readings === null || watermark === null ? null : openReadings(watermark, readings);
  const rows = kv === null ? undefined : await rowsOf(kv, readings, mark?.hit ?? null);
  return judgeFile({ ...known, readings, mark, rows });
}

async function rowsOf(
  kv: Pick<KeyValueStore, 'get'>,
  readings: FileReadings | null,
  hit: MarkHit | null,
): Promise<KnownRows> {
  const jobId = readings?.c2pa?.claim?.job?.id ?? null;
  const store = kv as KeyValueStore; // its rows are only read
  const marked: MarkRow | undefined = hit === null ? undefined : await findMark(store, payloadName(hit));
  const claimed = jobId === null ? undefined : await marksOfJob(store, jobId);
  return { marked: marked ?? null, claimed: claimed ?? null };
}

/** The bytes of a plain file; a sentence where there are none to be had. A pipe or device would never end: it is opened without waiting. */
function readPlain(path: string): Uint8Array | string {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) return stats.isDirectory() ? 'It is a folder.' : 'It is no plain file.';
    if (stats.size > verifyLimits.videoBytes) return tooLarge(stats.size, verifyLimits.videoBytes);
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const got = readSync(file, bytes, length, bytes.length - length, length);
      if (got === 0) break;
      length += got;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return code === 'ENOENT' ? 'There is no such file.' : `It cannot be read (${code}).`;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
