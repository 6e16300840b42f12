import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { ReelayError } from '#core/errors.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { endJob } from '#core/jobs/end.ts';
import { relay, sweepOutbox } from '#core/jobs/relay.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { createMemoryAudit, type MemoryAudit } from '#test/audit/memory-audit.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { CARD } from './model-card.ts';

let folder: ReturnType<typeof temporaryFolder>;
let ports: SubmitPorts;
let ledger: MemoryAudit;
let isOut: boolean;
let nowMs: number;
let close: () => void;
beforeEach(() => {
  folder = temporaryFolder();
  const db = openDatabase(folder.path);
  db.exec('PRAGMA synchronous=OFF'); // what is shown here does not depend on the disk
  [isOut, nowMs] = [false, Date.now()];
  ledger = createMemoryAudit();
  const local = createLocalPorts({ db, folder: folder.path, owner: 'test', models: [CARD], now: () => nowMs });
  const record: SubmitPorts['audit']['record'] = async event => {
    if (isOut) throw new ReelayError('store_unavailable', 'The ledger is out.');
    await ledger.record(event);
  };
  ports = { ...local, audit: { ...ledger, record } };
  close = () => db.close();
});
afterEach(() => {
  close();
  folder.remove();
});

const told = () => ledger.events.map(({ action, decision, object }) => [action, decision.outcome, object.name]);
const failed = (id: string) =>
  ports.store
    .load(id)
    .then(job =>
      endJob(ports.store, job!, { status: 'failed', error: { code: 'marking_failed', message: 'No.' }, nowMs }),
    );

describe('the audit ledger', () => {
  test('is told who asked for what, and what became of it', async () => {
    const { id } = await submit(ports, 'local', { prompt: 'a red ring' });
    const key = { kind: 'key', name: 'rk_1' } as const;
    await cancel(ports, 'local', id, key);
    await deleteJob(ports, 'local', id, key);
    const other = await submit(ports, 'local', { prompt: 'a blue ring' });
    await relay(ports, (await failed(other.id))!);
    expect(told()).toEqual([
      ['job.submit', 'allow', id],
      ['job.cancel', 'allow', id],
      ['job.delete', 'allow', id],
      ['job.submit', 'allow', other.id],
      ['job.fail', 'failed', other.id],
    ]);
    expect(ledger.events.map(({ actor }) => actor)).toEqual([
      { kind: 'tenant', name: 'local' },
      ...[key, key],
      { kind: 'tenant', name: 'local' },
      { system: 'sweep' },
    ]);
    expect(ledger.events.at(-1)?.decision.rules).toEqual(['marking_failed']);
    const { policy } = ledger.events[0]!.decision;
    expect(policy).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is told of a refusal by the policy and by residency, and of no typing error', async () => {
    await expect(submit(ports, 'local', { prompt: 'a nude child' })).rejects.toMatchObject({ code: 'policy_denied' });
    const cloudOnly = { ...ports, servedPlaces: [{ pool: 'spot', site: 'cloud', region: 'eu-central-1' } as const] };
    await expect(submit(cloudOnly, 'local', { prompt: 'a ring', residency: 'sovereign' })).rejects.toThrow();
    await expect(submit(ports, 'local', { prompt: '' })).rejects.toMatchObject({ code: 'invalid_request' });
    expect(ledger.events.map(({ action, decision }) => [action, decision.outcome, decision.rules])).toEqual([
      ['policy.refuse', 'deny', ['minors.nudity']],
      ['job.submit', 'deny', ['policy_denied']],
      ['job.submit', 'deny', ['residency_unsatisfiable']],
    ]);
  });

  test('that is out delays no job: each record owes its lines, whatever becomes of it, and the sweep pays them', async () => {
    isOut = true;
    const { id } = await submit(ports, 'local', { prompt: 'a red ring' });
    expect(await ports.queue.depth()).toBe(1);
    await relay(ports, (await failed(id))!).catch(() => undefined);
    expect(ledger.events).toEqual([]);
    isOut = false;
    nowMs += 3_600_000;
    await sweepOutbox(ports);
    expect(told().sort()).toEqual([
      ['job.fail', 'failed', id],
      ['job.submit', 'allow', id],
    ]);
    expect((await ports.store.load(id))?.outbox).toEqual([]);
  });

  test('that is out lets nobody cancel, delete or be refused: what cannot be told is not done', async () => {
    const { id } = await submit(ports, 'local', { prompt: 'a red ring' });
    isOut = true;
    const out = { code: 'store_unavailable', retryable: true };
    await expect(cancel(ports, 'local', id)).rejects.toMatchObject(out);
    await expect(deleteJob(ports, 'local', id)).rejects.toMatchObject(out);
    await expect(submit(ports, 'local', { prompt: 'a nude child' })).rejects.toMatchObject(out);
    expect(await ports.store.load(id)).toMatchObject({ status: 'queued', deletedAtMs: null });
  });
});
