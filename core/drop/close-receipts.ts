/** Finishes the receipts of jobs that have ended. */
import type { Job } from '../job.ts';
import { isTerminal } from '../job.ts';
import type { BlobStore, JobStore, KeyValueEntry } from '../ports.ts';
import type { DropFolder } from './drop-folder.ts';
import { dropLimits } from './drop-limits.ts';
import { paperText, type Receipt, seconds } from './papers.ts';
import { createRow, type OpenRow, type RegistryPorts } from './registry.ts';

/** What finishing receipts needs. */
export interface ClosePorts extends RegistryPorts {
  readonly store: JobStore;
  readonly blobs: BlobStore;
  readonly folder: Pick<DropFolder, 'write' | 'writeOutput'>;
}

/** What one look at the open receipts did. */
export interface Closed {
  /** Where the next look goes on; undefined at the end of the list: it starts over. */
  readonly next: string | undefined;
  readonly closed: number;
  /** The first that could not be finished; it is tried again. */
  readonly failure: unknown;
}

/**
 * Looks at one page of open receipts after `cursor` and finishes those whose jobs have ended. The looks are reads, so that a long queue
 * costs no writes.
 */
export async function closeReceipts(ports: ClosePorts, cursor: string | undefined): Promise<Closed> {
  const query = { limit: dropLimits.receiptsPerLook, ...(cursor === undefined ? {} : { after: cursor }) };
  const entries = await ports.kv.list(`drop_open/${ports.tenant}`, query);
  let closed = 0;
  let failure: unknown;
  for (const entry of entries)
    try {
      if (await closeReceipt(ports, entry)) closed++;
    } catch (error) {
      failure ??= error;
    }
  return { next: entries.length < query.limit ? undefined : entries.at(-1)?.name, closed, failure };
}

/** Output, receipt, row: in that order, so that a receipt never names a video that is not there and none is forgotten. */
async function closeReceipt(ports: ClosePorts, { space, name, value }: KeyValueEntry): Promise<boolean> {
  const { receipt, receiptFile, outputFile } = value as OpenRow;
  const job = await ports.store.get(receipt.id, ports.tenant);
  const gone = job === undefined || job.deletedAtMs !== null;
  if (!gone && !isTerminal(job.status)) return false;
  const ended = gone ? deleted(receipt) : { ...receipt, ...(await endOf(ports, job, outputFile)) };
  await ports.folder.write('out', receiptFile, paperText({ ...ended, eta: null }), { replace: true });
  await ports.kv.remove(space, name);
  return true;
}

function deleted(receipt: Receipt): Receipt {
  return { ...receipt, status: 'cancelled', error: { code: 'not_found', message: 'The video was deleted.' } };
}

async function endOf(ports: ClosePorts, job: Job, file: string): Promise<Partial<Receipt>> {
  const completed_at = job.completedAtMs === null ? null : seconds(job.completedAtMs);
  const video = job.artifacts.video;
  if (job.status !== 'completed' || video === undefined)
    return { status: job.status, error: job.error, output: null, completed_at };
  const { bytes, sha256, contentType, key } = video;
  // First: a copy that is carried back into the watched place must be known for what it is.
  await createRow(ports, 'drop_output', sha256, { jobId: job.id });
  const blob = await ports.blobs.get(key);
  if (blob === undefined) {
    const error = { code: 'expired', message: 'The video is no longer in the store.' };
    return { status: job.status, error, output: null, completed_at };
  }
  try {
    await ports.folder.writeOutput(file, { stream: blob.stream, bytes, sha256, contentType });
  } finally {
    await blob.stream[Symbol.asyncIterator]().return?.(); // of a stream that nobody read, too
  }
  return { status: job.status, error: null, output: { file, sha256, bytes }, completed_at };
}
