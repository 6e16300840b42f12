/**
 * Job records with their prompts sealed (core/audit/vault.ts). What serves a caller gives jobs as they were made; once the person is
 * erased, or the prompt's time is over, with empty prompts and `erased`; a damaged record likewise, to callers alone (`get`, `list`). What
 * serves the queue and the sweeps (heads, running, due, removable) needs no prompt, looks at no key and gives none.
 */
import { keepJobSubjects } from '#adapters/job-subjects.ts';
import { openWarnings, sealWarnings } from '#adapters/sealed-warnings.ts';
import { forgetSubjectJob, noteSubjectJob } from '#core/audit/subject-jobs.ts';
import {
  keyToOpen,
  readSubject,
  type SealPorts,
  type Subject,
  stateOfSubject,
  subjectErased,
} from '#core/audit/subject-key.ts';
import { subjectOf } from '#core/audit/subjects.ts';
import { isSealed, openText, sealText } from '#core/audit/vault.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job, JobReceipt } from '#core/job.ts';
import type { JobChange, JobStore } from '#core/ports.ts';

/** What sealing records needs. `keys` may keep keys for a while, `kv` asks the store. */
export interface SealedStorePorts {
  readonly keys: SealPorts;
  readonly kv: SealPorts['kv'];
  readonly now: () => number;
}

/** A store whose records hold no readable prompt. Records that were written open stay readable, as they are. */
export function sealJobStore(store: JobStore, ports: SealedStorePorts): JobStore {
  const { keys } = ports;
  const subjects = keepJobSubjects();

  async function opened(job: Job): Promise<Job> {
    subjects.note(job);
    const { sealed } = job;
    if (sealed === null) return job.warnings.length === 0 ? job : { ...job, warnings: await openWarnings(keys, job) };
    const text = await openText(keys, subjectOf(job), 'prompt', job.id, sealed);
    if (text === undefined) return erasedView(job);
    const prompts = JSON.parse(text) as Pick<Job['request'], 'prompt' | 'negative_prompt'>;
    const [receipt, warnings] = [await openReceipt(job), await openWarnings(keys, job)];
    return { ...job, sealed: null, request: { ...job.request, ...prompts }, receipt, warnings };
  }

  /** For a caller, to whom one damaged record must not hide the others, nor its own video. */
  async function shown(job: Job): Promise<Job> {
    if (job.sealed !== null) await keyToOpen(keys, subjectOf(job)); // another master key damages nothing: that is told
    return opened(job).catch((error: unknown) => {
      if (error instanceof ReelayError && error.code === 'internal') return erasedView(job);
      throw error;
    });
  }

  async function openReceipt(job: Job): Promise<JobReceipt | null> {
    const { receipt } = job;
    if (receipt === null || !isSealed(receipt.requestKey)) return receipt;
    const requestKey = await openText(keys, subjectOf(job), 'prompt', receiptPlace(job.id), receipt.requestKey);
    return { ...receipt, requestKey: requestKey ?? '' };
  }

  async function sealedChange(id: string, change: JobChange): Promise<JobChange> {
    const { receipt, warnings = [] } = change;
    if ((receipt === undefined || receipt === null) && warnings.length === 0) return change;
    const subject = subjects.of(id) ?? (await subjectFromStore(id));
    if (subject === undefined) return change; // no such record: nothing will be written
    return {
      ...change,
      ...(receipt && { receipt: await sealedReceipt(id, subject, receipt) }),
      ...(warnings.length > 0 && { warnings: await sealWarnings(keys, subject, id, warnings) }),
    };
  }

  async function sealedReceipt(id: string, subject: Subject, receipt: JobReceipt): Promise<JobReceipt> {
    const requestKey = await sealText(keys, subject, 'prompt', receiptPlace(id), receipt.requestKey);
    return { ...receipt, requestKey };
  }

  async function subjectFromStore(id: string) {
    const job = await store.load(id);
    return job === undefined ? undefined : subjectOf(job);
  }

  return {
    ...store,
    async create(job) {
      const { prompt, negative_prompt } = job.request;
      const text = JSON.stringify({ prompt, negative_prompt });
      const sealed = await sealText(keys, subjectOf(job), 'prompt', job.id, text);
      if (job.subject !== null) await noteSubjectJob(ports.kv, job);
      await store.create({ ...job, sealed, request: { ...job.request, prompt: '', negative_prompt: '' } });
      subjects.note(job);
      if (job.subject !== null) await refuseErased(store, ports, job);
    },
    async get(id, tenant) {
      const job = await store.get(id, tenant);
      return job && shown(job);
    },
    async load(id) {
      const job = await store.load(id);
      return job && opened(job);
    },
    async list(tenant, query) {
      const page = await store.list(tenant, query);
      return { ...page, jobs: await Promise.all(page.jobs.map(shown)) };
    },
    async transition(id, expected, change) {
      const job = await store.transition(id, expected, await sealedChange(id, change));
      return job && opened(job);
    },
  };
}

/** The key of its receipt is sealed beside the prompt: with it one could try prompts against the receipt. */
function receiptPlace(id: string): string {
  return `${id}/receipt`;
}

/** How a job reads whose prompts are gone. */
function erasedView(job: Job): Job {
  const receipt = job.receipt === null ? null : { ...job.receipt, requestKey: '' };
  return { ...job, sealed: null, erased: true, receipt, warnings: [] };
}

/**
 * An erasure that began after this process last looked at the key has not seen the job, or not sealed anything for it: nothing of it
 * stays. For a named person only, at one look a job: the tenant itself is not erased.
 */
async function refuseErased(store: JobStore, { kv, now }: SealedStorePorts, job: Job): Promise<void> {
  const entry = await readSubject(kv, subjectOf(job));
  if (entry !== undefined && stateOfSubject(entry).state === 'live') return;
  const { status, attempt } = job;
  const nowMs = now();
  const over = { status: 'cancelled', completedAtMs: nowMs, deletedAtMs: nowMs, outbox: [] } as const;
  await store.transition(job.id, { status, attempt }, over);
  await forgetSubjectJob(kv, job);
  throw subjectErased();
}
