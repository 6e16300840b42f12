import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sealLimits } from '#core/audit/seal-limits.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { listUserJobs } from '#core/jobs/export-user.ts';
import type { BlobStore } from '#core/ports.ts';
import type { Deps } from '#functions/deps.ts';
import { toVideo } from '#functions/wire.ts';

/**
 * Writes everything that is kept of an end user into a new folder: `<video id>/request.json`, the reference and the videos as files, and
 * SHA256SUMS for `sha256sum -c`. Throws `invalid_request` where the folder is there.
 */
export async function exportUser(
  deps: Pick<Deps, 'subjects' | 'kv' | 'store' | 'blobs'>,
  { tenant, subject }: { readonly tenant: string; readonly subject: string },
  folder: string,
): Promise<{ readonly jobs: number; readonly files: number }> {
  await mkdir(folder, { mode: 0o700 }).catch(cause => {
    throw new ReelayError('invalid_request', `${folder}: a folder that is not there yet, in one that is, is allowed.`, {
      cause,
    });
  });
  const sums: string[] = [];
  let jobs = 0;
  let after: string | null | undefined;
  while (after !== null) {
    const page = { limit: sealLimits.exportPage, ...(after === undefined ? {} : { after }) };
    const found = await listUserJobs(deps, tenant, subject, page);
    for (const job of found.jobs) sums.push(...(await writeJob(deps.blobs, job, folder)));
    jobs += found.jobs.length;
    after = found.after;
  }
  await writeFile(join(folder, 'SHA256SUMS'), sums.map(line => `${line}\n`).join(''), { mode: 0o600 });
  return { jobs, files: sums.length };
}

/** The lines of SHA256SUMS. */
async function writeJob(blobs: BlobStore, job: Job, folder: string): Promise<string[]> {
  const stored = [job.request.reference?.key, ...Object.values(job.artifacts).map(({ key }) => key), job.receipt?.key];
  const files: [name: string, bytes: Uint8Array][] = [
    ['request.json', Buffer.from(`${JSON.stringify(toVideo(job), null, 2)}\n`, 'utf8')],
  ];
  for (const key of stored) {
    const bytes = key === undefined ? undefined : await readAll(blobs, key);
    if (key !== undefined && bytes !== undefined) files.push([basename(key), bytes]);
  }
  const lines: string[] = [];
  for (const [name, bytes] of files) {
    const path = join(folder, job.id, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, bytes, { mode: 0o600 });
    lines.push(`${createHash('sha256').update(bytes).digest('hex')}  ${job.id}/${name}`);
  }
  return lines;
}

async function readAll(blobs: BlobStore, key: string): Promise<Uint8Array | undefined> {
  const blob = await blobs.get(key);
  if (blob === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of blob.stream) parts.push(part);
  return Buffer.concat(parts);
}
