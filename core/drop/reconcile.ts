import { closeReceipts } from './close-receipts.ts';
import { dropLimits } from './drop-limits.ts';
import { ingestObject, isDealtWith, type ObjectPorts } from './ingest-object.ts';
import { isMediaName } from './names.ts';

/** What one run did. */
export interface Reconciled {
  readonly looked: number;
  readonly taken: number;
  readonly closed: number;
  /** The first drop or receipt that could not be dealt with; the next run tries again. */
  readonly failure: unknown;
}

const CURSOR = 'list';
const PAGE = 1_000;

/**
 * Finds what events missed: goes through the watched place from where the last run stopped, takes in what has no outcome, and finishes
 * the receipts of jobs that have ended. Bounded: a place with more objects than one run looks at is done in several.
 */
export async function reconcile(ports: ObjectPorts): Promise<Reconciled> {
  const space = `drop_cursor/${ports.tenant}`;
  let after = ((await ports.kv.get(space, CURSOR))?.value as string | null | undefined) ?? undefined;
  let looked = 0;
  let taken = 0;
  let failure: unknown;
  while (looked < dropLimits.objectsPerRun) {
    const page = await ports.folder.list(after, PAGE);
    const isMedia = ({ key }: { key: string }) => isMediaName(ports.folder.partsOf(key).name);
    // Requests first: one that names an image takes it along.
    for (const object of [...page.filter(one => !isMedia(one)), ...page.filter(isMedia)]) {
      if (await isDealtWith(ports, object)) continue;
      const pointer = { bucket: ports.folder.bucket, keys: [object.key], etag: object.etag };
      await ingestObject(ports, pointer).then(
        done => {
          if (done !== undefined && done.outcome !== 'waiting') taken++;
        },
        error => {
          failure ??= error;
        },
      );
    }
    looked += page.length;
    after = page.length < PAGE ? undefined : page.at(-1)?.key;
    await ports.kv.put({ space, name: CURSOR, value: after ?? null, expiresAtMs: null, dueAtMs: null });
    if (after === undefined) break;
  }
  const closing = await closeAll(ports);
  return { looked, taken, closed: closing.closed, failure: failure ?? closing.failure };
}

async function closeAll(ports: ObjectPorts): Promise<{ closed: number; failure: unknown }> {
  let closed = 0;
  let failure: unknown;
  let cursor: string | undefined;
  for (let looked = 0; looked < dropLimits.objectsPerRun; looked += dropLimits.receiptsPerLook) {
    const page = await closeReceipts(ports, cursor);
    closed += page.closed;
    failure ??= page.failure;
    cursor = page.next;
    if (cursor === undefined) break;
  }
  return { closed, failure };
}
