import { parseKeepOldHours, parseKeyFields } from '#core/accounts/key-input.ts';
import type { KeyPorts } from '#core/accounts/key-record.ts';
import { createKey, listKeys, revokeKey, rotateKey } from '#core/accounts/keys.ts';
import { whoseKeys } from '#core/accounts/whose-keys.ts';
import { fieldsOf, onlyTenant } from './account-input.ts';
import { toKey, toMadeKey } from './account-wire.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiEvent, type ApiHandler, api } from './middleware.ts';
import { tellLedger } from './tell-ledger.ts';
import { optionalBody } from './webhook-input.ts';

const scope = 'keys:admin';

/** GET /v1/keys?tenant, newest first, dead ones too. Another tenant's, here and below, are an operator's (`tenants:admin`). */
export function listApiKeys(deps: Deps): ApiHandler {
  const handle = async ({ principal, queryStringParameters }: ApiEvent) => {
    const keys = await listKeys(deps, await whoseKeys(deps, principal, onlyTenant(queryStringParameters)));
    return json(200, { object: 'list', data: keys.map(key => toKey(key, deps.now())), has_more: false });
  };
  return api(deps, 'key-list', handle, { scope });
}

/** POST /v1/keys {name, scopes, budget, expires_at, tenant}: the answer is the one place that shows the key. */
export function createApiKey(deps: Deps): ApiHandler {
  const handle = async ({ principal, input }: ApiEvent) => {
    const { tenant: named, ...asked } = fieldsOf(input);
    const tenant = await whoseKeys(deps, principal, named);
    const fields = parseKeyFields(asked, deps.now(), principal.scopes);
    const made = await createKey(keyPorts(deps), tenant, fields);
    await tellLedger(deps, { principal }, 'key.create', { kind: 'key', name: made.key.keyId }, 'done');
    return json(200, toMadeKey(made, deps.now()));
  };
  return api(deps, 'key-create', handle, { scope, body: true });
}

/** DELETE /v1/keys/{id}?tenant: revoked for good; again is fine. */
export function revokeApiKey(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const tenant = await whoseKeys(deps, event.principal, onlyTenant(event.queryStringParameters));
    const key = await revokeKey(keyPorts(deps), tenant, idOf(event));
    await tellLedger(deps, event, 'key.revoke', { kind: 'key', name: key.keyId }, 'done');
    return json(200, toKey(key, deps.now()));
  };
  return api(deps, 'key-revoke', handle, { scope });
}

/** POST /v1/keys/{id}/rotate {keep_old_hours, tenant}: a key in its place, which the answer alone shows. */
export function rotateApiKey(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const { tenant: named, ...asked } = fieldsOf(await optionalBody(event));
    const tenant = await whoseKeys(deps, event.principal, named);
    const { scopes } = event.principal;
    await tellLedger(deps, event, 'key.rotate', { kind: 'key', name: idOf(event) });
    const made = await rotateKey(keyPorts(deps), tenant, idOf(event), parseKeepOldHours(asked), scopes);
    await tellLedger(deps, event, 'key.create', { kind: 'key', name: made.key.keyId }, 'done');
    return json(200, toMadeKey(made, deps.now()));
  };
  return api(deps, 'key-rotate', handle, { scope });
}

function keyPorts({ kv, now, random, sha256, keyEnvironment: environment }: Deps): KeyPorts {
  return { kv, now, random, sha256, environment };
}
