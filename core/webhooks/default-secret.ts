import type { WebhookPorts } from './ports.ts';
import { newSecrets, rotated, type SigningSecrets } from './secret.ts';

const NAME = 'default';

/** What a tenant's per-job `webhook_url` deliveries are signed with; made on first use. */
export async function readDefaultSecrets(ports: WebhookPorts, tenant: string): Promise<SigningSecrets> {
  const space = spaceOf(tenant);
  const there = await ports.kv.get(space, NAME);
  if (there !== undefined) return there.value as SigningSecrets;
  const made = newSecrets(ports.random);
  const created = await ports.kv.create({ space, name: NAME, value: made, expiresAtMs: null, dueAtMs: null });
  // Someone else was first: theirs is the one that may have signed already.
  return created === undefined ? readDefaultSecrets(ports, tenant) : made;
}

/** A new default secret; the one before goes on signing for a day, or stops at once. */
export async function rotateDefaultSecret(
  ports: WebhookPorts,
  tenant: string,
  keepOld: boolean,
): Promise<SigningSecrets> {
  for (;;) {
    await readDefaultSecrets(ports, tenant);
    const entry = await ports.kv.get(spaceOf(tenant), NAME);
    if (entry === undefined) continue;
    const next = rotated(entry.value as SigningSecrets, ports, keepOld);
    if ((await ports.kv.replace({ ...entry, value: next })) !== undefined) return next;
  }
}

function spaceOf(tenant: string): string {
  return `webhook_secrets/${tenant}`;
}
