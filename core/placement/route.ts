import type { Pool, Reason, Residency, Route, Waiting } from './types.ts';

const sites: ReadonlySet<string> = new Set(['onprem', 'cloud']);

/** A residency that names no site, or one that nobody knows, or an empty list of regions, allows nothing at all. */
function allowsAnything(residency: Residency): boolean {
  if (!Array.isArray(residency?.sites) || residency.sites.length === 0) return false;
  if (!residency.sites.every(site => sites.has(site))) return false;
  return residency.regions === undefined || residency.regions.length > 0;
}

/** Whether a rule allows a site in a region: a filter, never a weight, and closed in doubt. */
export function allowsSite(residency: Residency, place: Pick<Pool, 'site' | 'region'>): boolean {
  if (!allowsAnything(residency) || !residency.sites.includes(place.site)) return false;
  return residency.regions === undefined || residency.regions.includes(place.region);
}

/** Whether a job may run in a pool by its site, region and model. */
export function allowed(job: Pick<Waiting, 'residency' | 'model'>, pool: Pool): boolean {
  if (!allowsSite(job.residency, pool)) return false;
  const speed = Object.hasOwn(pool.speed, job.model) ? pool.speed[job.model]! : 0;
  return speed > 0;
}

/** A job that no cloud pool may run stays on the premises. */
export function isSovereign(job: Pick<Waiting, 'residency' | 'model'>, pools: readonly Pool[]): boolean {
  return !pools.some(pool => pool.site === 'cloud' && allowed(job, pool));
}

/** What the next second of a pool costs: an owned server runs anyway. */
export function marginalPricePerHourUsd(pool: Pool): number {
  return pool.kind === 'fixed' ? 0 : pool.pricePerHourUsd;
}

/** The pools that may run a job, owned first, then by price; equal ones in their given order. */
export const route: Route = (job, o) => {
  const pools = o.pools.filter(pool => allowed(job, pool));
  pools.sort((a, b) => marginalPricePerHourUsd(a) - marginalPricePerHourUsd(b));
  const reasons: Reason[] = [];
  if (pools.length === 0) reasons.push({ code: 'no-pool-allowed', numbers: { pools: o.pools.length } });
  return { pools: pools.map(pool => pool.id), reasons };
};
