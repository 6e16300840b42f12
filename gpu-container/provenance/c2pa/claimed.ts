import type { ActionFacts, C2paFinding, ClaimFacts, IngredientFacts } from './finding.ts';
import { reasonFor } from './reasons.ts';

/** The library's state and codes, and the facts of the active manifest. */
export type Claimed = C2paFinding;

/** JSON of a stranger's file. */
type Json = unknown;

/** Actions and ingredients that are told; ours have a handful. */
const MAX_ITEMS = 50;
const MAX_TEXT = 200;
const MAX_REASONS = 12;
/** Boxes that the specification leaves out of the hash (C2PA 2.2 section 18.7); what else is left out can be changed unseen. */
const LEFT_OUT = ['/uuid', '/ftyp', '/mfra', '/free', '/skip'];

/** A finding from the library's JSON of a manifest store, which may hold anything at any place. */
export function claimedOf(store: Json): Claimed {
  const manifestId = text(at(store, 'active_manifest'));
  const manifest = manifestId === null ? undefined : at(at(store, 'manifests'), manifestId);
  const stamped = codes(at(at(store, 'validation_results'), 'activeManifest'), 'success').includes('timeStamp.trusted');
  const claim = manifestId === null || manifest === undefined ? null : factsOf(manifestId, manifest, stamped);
  const failures = failureCodes(at(store, 'validation_results'));
  const who = claim?.signer?.organization ?? 'Somebody';
  const left = extraExclusions(manifest);
  const notes =
    left.length === 0 ? [] : [`Its signature leaves out ${left.join(', ')}: what is there can be anything.`];
  switch (at(store, 'validation_state')) {
    case 'Trusted':
      return {
        state: 'valid',
        reasons: [`Unaltered since ${who} signed it, as a root that was given confirms.`, ...notes],
        claim,
      };
    case 'Valid': {
      const doubt = `Unaltered since it was signed in the name of ${who}, but no root that was given vouches for that name.`;
      return { state: 'valid_untrusted', reasons: [doubt, ...notes], claim };
    }
    default: {
      const said = [...new Set(failures.filter(code => code !== 'signingCredential.untrusted').map(reasonFor))];
      const reasons = said.length > 0 ? said.slice(0, MAX_REASONS) : ['Its C2PA data breaks the rules of C2PA.'];
      return { state: 'invalid', reasons, claim };
    }
  }
}

function factsOf(manifestId: string, manifest: Json, stamped: boolean): ClaimFacts {
  const assertion = (label: string) =>
    at(
      list(at(manifest, 'assertions')).find(one => at(one, 'label') === label),
      'data',
    );
  const raw = ['c2pa.actions.v2', 'c2pa.actions'].flatMap(label => list(at(assertion(label), 'actions')));
  const actions = raw.slice(0, MAX_ITEMS).map(actionOf);
  const job = assertion('reelay.job');
  const disclosure = assertion('c2pa.ai-disclosure');
  const signature = at(manifest, 'signature_info');
  return {
    manifestId,
    generator: agentOf(list(at(manifest, 'claim_generator_info'))[0] ?? at(manifest, 'claim_generator')),
    digitalSourceType: actions.find(action => action.digitalSourceType !== null)?.digitalSourceType ?? null,
    actions,
    ingredients: list(at(manifest, 'ingredients')).slice(0, MAX_ITEMS).map(ingredientOf),
    job: isObject(job) ? pick(job, ['id', 'model', 'modelDigest', 'requestHmac']) : null,
    disclosure: isObject(disclosure)
      ? {
          ...pick(disclosure, ['modelType', 'modelName']),
          humanOversightLevel: text(at(at(disclosure, 'contentProfile'), 'humanOversightLevel')),
        }
      : null,
    signer: isObject(signature)
      ? {
          commonName: text(at(signature, 'common_name')),
          organization: text(at(signature, 'issuer')),
          serial: hexSerial(at(signature, 'cert_serial_number')),
        }
      : null,
    claimedAt: text(raw.map(action => at(action, 'when')).find(when => typeof when === 'string')),
    stampedAt: stamped ? text(at(signature, 'time')) : null,
  };
}

function actionOf(action: Json): ActionFacts {
  return {
    action: text(at(action, 'action')) ?? 'unnamed',
    digitalSourceType: text(at(action, 'digitalSourceType')),
    softwareAgent: agentOf(at(action, 'softwareAgent')),
  };
}

function ingredientOf(ingredient: Json): IngredientFacts {
  return {
    ...pick(ingredient, ['title', 'format', 'relationship']),
    manifestId: text(at(ingredient, 'active_manifest')),
    failures: failureCodes(at(ingredient, 'validation_results')).slice(0, MAX_ITEMS),
    note: text(at(ingredient, 'description')),
  };
}

/** Codes of what failed in the manifest itself, then of what its ingredients newly fail in. */
function failureCodes(results: Json): string[] {
  const deltas = list(at(results, 'ingredientDeltas')).map(delta => at(delta, 'validationDeltas'));
  return [at(results, 'activeManifest'), ...deltas].flatMap(part => codes(part, 'failure'));
}

function codes(part: Json, kind: 'success' | 'failure'): string[] {
  return list(at(part, kind)).flatMap(one => text(at(one, 'code')) ?? []);
}

function extraExclusions(manifest: Json): string[] {
  const hashes = list(at(manifest, 'assertions')).filter(one => /^c2pa\.hash\.bmff/.test(text(at(one, 'label')) ?? ''));
  const paths = hashes.flatMap(one => list(at(at(one, 'data'), 'exclusions'))).map(one => text(at(one, 'xpath')));
  return paths.flatMap(path => (path === null || LEFT_OUT.includes(path) ? [] : [path])).slice(0, MAX_ITEMS);
}

function agentOf(agent: Json): string | null {
  if (typeof agent === 'string') return text(agent);
  const parts = [text(at(agent, 'name')), text(at(agent, 'version'))].filter(part => part !== null);
  return parts.length === 0 ? null : parts.join(' ');
}

function pick<K extends string>(from: Json, keys: readonly K[]): Record<K, string | null> {
  return Object.fromEntries(keys.map(key => [key, text(at(from, key))])) as Record<K, string | null>;
}

/** The library gives it in decimal; certificates are looked up by hex. */
function hexSerial(serial: Json): string | null {
  return typeof serial === 'string' && /^\d{1,60}$/.test(serial) ? BigInt(serial).toString(16) : null;
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(value: Json, key: string): Json {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json): string | null {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT).replace(/\p{C}/gu, '') : null;
}
