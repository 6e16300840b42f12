/** From requests to jobs: the same content is the same jobs, however often and from wherever it is dropped. */
import { type Problem, ReelayError } from '../errors.ts';
import { isTerminal, type Job } from '../job.ts';
import { cancel } from '../jobs/cancel.ts';
import { type SubmitPorts, submit } from '../jobs/submit.ts';
import type { ModelCatalog, Task } from '../models.ts';
import { askedOf } from '../policy/reviews/ask.ts';
import { personOf } from '../policy/reviews/content-ports.ts';
import { refuseDenied } from '../policy/reviews/judge.ts';
import { parseSubmission } from '../video-request.ts';
import { type BreakerPorts, countJobs } from './breaker.ts';
import type { DropSource } from './drop-folder.ts';
import { safeStem } from './names.ts';
import { type ContentRow, createRow, type RegistryPorts, type Row, readRow, replaceRow } from './registry.ts';
import { atLine, batchError, canonicalRequests, type DropRequest } from './requests.ts';

const MOST_KEYS = 8;

/** What accepting needs. */
export interface AcceptPorts extends SubmitPorts, RegistryPorts, BreakerPorts {}

/** The jobs of a drop, and whether it was the first to ask for them. */
export interface Accepted {
  readonly outcome: 'accepted' | 'duplicate';
  readonly jobs: readonly { readonly id: string; readonly line: number | null }[];
  readonly stem: string;
}

/**
 * Submits what was not submitted yet. A crash after any write here ends, when it is done again, with the same jobs: each is made under
 * a key that the content alone gives. Throws what `submit` throws, and `rate_limited`.
 */
export async function accept(
  ports: AcceptPorts,
  source: DropSource,
  requests: readonly DropRequest[],
): Promise<Accepted> {
  const hash = ports.sha256(canonicalRequests(requests));
  for (let tries = 0; tries < 8; tries++) {
    const held = await readRow(ports, 'drop_content', hash);
    if (held?.value.source === source.identity) return accepted('accepted', held.value, requests);
    if (held !== undefined && (await isAlive(ports, held.value))) return accepted('duplicate', held.value, requests);
    if (tries === 0) await countJobs(ports, source.folder, requests.length);
    const generation = (held?.value.generation ?? 0) + 1;
    const spend = () => keep(ports, hash, held, { source: '', jobIds: [], stem: '', generation });
    const row = await submitAll(ports, source, requests, { hash, generation, spend });
    if (await keep(ports, hash, held, row)) return accepted('accepted', row, requests);
    // Another drop of this content was faster by one write: its jobs are ours too, so this one is its duplicate.
  }
  throw new ReelayError('store_unavailable', 'Many drops of one content came at once.');
}

function accepted(outcome: Accepted['outcome'], row: ContentRow, requests: readonly DropRequest[]): Accepted {
  return { outcome, jobs: row.jobIds.map((id, at) => ({ id, line: requests[at]?.line ?? null })), stem: row.stem };
}

async function submitAll(
  ports: AcceptPorts,
  source: DropSource,
  requests: readonly DropRequest[],
  { hash, generation, spend }: { hash: string; generation: number; spend: () => Promise<unknown> },
): Promise<ContentRow> {
  await checkBatch(ports, requests);
  const jobIds: string[] = [];
  for (const [at, { body, line }] of requests.entries())
    try {
      const key = `drop:${hash}:${generation}:${at}`;
      jobIds.push((await submitUnder(ports, body, key)).id);
    } catch (error) {
      if (!(error instanceof ReelayError) || error.retryable) throw error;
      // Taken whole or not at all, here too: what only the queue could tell (a deadline) came out after some lines were jobs.
      // First the keys are spent: the same content dropped again is to make new jobs and not to find these.
      if (jobIds.length > 0) await spend();
      for (const id of jobIds) await cancel(ports, ports.tenant, id);
      throw line === null ? explained(error, body, ports.models) : inLine(line, error);
    }
  return { source: source.identity, jobIds, stem: safeStem(source.name), generation };
}

