/**
 * The residency classes of an installation on AWS: each has a table, a bucket and queues of its own, so that the rights of a role can keep
 * a class from a place. Entries and events are those of the standard class for all.
 */
import { composeEnclaves } from '#adapters/enclave-ports.ts';
import type { ByClass } from '#adapters/enclaves.ts';
import { MASTER_KEY_SETTING, masterKeyFromSetting } from '#adapters/master-key.ts';
import { createSealing, type Sealing } from '#adapters/sealing.ts';
import { ReelayError } from '#core/errors.ts';
import { defaultResidency, type ResidencyClasses, residencyRule } from '#core/policy/residency.ts';
import {
  type AwsPorts,
  type AwsResources,
  awsResourcesFrom,
  connectAws,
  type EnclaveResources,
  type Environment,
} from './connect.ts';

const FIELDS = ['queueUrl', 'deadLetterQueueUrl', 'table', 'bucket'] as const;

/**
 * The enclaves by the name of their class: the standard one as `awsResourcesFrom` reads it, the others from REELAY_ENCLAVES,
 * `{"sovereign": {"queueUrl", "deadLetterQueueUrl", "table", "bucket"}}`. Throws a sentence for what cannot be meant: a class without a
 * rule, a field that is missing or unknown, two classes that share a resource.
 */
export function awsEnclavesFrom(env: Environment, classes: ResidencyClasses): ByClass<EnclaveResources> {
  const text = env.REELAY_ENCLAVES?.trim() ?? '';
  const enclaves = new Map<string, EnclaveResources>([[defaultResidency, awsResourcesFrom(env)]]);
  for (const [name, value] of Object.entries(objectOf(parsed(text === '' ? '{}' : text), 'REELAY_ENCLAVES'))) {
    const where = `REELAY_ENCLAVES: ${name.slice(0, 40)}`;
    if (name === defaultResidency) throw refusal(`${where}: this class has the variables REELAY_QUEUE_URL and so on.`);
    if (residencyRule(classes, name) === undefined)
      throw refusal(`${where}: no residency class has this name; known: ${Object.keys(classes).join(', ')}.`);
    const resources = readResources(objectOf(value, where), where);
    enclaves.set(name, resources);
  }
  for (const name of enclaves.keys()) if (name !== defaultResidency) needOwn(name, enclaves);
  return enclaves;
}

/** Nothing is shared: neither with another class, nor a queue with the dead letters. */
function needOwn(name: string, enclaves: ByClass<EnclaveResources>): void {
  const own = enclaves.get(name)!;
  const kindOf = (field: (typeof FIELDS)[number]) => (field === 'deadLetterQueueUrl' ? 'queueUrl' : field);
  for (const field of FIELDS)
    for (const [other, taken] of enclaves)
      for (const its of FIELDS) {
        if ((other === name && its === field) || kindOf(its) !== kindOf(field) || taken[its] !== own[field]) continue;
        const where = other === name ? `${its} is` : `the class ${other} has`;
        throw refusal(`REELAY_ENCLAVES: ${name}.${field}: ${where} the same; each class has resources of its own.`);
      }
}

function readResources(fields: Record<string, unknown>, where: string): EnclaveResources {
  const unknown = Object.keys(fields).find(field => !FIELDS.some(known => known === field));
  if (unknown !== undefined)
    throw refusal(`${where}: got the field "${unknown.slice(0, 40)}"; ${FIELDS.join(', ')} are known.`);
  const textOf = (field: (typeof FIELDS)[number]) => {
    const text = fields[field];
    if (typeof text === 'string' && text !== '') return text;
    throw refusal(`${where}.${field}: it is missing; a text is expected.`);
  };
  return {
    queueUrl: textOf('queueUrl'),
    deadLetterQueueUrl: textOf('deadLetterQueueUrl'),
    table: textOf('table'),
    bucket: textOf('bucket'),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('REELAY_ENCLAVES: it is not valid JSON.');
  }
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refusal(`${where}: an object is expected.`);
}

function refusal(message: string): ReelayError {
  return new ReelayError('invalid_request', message);
}

/** The classes that a process has opened, and what their prompts, references and checkpoints are sealed with. */
export interface AwsEnclaves {
  readonly enclaves: ByClass<AwsPorts>;
  readonly sealing: Sealing;
}

/** The ports of each of these classes, in their order, and of no other. `master`: 32 bytes, the same in every process. */
export function connectAwsEnclaves(
  shared: AwsResources,
  enclaves: ByClass<EnclaveResources>,
  master: Uint8Array,
): AwsEnclaves {
  const standard = connectAws(shared);
  const { kv, events } = standard;
  const { busName } = shared;
  const sealing = createSealing({ kv, master, now: () => Date.now(), where: MASTER_KEY_SETTING });
  const connect = (name: string, resources: EnclaveResources): AwsPorts => {
    const open = name === defaultResidency ? standard : { ...connectAws({ ...resources, busName }), kv, events };
    return { ...open, store: sealing.store(open.store), blobs: sealing.blobs(open.blobs) };
  };
  return { enclaves: new Map([...enclaves].map(([name, resources]) => [name, connect(name, resources)])), sealing };
}

/** All of them as the ports of a front door, and by class for whoever must tell them apart. The rules are of the classes that are there. */
export function connectAwsFront(env: Environment, rules: ResidencyClasses) {
  const shared = awsResourcesFrom(env);
  const master = masterKeyFromSetting(env.REELAY_MASTER_KEY);
  const { enclaves, sealing } = connectAwsEnclaves(shared, awsEnclavesFrom(env, rules), master);
  const { kv, events } = enclaves.get(defaultResidency)!;
  const classes = Object.fromEntries(Object.entries(rules).filter(([name]) => enclaves.has(name)));
  const { subjects, check: checkMasterKey } = sealing;
  return { ...composeEnclaves(enclaves), kv, events, classes, enclaves, subjects, checkMasterKey };
}
