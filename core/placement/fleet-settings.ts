import { z } from 'zod';
import { ReelayError } from '../errors.ts';
import type { Pool, Tier } from './types.ts';

/** The fleet that one controller moves, and the promise that it is moved for. */
export interface FleetSettings {
  readonly cluster: string;
  /** Service of the cluster by pool. */
  readonly services: ReadonlyMap<string, string>;
  /** Scaled pools, then the fixed ones that are known beforehand. Others make themselves known by their workers. */
  readonly pools: readonly Pool[];
}

/** Seconds from the order of a server to its first job, of an L40S with 15 GB of weights; measured ones belong into REELAY_FLEET. */
const usualColdStart = { low: 85, mid: 120, high: 175, mean: 127 };
const MAX_SERVERS = 1_000;

const count = z.int().min(0).max(MAX_SERVERS);
const seconds = z.number().min(0).max(86_400);
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters, digits, ".", "_" and "-" is allowed');
const pool = z.strictObject({
  pool: name,
  site: z.enum(['onprem', 'cloud']),
  region: name,
  kind: z.enum(['fixed', 'ondemand', 'spot']),
  pricePerHourUsd: z.number().min(0).max(10_000),
  minServers: count.default(0),
  maxServers: count,
  minBilledSeconds: seconds.default(60),
  speed: z.record(z.string(), z.number().positive()),
  coldStartSeconds: z
    .strictObject({ low: seconds, mid: seconds, high: seconds, mean: seconds })
    .default(usualColdStart),
});
const service = pool.extend({
  service: z.string().min(1),
  site: z.literal('cloud'),
  kind: z.enum(['ondemand', 'spot']),
});
const fixed = pool.extend({ kind: z.literal('fixed') });
const fleet = z.strictObject({
  cluster: z.string().min(1),
  services: z.array(service).min(1),
  fixed: z.array(fixed).default([]),
});

/**
 * REELAY_FLEET: `{cluster, services: [{pool, service, ...Pool}], fixed: [{pool, ...Pool}]}`. Throws `invalid_request` with a sentence
 * that says where it is wrong.
 */
export function parseFleetSettings(text: string): FleetSettings {
  const { cluster, services, fixed } = parse('REELAY_FLEET', text, fleet);
  const pools = [...services, ...fixed];
  const twice = pools.find((one, at) => pools.some((other, index) => index < at && other.pool === one.pool));
  if (twice !== undefined) throw refusal('REELAY_FLEET', `the pool ${twice.pool} is named twice`);
  const wrong = pools.find(({ minServers, maxServers }) => minServers > maxServers);
  if (wrong !== undefined) throw refusal('REELAY_FLEET', `the pool ${wrong.pool} has more minServers than maxServers`);
  return {
    cluster,
    services: new Map(services.map(one => [one.pool, one.service])),
    pools: pools.map(({ pool: id, ...rest }) => {
      const { service: _, ...fields } = rest as typeof rest & { service?: string };
      return { id, ...fields };
    }),
  };
}

const target = z.number().positive().max(86_400);
const targets = z.strictObject({ interactive: target, standard: target, batch: target }).partial();

/** Five minutes for most, less for those who sit and wait, half an hour for the night's work. */
export const usualWaitTargets: Readonly<Record<Tier, number>> = { interactive: 180, standard: 300, batch: 1_800 };

/** REELAY_WAIT_TARGETS: seconds by tier within which 95 % of the jobs shall start; tiers left out have the usual ones. */
export function parseWaitTargets(text: string): Readonly<Record<Tier, number>> {
  if (text.trim() === '') return usualWaitTargets;
  const given = parse('REELAY_WAIT_TARGETS', text, targets);
  return {
    interactive: given.interactive ?? usualWaitTargets.interactive,
    standard: given.standard ?? usualWaitTargets.standard,
    batch: given.batch ?? usualWaitTargets.batch,
  };
}

function parse<T>(variable: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refusal(variable, 'it is not JSON', cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const told = result.error.issues.slice(0, 5).map(issue => `${issue.path.join('.') || 'value'}: ${issue.message}`);
  throw refusal(variable, told.join('; '));
}

function refusal(variable: string, why: string, cause?: unknown): ReelayError {
  return new ReelayError('invalid_request', `${variable}: ${why}.`, { cause });
}
