/** One part of a worker's disk that fails for a while, from its nth use since the first lease on. */
import { appendFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type FileFunctions, nodeFiles } from '#adapters/local/durable-folder.ts';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { ReelayError } from '#core/errors.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { JobStore } from '#core/ports.ts';
import type { Scratch } from '#gpu-container/worker/scratch.ts';
import { aroundEach } from './fault-ports.ts';
import type { DiskFault, Failing } from './worker-setup.ts';

export interface FailingDisk {
  /** The ports with the failing part in place of its own. */
  around(ports: SubmitPorts): SubmitPorts;
  /** Counts a use of this part; throws an error with an errno while it fails. */
  use(part: DiskFault['part']): void;
}

/** Without a fault, everything works. */
export function failing(fault: DiskFault | undefined, db: DatabaseSync, folder: string): FailingDisk {
  let leased = false;
  let uses = 0;
  let backAtMs = 0;

  const begin = ({ forMs, file, part }: DiskFault) => {
    const line: Failing = { atMs: Date.now(), backAtMs: Date.now() + forMs };
    backAtMs = line.backAtMs;
    appendFileSync(file, `${JSON.stringify(line)}\n`);
    if (part !== 'database') return;
    db.exec('PRAGMA max_page_count = 1'); // SQLite takes this as: no more than there are
    setTimeout(() => db.exec('PRAGMA max_page_count = 4294967294'), forMs);
  };
  const use = (part: DiskFault['part']) => {
    if (fault?.part !== part || !leased) return;
    if (++uses === fault.nth) begin(fault);
    if (part !== 'database' && Date.now() < backAtMs)
      throw Object.assign(new Error(`${fault.code}: made up`), { code: fault.code });
  };
  const noticing: (store: JobStore) => JobStore = store => ({
    ...store,
    async transition(id, expected, change) {
      use('database');
      const after = await store.transition(id, expected, change);
      leased ||= after?.status === 'in_progress';
      return after;
    },
  });
  const flaky = async (_: string, call: () => Promise<unknown>) => {
    onDisk(() => use('store-before'));
    const answer = await call();
    onDisk(() => use('store-after'));
    return answer;
  };
  return {
    use,
    around(ports) {
      if (fault === undefined) return ports;
      return {
        ...ports,
        store: aroundEach(noticing(ports.store), flaky),
        kv: aroundEach(ports.kv, flaky),
        queue: aroundEach(ports.queue, flaky),
        blobs: fault.part === 'blobs' ? createFileBlobStore(join(folder, 'blobs'), failingFiles(use)) : ports.blobs,
        events: {
          async publish(event) {
            onDisk(
              () => use('events'),
              () => appendFileSync(join(folder, 'events.jsonl'), '{"specversion":"1.0","id":"ev'),
            );
            await ports.events.publish(event);
          },
        },
      };
    },
  };
}

/** An errno as the adapters and the worker tell it; `torn` leaves what a full disk leaves of a write. */
function onDisk(work: () => void, torn: () => void = () => undefined): void {
  try {
    work();
  } catch (cause) {
    torn();
    throw new ReelayError('store_unavailable', 'The disk fails, as it was told to.', { cause });
  }
}

/** The real disk, each step of which may fail; a write that fails has written three bytes, a close that fails has closed. */
function failingFiles(use: FailingDisk['use']): FileFunctions {
  const step = () => use('blobs');
  const handleOf = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name === 'createReadStream') return value.bind(target);
        return async (...args: unknown[]) => {
          try {
            step();
          } catch (error) {
            if (name === 'writeFile') await target.writeFile((args[0] as Uint8Array).subarray(0, 3));
            if (name === 'close') await target.close();
            throw error;
          }
          return value.apply(target, args);
        };
      },
    });
  const counted = <F extends (...args: any[]) => any>(call: F) =>
    (async (...args: Parameters<F>) => {
      step();
      return call(...args);
    }) as unknown as F;
  return {
    mkdir: counted(nodeFiles.mkdir),
    rename: counted(nodeFiles.rename),
    rm: counted(nodeFiles.rm),
    stat: counted(nodeFiles.stat),
    open: (async (...args: Parameters<typeof nodeFiles.open>) => {
      step();
      return handleOf(await nodeFiles.open(...args));
    }) as typeof nodeFiles.open,
  };
}

/** A scratch folder whose files cannot be read or written while that part fails. */
export function failingScratch(disk: FailingDisk, scratch: Scratch): Scratch {
  const flaky = async (name: string, call: () => Promise<unknown>) => {
    if (name !== 'remove') onDisk(() => disk.use('scratch'));
    return call();
  };
  const { folder, ...methods } = scratch;
  return { folder, ...aroundEach(methods, flaky) };
}
