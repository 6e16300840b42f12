/** @file What a worker of a pool on the premises is told: command line, environment and join file as the one environment that every worker reads. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { environmentOf, type JoinFile, keepJoinFile, readJoinFile } from './join-file.ts';

/** What the command line says of a worker that joins. */
export interface JoinOptions {
  readonly pool: string;
  readonly join?: string;
}

/** Where the join file is kept after the first start. */
export const keptJoinFile = (dataFolder: string): string => join(dataFolder, 'join.json');

const POOL = /^[a-z][a-z0-9-]{0,62}$/;
/** Names that mean something else everywhere. */
const TAKEN = ['local', 'front-door'];

/** The environment of a worker of `--pool`; the join file given, or the names in the environment, or the file that was kept. */
export async function joinEnvironment(
  options: JoinOptions,
  env: NodeJS.ProcessEnv,
  dataFolder: string,
): Promise<NodeJS.ProcessEnv> {
  const pool = poolOf(options, env);
  if (env.REELAY_SITE !== undefined && !['', 'onprem'].includes(env.REELAY_SITE))
    throw refusal(
      `REELAY_SITE: got "${env.REELAY_SITE.slice(0, 20)}"; a worker that joins by --pool stands on the premises, so onprem is allowed.`,
    );
  const file = await joinFileOf(options, env, dataFolder);
  const region = regionOf(pool, file, textOf(env.REELAY_REGION));
  return { ...env, ...(file && environmentOf(file)), REELAY_POOL: pool, REELAY_SITE: 'onprem', REELAY_REGION: region };
}

function poolOf({ pool }: JoinOptions, env: NodeJS.ProcessEnv): string {
  const set = textOf(env.REELAY_POOL);
  if (set !== undefined && set !== pool)
    throw refusal(`--pool: got "${pool.slice(0, 63)}", but REELAY_POOL says "${set.slice(0, 63)}".`);
  if (!POOL.test(pool))
    throw refusal(
      `--pool: got "${pool.slice(0, 63)}"; up to 63 lower-case letters, digits and dashes are allowed, a letter first.`,
    );
  if (pool.startsWith('cloud') || TAKEN.includes(pool))
    throw refusal(
      `--pool: "${pool}" is not a pool on the premises; names of cloud pools (cloud…), ${TAKEN.join(' and ')} are taken.`,
    );
  return pool;
}

async function joinFileOf(
  options: JoinOptions,
  env: NodeJS.ProcessEnv,
  dataFolder: string,
): Promise<JoinFile | undefined> {
  const kept = keptJoinFile(dataFolder);
  if (options.join !== undefined) {
    const file = readJoinFile(options.join);
    await keepJoinFile(file, kept);
    return file;
  }
  if (textOf(env.REELAY_QUEUE_URL) !== undefined) return undefined;
  if (existsSync(kept)) return readJoinFile(kept);
  throw refusal(
    `--join: this worker does not know its installation yet; give it the file that the deployment prints as its output JoinFile (--join join.json, kept as ${kept}), or set REELAY_QUEUE_URL and the other names.`,
  );
}

/** Where a pool stands decides what it may be given, so two answers are none. */
function regionOf(pool: string, file: JoinFile | undefined, set: string | undefined): string {
  if (file === undefined) {
    if (set !== undefined) return set;
    throw refusal('REELAY_REGION: it is not set; it says where this pool stands, as residency rules name it.');
  }
  const known = file.pools.find(entry => entry.pool === pool);
  const names = file.pools.map(entry => entry.pool).join(', ');
  if (known === undefined)
    throw refusal(`--pool: this installation knows no pool "${pool}" on the premises; it knows ${names}.`);
  if (set !== undefined && set !== known.region)
    throw refusal(
      `REELAY_REGION: got "${set.slice(0, 63)}", but the installation says that ${pool} stands in ${known.region}.`,
    );
  return known.region;
}

const textOf = (text: string | undefined) => (text === undefined || text.trim() === '' ? undefined : text.trim());

function refusal(message: string): ReelayError {
  return new ReelayError('invalid_request', message);
}
