/**
 * Who is next when several tenants wait: start-time fair queueing (Goyal, Vin, Cheng 1996). Each tenant has a pass, the virtual time up
 * to which it has been served; the lowest pass goes first and moves on by cost / weight. The virtual time of the system is the pass of
 * whoever was chosen last: a tenant that comes back starts there, so it neither collects credit while away nor pays for having been
 * alone.
 */
import type { Job } from '../job.ts';
import type { VideoRequest } from '../video-request.ts';

/** What a tenant is entitled to. */
export interface TenantShare {
  /** Of the GPUs, relative to the others that wait; > 0. */
  readonly weight: number;
  /** Jobs of this tenant that may run at once, on all workers together. */
  readonly maxRunning: number;
}

/** A tenant of whom nothing else was said. */
export const defaultShare: TenantShare = { weight: 1, maxRunning: Number.POSITIVE_INFINITY };

/** Shares with what tenants' records allow at once; the smaller of two caps holds. null: none. */
export function cappedShares(
  shareOf: (tenant: string) => TenantShare,
  caps: ReadonlyMap<string, number | null>,
): (tenant: string) => TenantShare {
  return tenant => {
    const share = shareOf(tenant);
    return { ...share, maxRunning: Math.min(share.maxRunning, caps.get(tenant) ?? Number.POSITIVE_INFINITY) };
  };
}

/** What the workers remember between choices; tenants at or below `virtualTime` need not be kept. */
export interface Passes {
  readonly virtualTime: number;
  readonly passes: Readonly<Record<string, number>>;
}

/** Nobody has been served yet. */
export const noPasses: Passes = { virtualTime: 0, passes: {} };

/** GPU work of a request, in arbitrary units that are alike for all tenants. */
export function costOf(request: Pick<VideoRequest, 'size' | 'num_frames' | 'num_inference_steps'>): number {
  const [width = 0, height = 0] = request.size.split('x').map(Number);
  return (request.num_inference_steps * request.num_frames * width * height) / 1_000_000;
}

/** The heads of the tenants' queues in the order in which they may start; tenants at their cap are left out. */
export function fairOrder(
  heads: readonly Job[],
  running: ReadonlyMap<string, number>,
  passes: Passes,
  shareOf: (tenant: string) => TenantShare,
): readonly Job[] {
  const load = (job: Job) => (running.get(job.tenant) ?? 0) / shareOf(job.tenant).weight;
  return heads
    .filter(job => (running.get(job.tenant) ?? 0) < shareOf(job.tenant).maxRunning)
    .sort((a, b) => passOf(passes, a.tenant) - passOf(passes, b.tenant) || load(a) - load(b) || (a.id < b.id ? -1 : 1));
}

/** The passes after this job was started. */
export function served(passes: Passes, job: Job, shareOf: (tenant: string) => TenantShare): Passes {
  const start = passOf(passes, job.tenant);
  const after = { ...passes.passes, [job.tenant]: start + costOf(job.request) / shareOf(job.tenant).weight };
  const virtualTime = Math.max(passes.virtualTime, start);
  return { virtualTime, passes: Object.fromEntries(Object.entries(after).filter(([, pass]) => pass > virtualTime)) };
}

function passOf({ virtualTime, passes }: Passes, tenant: string): number {
  return Math.max(virtualTime, Object.hasOwn(passes, tenant) ? passes[tenant]! : 0);
}

/**
 * How many queued jobs start before one that has `ownBefore` jobs of its own tenant before it: those, and of each other tenant as many
 * as its weight gives it meanwhile. Assumes that jobs cost alike.
 */
export function queuedBefore(
  job: Pick<Job, 'tenant'>,
  ownBefore: number,
  queued: ReadonlyMap<string, number>,
  shareOf: (tenant: string) => TenantShare,
): number {
  let before = ownBefore;
  const { weight } = shareOf(job.tenant);
  for (const [tenant, count] of queued)
    if (tenant !== job.tenant)
      before += Math.min(count, Math.floor((ownBefore + 0.5) * (shareOf(tenant).weight / weight)));
  return before;
}

/**
 * Shares as an operator writes them: `acme=3`, `lab=1:2` (weight 1, at most 2 at once), `*=1:4` for all others; separated by commas.
 * Throws a sentence that names the entry that is not of this form.
 */
export function parseShares(text: string): (tenant: string) => TenantShare {
  const shares = new Map<string, TenantShare>();
  for (const entry of text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')) {
    const [, tenant, weight, most] = /^([\w.-]+|\*)=(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(entry) ?? [];
    if (tenant === undefined || Number(weight) <= 0)
      throw new RangeError(
        `shares: "${entry.slice(0, 60)}" is not of the form tenant=weight or tenant=weight:at-once.`,
      );
    shares.set(tenant, {
      weight: Number(weight),
      maxRunning: most === undefined ? Number.POSITIVE_INFINITY : Number(most),
    });
  }
  return tenant => shares.get(tenant) ?? shares.get('*') ?? defaultShare;
}
