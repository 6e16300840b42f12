/** The ledger as a process of an installation has it: opened by the first thing that is told. */
import { type AuditInstallation, type InstallationPorts, readInstallation } from './audit-installation.ts';
import { type AuditPort, entryOf } from './audit-port.ts';
import type { LedgerPorts } from './shard-head.ts';
import { type AuditTrail, createAuditTrail, type TrailOptions } from './trail.ts';

/** What a composition gives it. */
export interface AuditOptions extends InstallationPorts, TrailOptions, Pick<LedgerPorts, 'sha256' | 'now'> {
  /** Where closed segments go and who signs them; undefined: other processes close this one's. */
  readonly closer?: Pick<LedgerPorts, 'blobs' | 'signer'>;
}

/** `compose` runs with the first record or sweep; where it, or reading the installation, fails, the next one tries again. */
export function openAudit(compose: () => AuditOptions): AuditPort {
  let opening: Promise<{ trail: AuditTrail; hmac: AuditInstallation['hmac'] }> | undefined;
  const opened = () => {
    opening ??= open(compose).catch(error => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    record: async event => {
      const { trail, hmac } = await opened();
      await trail.record(entryOf(hmac, event));
    },
    sweep: async () => (await opened()).trail.sweep(),
  };
}

async function open(compose: () => AuditOptions) {
  const options = compose();
  const { id: installation, hmac } = await readInstallation(options);
  const { kv, sha256, now, closer } = options;
  return { trail: createAuditTrail({ kv, sha256, now, installation, ...closer }, options), hmac };
}
