/**
 * @file The thread of c2pa-library.ts. The library is made for a browser's worker: it reads files as Blob through FileReaderSync, and
 * would fetch what a manifest names. Here a blob is bytes or a file on disk, and there is nothing to fetch with.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { initSync, WasmBuilder, WasmReader } from '@contentauth/c2pa-wasm';
import type { FileSource, LibraryAnswer, LibraryTask, ThreadMessage, ThreadReply } from './c2pa-library.ts';
import { type IngredientTask, unread } from './claim.ts';
import { claimedOf } from './claimed.ts';

const MP4 = 'video/mp4';
/** JSON of a manifest store that is looked through; ours has 8 kB. */
const MAX_JSON = 8_000_000;

/** What the library takes for a Blob: it asks for its size, for a part of it, and hands that to FileReaderSync. */
interface ByteBlob {
  readonly size: number;
  slice(from?: number, to?: number): ByteBlob;
  /** Bytes of it, in memory of their own. */
  copy(): ArrayBuffer;
}

class FileReaderSyncOfBytes {
  readAsArrayBuffer(blob: ByteBlob): ArrayBuffer {
    return blob.copy();
  }
}

function bytesBlob(bytes: Uint8Array): ByteBlob {
  return {
    size: bytes.length,
    slice: (from = 0, to = bytes.length) => bytesBlob(bytes.subarray(from, to)),
    copy: () => bytes.slice().buffer as ArrayBuffer,
  };
}

function diskBlob(file: number, start: number, size: number): ByteBlob {
  return {
    size,
    slice: (from = 0, to = size) => diskBlob(file, start + from, Math.max(0, Math.min(to, size) - from)),
    copy: () => {
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; ) {
        const got = readSync(file, bytes, at, size - at, start + at);
        if (got === 0) throw new Error('the file became shorter while it was read');
        at += got;
      }
      return bytes.buffer;
    },
  };
}

function withBlob<T>(source: FileSource, use: (blob: Blob) => Promise<T>): Promise<T> {
  if ('bytes' in source) return use(bytesBlob(source.bytes) as unknown as Blob);
  const file = openSync(source.path, 'r');
  return use(diskBlob(file, 0, source.size) as unknown as Blob).finally(() => closeSync(file));
}

async function read(source: FileSource, settings: string): Promise<LibraryAnswer> {
  return withBlob(source, async blob => {
    const reader = await WasmReader.fromBlob(MP4, blob, settings);
    const json = reader.json();
    reader.free();
    if (json.length > MAX_JSON) return { refused: `manifests of ${json.length} characters` };
    return { claimed: claimedOf(JSON.parse(json)) };
  });
}

async function sign(task: Extract<LibraryTask, { verb: 'sign' }>): Promise<LibraryAnswer> {
  const builder = WasmBuilder.fromJson(task.manifest, task.settings);
  for (const ingredient of task.ingredients) await addIngredient(builder, ingredient);
  const definition = { alg: 'es256', reserveSize: task.reserveBytes, sign: askForSignature };
  const signed = await builder.sign(definition, [], MP4, bytesBlob(task.file) as unknown as Blob);
  builder.free();
  return { signed: signed as Uint8Array<ArrayBuffer> };
}

/** A reference whose manifest cannot be read is named without it and with a note: a finished render must not fail over it. */
async function addIngredient(builder: WasmBuilder, ingredient: IngredientTask): Promise<void> {
  const { definition, mimeType, bytes } = ingredient;
  if (bytes === null) return builder.addIngredient(definition);
  try {
    await builder.addIngredientFromBlob(definition, mimeType, bytesBlob(bytes) as unknown as Blob);
  } catch (error) {
    if (typeof error !== 'string') throw error;
    builder.addIngredient(unread(ingredient).definition);
  }
}

function askForSignature(toSign: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    parentPort?.once('message', ({ signature }: ThreadReply) =>
      signature === null ? reject(new Error('no signature')) : resolve(signature as Uint8Array<ArrayBuffer>),
    );
    parentPort?.postMessage({ toSign } satisfies ThreadMessage);
  });
}

/** The library says no in text; what is thrown as an error is its own breaking, after which it must not be used. */
async function answer(task: LibraryTask): Promise<LibraryAnswer> {
  try {
    return await (task.verb === 'read' ? read(task.file, task.settings) : sign(task));
  } catch (error) {
    return typeof error === 'string'
      ? { refused: error }
      : { broken: error instanceof Error ? error.message : 'unknown' };
  }
}

Object.assign(globalThis, { FileReaderSync: FileReaderSyncOfBytes, fetch: undefined });
// It tells of its breaking there, file names of its build included; we tell of it ourselves.
console.error = () => undefined;
initSync({ module: workerData as WebAssembly.Module });
let busy = false;
parentPort?.on('message', (message: LibraryTask | ThreadReply) => {
  if (busy || !('verb' in message)) return;
  busy = true;
  void answer(message).then(given => {
    busy = false;
    const moved = 'signed' in given ? [given.signed.buffer] : [];
    parentPort?.postMessage({ answer: given } satisfies ThreadMessage, moved);
  });
});
