/** The verbs of consent: attest, list, revoke, and what was made with one. */
import type { AuditPort } from '../../audit/audit-port.ts';
import { ReelayError } from '../../errors.ts';
import type { JobStore } from '../../ports.ts';
import { type ConsentedOutput, type ConsentRecord, revokeConsent } from '../content/consent.ts';
import { contentLimits } from '../content/content-limits.ts';
import { actorOf, personOf } from '../reviews/content-ports.ts';
import { hexOf, type KeyedPorts, keyedOf } from '../reviews/installation-key.ts';
import { outputSpace } from '../reviews/judge.ts';
import { parseConsent } from './consent-input.ts';
import { consentOf, consentSpace, isConsentId, sealed } from './consent-store.ts';

/** What managing consents needs. */
export interface ConsentStorePorts extends KeyedPorts {
  readonly now: () => number;
  /** Told before a consent is there, and once one is revoked. */
  readonly audit: Pick<AuditPort, 'record'>;
}

/** Keeps a consent that somebody vouches for; its evidence stays with them, its hash is kept. Throws `invalid_request`. */
export async function createConsent(
  ports: ConsentStorePorts,
  { tenant, by }: { readonly tenant: string; readonly by: string },
  input: unknown,
): Promise<ConsentRecord> {
  const keyed = await keyedOf(ports);
  const nowMs = ports.now();
  const record: ConsentRecord = {
    v: 1,
    id: `con_${hexOf(ports.random(16))}`,
    tenant,
    ...parseConsent(input, keyed, nowMs),
    revokedAtMs: null,
    proof: { kind: 'attestation', by, atMs: nowMs },
  };
  await ports.audit.record({
    actor: actorOf(by),
    action: 'consent.add',
    object: { kind: 'consent', name: record.id },
    decision: { outcome: 'done' },
  });
  const entry = { space: consentSpace(tenant), name: record.id, value: sealed(keyed, record) };
  await ports.kv.put({ ...entry, expiresAtMs: null, dueAtMs: null });
  return record;
}

/** A tenant's records, in the order of their ids, revoked and expired ones too. */
export async function listConsents(
  ports: ConsentStorePorts,
  tenant: string,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<{ readonly records: readonly ConsentRecord[]; readonly hasMore: boolean }> {
  const keyed = await keyedOf(ports);
  const query = { limit: limit + 1, ...(after === undefined ? {} : { after }) };
  const entries = await ports.kv.list(consentSpace(tenant), query);
  return {
    records: entries.slice(0, limit).map(entry => consentOf(keyed, entry).record),
    hasMore: entries.length > limit,
  };
}

/** Revokes a consent from now on; again is the same. `by`: a person as `personOf` names them. Throws `not_found`. */
export async function revoke(
  ports: ConsentStorePorts,
  tenant: string,
  id: string,
  by: string = personOf(tenant),
): Promise<ConsentRecord> {
  const keyed = await keyedOf(ports);
  for (let tries = 0; tries < 8; tries++) {
    const entry = isConsentId(id) ? await ports.kv.get(consentSpace(tenant), id) : undefined;
    if (entry === undefined) throw noSuchConsent();
    const before = consentOf(keyed, entry);
    const record = revokeConsent(before.record, ports.now());
    // What had no seal of ours does not get one by being revoked.
    const value = before.proven ? sealed(keyed, record) : { record, seal: '' };
    if ((await ports.kv.replace({ ...entry, value })) === undefined) continue;
    await ports.audit.record({
      actor: actorOf(by),
      action: 'consent.revoke',
      object: { kind: 'consent', name: id },
      decision: { outcome: 'done' },
    });
    return record;
  }
  throw new ReelayError('store_unavailable', 'This consent is being written by many at once.');
}

/** A page of the videos that were made with a consent and are still there. Throws `not_found`. */
export async function listOutputs(
  ports: ConsentStorePorts & { readonly store: Pick<JobStore, 'get'> },
  tenant: string,
  id: string,
  after: string | null,
): Promise<{ readonly outputs: readonly ConsentedOutput[]; readonly next: string | null }> {
  const there = isConsentId(id) ? await ports.kv.get(consentSpace(tenant), id) : undefined;
  if (there === undefined) throw noSuchConsent();
  const limit = contentLimits.outputsListed;
  const entries = await ports.kv.list(outputSpace(id), { limit, ...(after === null ? {} : { after }) });
  const outputs: ConsentedOutput[] = [];
  for (const { name } of entries) {
    const job = await ports.store.get(name, tenant);
    const video = job?.artifacts.video;
    if (job?.deletedAtMs === null && video !== undefined && job.completedAtMs !== null)
      outputs.push({ jobId: job.id, key: video.key, completedAtMs: job.completedAtMs });
  }
  return { outputs, next: entries.length < limit ? null : (entries.at(-1)?.name ?? null) };
}

function noSuchConsent(): ReelayError {
  return new ReelayError('not_found', 'id: there is no such consent record.');
}
