import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import type { BusEvent, CloudEvent } from '#core/events.ts';
import type { EventBus } from '#core/ports.ts';
import { makeFolder, syncFolder } from './durable-folder.ts';
import { fromFileSystem, isMissing } from './file-error.ts';

const NEWLINE = 0x0a;

/**
 * Appends each event as one line of JSON to a file and fsyncs it. Several processes may append: a line is one write in append mode,
 * which a local file system keeps whole. A line torn by a crash stays as it is, the next one starts afresh.
 */
export function createLocalEventBus(file: string): EventBus {
  return {
    async publish(event) {
      try {
        const handle = await openForAppend(file);
        try {
          await append(handle, event, file);
        } finally {
          await handle.close();
        }
      } catch (error) {
        throw fromFileSystem(error, file);
      }
    },
  };
}

/** The events of the file in the order they were written, at least once each; torn lines are passed over, no file is no events. */
export async function* readEvents(file: string): AsyncGenerator<CloudEvent> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (isMissing(error)) return;
    throw fromFileSystem(error, file);
  }
  // Not readline: it also ends lines at U+2028, which JSON leaves unescaped inside texts.
  let rest = Buffer.alloc(0);
  for await (const chunk of handle.createReadStream()) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const event = parseLine(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
      if (event !== undefined) yield event;
    }
  }
  const last = parseLine(rest.toString('utf8'));
  if (last !== undefined) yield last;
}

async function openForAppend(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'a+', 0o600);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeFolder(dirname(file));
    return await open(file, 'a+', 0o600);
  }
}

async function append(handle: FileHandle, event: BusEvent, file: string): Promise<void> {
  const { size } = await handle.stat();
  const torn = size > 0 && (await lastByte(handle, size)) !== NEWLINE;
  // Two processes that both see the torn line leave an empty one between them, which readers pass over.
  const line = Buffer.from(`${torn ? '\n' : ''}${JSON.stringify(event)}\n`);
  const { bytesWritten } = await handle.write(line);
  if (bytesWritten !== line.length)
    throw new ReelayError('store_unavailable', `The file ${file} took only part of an event; the disk may be full.`);
  await handle.sync();
  if (size === 0) await syncFolder(dirname(file));
}

async function lastByte(handle: FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0];
}

function parseLine(line: string): CloudEvent | undefined {
  try {
    return JSON.parse(line) as CloudEvent;
  } catch {
    return undefined; // torn or empty
  }
}
