import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { type Processed, processJob, type WorkerPorts } from './process-job.ts';

/** One residency class's ports as the loop knows them. */
interface Enclave {
  readonly ports: WorkerPorts;
  /** Failures in a row. */
  failures: number;
  /** By the monotonic clock: until then this one is not looked at; the others are. */
  restUntilMs: number;
}

/**
 * The worker's loop:
 *
 *     receiving --delivery--> processing one job --any outcome--> receiving
 *     receiving --nothing may start--> waiting a second --> receiving
 *     receiving --store or queue down, disk full, nothing that may be served here--> waiting, doubled up to a limit --> receiving
 *     any --drain--> the running job is given back --> returns
 *
 * A worker of several residency classes has ports for each, the most restricted first, around one renderer. It takes from the first that
 * has something; one look in limits.enclaveTurns begins with one of the others, so that none waits for ever. With nothing to do it asks
 * one after the other for limits.enclaveWaitMs. One whose store or queue is out rests by itself.
 */
export async function runWorker(classes: WorkerPorts | readonly WorkerPorts[], drain: AbortSignal): Promise<void> {
  const enclaves = [classes].flat().map((ports): Enclave => ({ ports, failures: 0, restUntilMs: 0 }));
  if (enclaves.length === 0) throw new ReelayError('residency_unsatisfiable', 'No residency class may be served here.');
  let isIdle = false;
  for (let turn = 0; !drain.aborted; ) {
    const rested = await restedOf(enclaves, drain);
    if (drain.aborted) return;
    if (!(await isReady(enclaves))) continue;
    const wholeMs = limits.queueWaitSeconds * 1000;
    const waitMs = enclaves.length === 1 ? wholeMs : isIdle ? limits.enclaveWaitMs : 0;
    isIdle = true;
    for (const enclave of inTurn(rested, turn)) {
      if (drain.aborted) return;
      if (!(await takeOne(enclave, waitMs, drain))) continue;
      isIdle = false;
      turn++;
      break;
    }
  }
}

/** Those that need not rest, after a wait where all must. */
async function restedOf(enclaves: readonly Enclave[], drain: AbortSignal): Promise<readonly Enclave[]> {
  const nowMs = enclaves[0]!.ports.monotonicMs();
  const rested = enclaves.filter(({ restUntilMs }) => restUntilMs === 0 || restUntilMs <= nowMs);
  if (rested.length > 0) return rested;
  const first = enclaves.reduce((a, b) => (b.restUntilMs < a.restUntilMs ? b : a));
  await first.ports.sleep(first.restUntilMs - nowMs, drain);
  first.restUntilMs = 0;
  return [first];
}

/** In their order, but for one look in limits.enclaveTurns, which begins with another one each time. */
function inTurn(enclaves: readonly Enclave[], turn: number): readonly Enclave[] {
  const others = enclaves.length - 1;
  if (others < 1 || turn % limits.enclaveTurns !== limits.enclaveTurns - 1) return enclaves;
  const begin = 1 + (Math.floor(turn / limits.enclaveTurns) % others);
  return [enclaves[begin]!, ...enclaves.filter((_, n) => n !== begin)];
}

/** What the machine itself says: a full disk stops all classes. */
async function isReady(enclaves: readonly Enclave[]): Promise<boolean> {
  const { ports } = enclaves[0]!;
  try {
    const why = await ports.whyNotReady?.();
    if (why === undefined) return true;
    ports.log('warn', 'no job taken', { why });
  } catch (error) {
    logFailure(ports, error);
  }
  for (const enclave of enclaves) backOff(enclave);
  return false;
}

/** Whether there was something to take. */
async function takeOne(enclave: Enclave, waitMs: number, drain: AbortSignal): Promise<boolean> {
  const { ports } = enclave;
  try {
    const delivery = await ports.queue.receive({ leaseSeconds: ports.leaseSeconds, waitMs, signal: drain });
    const processed = delivery === undefined ? 'worked' : await processJob(ports, delivery, drain);
    rest(enclave, processed);
    return delivery !== undefined;
  } catch (error) {
    logFailure(ports, error);
    backOff(enclave);
    return false;
  }
}

function rest(enclave: Enclave, processed: Processed): void {
  if (processed === 'outage' || processed === 'refused') backOff(enclave);
  else enclave.failures = 0;
  if (processed === 'nothing') restFor(enclave, limits.nothingMayStartSeconds * 1000);
}

function logFailure({ log }: WorkerPorts, error: unknown): void {
  const code = error instanceof ReelayError ? error.code : 'internal';
  log('error', 'worker loop failed', { code, at: placeOf(error) });
}

function backOff(enclave: Enclave): void {
  restFor(enclave, Math.min(limits.backoffMostMs, limits.backoffFirstMs * 2 ** enclave.failures++));
}

function restFor(enclave: Enclave, ms: number): void {
  enclave.restUntilMs = enclave.ports.monotonicMs() + ms;
}
