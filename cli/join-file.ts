/** @file How a worker on the premises finds the installation it belongs to: the join file, which a deployment's outputs give, or the environment. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseBundlePin } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { defaultResidency, parseResidency } from '#core/policy/residency.ts';

/** The resources of one residency class. */
export interface JoinEnclave {
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly table: string;
  readonly bucket: string;
}

/** The join file, version 1. It names resources and holds no secret. */
export interface JoinFile {
  readonly v: 1;
  /** AWS region of the installation. */
  readonly region: string;
  /** By class; `standard` is always there. */
  readonly enclaves: Readonly<Record<string, JoinEnclave>>;
  readonly eventBus: string;
  /** The pools on the premises and where they stand, as residency rules name it. */
  readonly pools: readonly { readonly pool: string; readonly region: string }[];
  /** Rules beside the built-in ones, as REELAY_RESIDENCY. */
  readonly residency?: Readonly<Record<string, unknown>>;
  /** Digests of bundles by model id, to be fetched from `bundles/` of the bundle bucket. */
  readonly bundles?: Readonly<Record<string, string>>;
  /** The standard bucket unless said otherwise. */
  readonly bundleBucket?: string;
  readonly shares?: string;
}

const ENCLAVE_FIELDS = ['queueUrl', 'deadLetterQueueUrl', 'table', 'bucket'] as const;
const FIELDS = ['v', 'region', 'enclaves', 'eventBus', 'pools', 'residency', 'bundles', 'bundleBucket', 'shares'];
const CLASS = /^[a-z][a-z0-9-]{0,23}$/;
const PLACE = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;

/** Reads a join file strictly; throws `invalid_request` with a sentence that names file and field. */
export function readJoinFile(path: string): JoinFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ReelayError('invalid_request', `--join: ${path} cannot be read (${code}).`, { cause });
  }
  return parseJoinFile(text, path);
}

/** The same from its text; `where` names it in sentences. */
export function parseJoinFile(text: string, where: string): JoinFile {
  const fail = (sentence: string): never => {
    throw new ReelayError('invalid_request', `${where}: ${sentence}`);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return fail('this is no JSON; the deployment prints the file as its output JoinFile.');
  }
  const file =
    objectOf(parsed) ?? fail('a JSON object is allowed, as the deployment prints it in its output JoinFile.');
  const odd = Object.keys(file).find(name => !FIELDS.includes(name));
  if (odd !== undefined) fail(`${odd.slice(0, 40)}: there is no such field; ${FIELDS.join(', ')} are allowed.`);
  if (file.v !== 1) fail(`v: got ${quote(file.v)}; 1 is allowed, other versions belong to another Reelay.`);
  for (const name of ['region', 'eventBus']) requireText(file[name], name, fail);
  for (const name of ['bundleBucket', 'shares']) if (file[name] !== undefined) requireText(file[name], name, fail);
  checkEnclaves(file.enclaves, fail);
  checkPools(file.pools, fail);
  checkBundles(file.bundles, fail);
  if (file.residency !== undefined) checkResidency(file.residency, fail);
  return file as unknown as JoinFile;
}

type Fail = (sentence: string) => never;

function checkEnclaves(value: unknown, fail: Fail): void {
  const enclaves = objectOf(value) ?? fail('enclaves: an object from residency class to its resources is allowed.');
  if (enclaves[defaultResidency] === undefined)
    fail(`enclaves.${defaultResidency}: it is missing; every installation has this class.`);
  for (const [name, entry] of Object.entries(enclaves)) checkEnclave(name, entry, fail);
}