/** A job whose key stands for one that someone deleted, which only a crash between two writes can bring about, gets the next key. */
async function submitUnder(ports: AcceptPorts, body: DropRequest['body'], key: string): Promise<Job> {
  for (let again = 0; ; again++)
    try {
      const idempotencyKey = again === 0 ? key : `${key}:again-${again}`;
      return await submit(ports, ports.tenant, body, { idempotencyKey });
    } catch (error) {
      const used = error instanceof ReelayError && error.code === 'idempotency_key_reused';
      if (!used || again === MOST_KEYS) throw error;
    }
}

function inLine(line: number, error: ReelayError): ReelayError {
  const problems = error.problems.map(({ path, message }) => ({ path, message: atLine(line, message) }));
  return new ReelayError(error.code, atLine(line, error.message), { cause: error, problems });
}

async function keep(ports: AcceptPorts, hash: string, held: Row<'drop_content'> | undefined, row: ContentRow) {
  return held === undefined ? createRow(ports, 'drop_content', hash, row) : replaceRow(ports, held, row);
}

/** A batch is taken whole or not at all, so every line is checked before the first job is made. */
async function checkBatch(ports: AcceptPorts, requests: readonly DropRequest[]): Promise<void> {
  if (requests.length === 1 && requests[0]?.line === null) return; // the API's own words will do
  const problems: Problem[] = [];
  for (const { body, line } of requests)
    try {
      const { request, file } = parseSubmission(body, ports.models, {
        seed: 0,
        nowMs: ports.now(),
        checkUrl: ports.checkWebhookUrl,
        residency: ports,
      });
      const who = { tenant: ports.tenant, requester: personOf(ports.tenant) };
      await refuseDenied(ports, askedOf(request, file === null ? null : ports.sha256(file.bytes), who));
    } catch (error) {
      if (!(error instanceof ReelayError) || error.retryable) throw error;
      // Who drops the file must be told which code it is, whatever else is wrong with other lines.
      if (error.code === 'policy_denied' || error.code === 'likeness_consent_required')
        throw line === null ? error : inLine(line, error);
      const found = error.problems.length > 0 ? error.problems : [{ path: 'file', message: error.message }];
      problems.push(...found.map(({ path, message }) => ({ path, message: atLine(line, message) })));
    }
  if (problems.length > 0) throw batchError(problems);
}

/** Content whose jobs all failed, were cancelled or are gone may be asked for afresh: dropping it again is how people retry. */
async function isAlive(ports: AcceptPorts, { jobIds }: ContentRow): Promise<boolean> {
  for (const id of jobIds) {
    const job = await ports.store.get(id, ports.tenant);
    if (job !== undefined && isWanted(job)) return true;
  }
  return false;
}

function isWanted({ deletedAtMs, status }: Job): boolean {
  return deletedAtMs === null && (!isTerminal(status) || status === 'completed');
}

const DROP_FOR: Readonly<Record<Task, string>> = {
  t2v: 'a .txt with a prompt, without a picture or video',
  i2v: 'an image, with its prompt in a .txt of the same name',
  v2v: 'a video, with its prompt in a .txt of the same name',
};

/** The API says what its model offers; whoever dropped something else is told what to drop instead. */
function explained(error: ReelayError, body: DropRequest['body'], models: ModelCatalog): ReelayError {
  if (error.code !== 'unsupported_operation') return error;
  const meant = models.filter(({ id }) => id === body.model);
  const tasks = new Set((meant.length > 0 ? meant : models).flatMap(card => card.tasks));
  const message = `${error.message} Drop ${[...tasks].map(task => DROP_FOR[task]).join('; or ')}.`;
  return new ReelayError(error.code, message, { cause: error, problems: error.problems });
}
