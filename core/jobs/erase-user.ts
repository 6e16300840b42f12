/** Everything that is kept of one person, removed on request; what the person is called is never written anywhere. */
import type { AuditActor } from '../audit/audit-port.ts';
import { type ErasePorts, type Erasure, eraseSubject, sweepErasures } from '../audit/erase.ts';
import type { Subject } from '../audit/subject-key.ts';
import { type SubjectNames, userNameProblem } from '../audit/subjects.ts';
import { invalidRequest, ReelayError } from '../errors.ts';
import { jobPrefix, referencePrefix } from '../keys.ts';
import { limits } from '../limits.ts';
import { deleteJob } from './delete.ts';
import type { RelayPorts } from './relay.ts';

/** What an erasure needs; the ports must reach the jobs of every class. */
export interface ErasingPorts extends RelayPorts {
  /** What the store of the keys does so that none is left in its files; nothing by default. */
  readonly scrub?: () => Promise<void>;
}

/** The person that a tenant calls so. Throws `invalid_request` for what is no name. */
export function namedSubject(ports: { readonly subjects: SubjectNames }, tenant: string, name: string): Subject {
  const problem = userNameProblem(name);
  if (problem !== undefined) throw invalidRequest([{ path: 'subject', message: `subject: ${problem}` }]);
  return { tenant, id: ports.subjects.idOf(tenant, name) };
}

/**
 * Destroys the person's key, stops and removes the jobs and their files, and tells the ledger. May be repeated at any time, also for one of
 * whom nothing is kept: from then on nothing can be. Throws `invalid_request`, `store_unavailable`.
 */
export async function eraseUser(
  ports: ErasingPorts & { readonly subjects: SubjectNames },
  tenant: string,
  name: string,
  actor: AuditActor,
): Promise<Erasure> {
  return eraseSubject(erasePortsOf(ports), namedSubject(ports, tenant, name), actor);
}

/** For the sweep: goes on with erasures that stopped. Returns how many it looked at. */
export async function sweepUsers(ports: ErasingPorts): Promise<number> {
  return sweepErasures(erasePortsOf(ports), limits.sweepBatch);
}

function erasePortsOf(ports: ErasingPorts): ErasePorts {
  const { kv, audit, blobs, now, scrub } = ports;
  return {
    ...{ kv, audit, now },
    deleteAllVersions: prefix => blobs.deletePrefix(prefix),
    removeJob: (tenant, id) => removeJob(ports, tenant, id),
    ...(scrub === undefined ? {} : { scrub }),
  };
}

/** The record goes with the next sweep, once its worker has stopped; what that one may still write goes then. */
async function removeJob(ports: RelayPorts, tenant: string, id: string): Promise<void> {
  await deleteJob(ports, tenant, id).catch(ignoreUnknown);
  for (const prefix of [jobPrefix({ tenant, id }), referencePrefix({ tenant, id })])
    await ports.blobs.deletePrefix(prefix);
}

function ignoreUnknown(error: unknown): void {
  if (!(error instanceof ReelayError && error.code === 'not_found')) throw error;
}