function checkEnclave(name: string, entry: unknown, fail: Fail): void {
  if (!CLASS.test(name)) fail(`enclaves.${name.slice(0, 40)}: lower-case letters, digits and dashes are allowed.`);
  const enclave = objectOf(entry) ?? fail(`enclaves.${name}: an object with ${ENCLAVE_FIELDS.join(', ')} is allowed.`);
  for (const field of ENCLAVE_FIELDS) requireText(enclave[field], `enclaves.${name}.${field}`, fail);
  for (const field of ['queueUrl', 'deadLetterQueueUrl'] as const)
    if (!isQueueUrl(enclave[field] as string))
      fail(`enclaves.${name}.${field}: got ${quote(enclave[field])}; the https address of an SQS queue is allowed.`);
  const odd = Object.keys(enclave).find(field => !(ENCLAVE_FIELDS as readonly string[]).includes(field));
  if (odd !== undefined)
    fail(`enclaves.${name}: got the field ${quote(odd)}; ${ENCLAVE_FIELDS.join(', ')} are allowed.`);
}

function checkPools(value: unknown, fail: Fail): void {
  const pools: unknown[] = Array.isArray(value) ? value : [];
  if (pools.length === 0) fail('pools: a list of at least one {"pool", "region"} is allowed.');
  for (const [n, entry] of pools.entries()) {
    const { pool, region, ...others } = objectOf(entry) ?? fail(`pools[${n}]: {"pool", "region"} is allowed.`);
    for (const [name, part] of Object.entries({ pool, region }))
      if (typeof part !== 'string' || !PLACE.test(part))
        fail(`pools[${n}].${name}: got ${quote(part)}; up to 63 letters, digits and dashes are allowed.`);
    const [odd] = Object.keys(others);
    if (odd !== undefined) fail(`pools[${n}]: got the field ${quote(odd)}; pool, region are allowed.`);
  }
}

function checkBundles(value: unknown, fail: Fail): void {
  if (value === undefined) return;
  const bundles = objectOf(value) ?? fail('bundles: an object from model id to digest is allowed.');
  for (const [id, digest] of Object.entries(bundles))
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id) || typeof digest !== 'string' || !parseBundlePin(digest))
      fail(`bundles.${id.slice(0, 64)}: got ${quote(digest)}; a digest is 64 lower-case hex digits.`);
}

function checkResidency(value: unknown, fail: Fail): void {
  try {
    parseResidency(JSON.stringify(value));
  } catch (cause) {
    fail(`residency: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function requireText(value: unknown, name: string, fail: Fail): void {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 1_024)
    fail(`${name}: got ${quote(value)}; a text is required.`);
}

/** Plain HTTP only to this machine, for tests and emulators. */
function isQueueUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(url.hostname));
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

const quote = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

/** What the file says, under the names that every worker reads. */
export function environmentOf(file: JoinFile): Readonly<Record<string, string>> {
  const { [defaultResidency]: standard, ...others } = file.enclaves;
  const { queueUrl = '', deadLetterQueueUrl = '', table = '', bucket = '' } = standard ?? {};
  const digests = Object.entries(file.bundles ?? {}).map(([id, digest]) => `${id}=${digest}`);
  return {
    AWS_REGION: file.region,
    REELAY_QUEUE_URL: queueUrl,
    REELAY_DEAD_LETTER_QUEUE_URL: deadLetterQueueUrl,
    REELAY_TABLE: table,
    REELAY_BUCKET: bucket,
    REELAY_EVENT_BUS: file.eventBus,
    ...(Object.keys(others).length > 0 && { REELAY_ENCLAVES: JSON.stringify(others) }),
    ...(file.residency !== undefined && { REELAY_RESIDENCY: JSON.stringify(file.residency) }),
    ...(file.bundleBucket !== undefined && { REELAY_BUNDLE_BUCKET: file.bundleBucket }),
    ...(digests.length > 0 && { REELAY_BUNDLE_DIGESTS: digests.join(',') }),
    ...(file.shares !== undefined && { REELAY_SHARES: file.shares }),
  };
}

/** Keeps the file where the next start without `--join` finds it; whole or not at all, also beside other workers of the folder. */
export async function keepJoinFile(file: JoinFile, path: string): Promise<void> {
  const made = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(made, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
    await rename(made, path);
  } catch (cause) {
    await rm(made, { force: true }).catch(() => undefined);
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ReelayError('invalid_request', `REELAY_DATA: ${path} cannot be written (${code}).`, { cause });
  }
}
