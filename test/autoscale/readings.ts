/** Readings of a small fleet, for looks at it. */
import type { JobBrief } from '#core/jobs/brief.ts';
import type { FleetPool, FleetServer } from '#core/placement/fleet.ts';
import { createFleetMemory, type FleetMemory } from '#core/placement/fleet-memory.ts';
import { usualWaitTargets } from '#core/placement/fleet-settings.ts';
import { observe, type Readings } from '#core/placement/observe.ts';
import type { PresentWorker } from '#core/placement/presence.ts';
import type { Pool } from '#core/placement/types.ts';
import { builtInResidency, type ResidencyClasses } from '#core/policy/residency.ts';
import { model, scaledPools, spot } from './world.ts';

export const nowMs = 1_800_000_000_000;
export const nowSeconds = nowMs / 1_000;
export const ago = (seconds: number) => nowMs - seconds * 1_000;

let made = 0;
export function brief(more: Partial<JobBrief> = {}): JobBrief {
  return {
    id: `video_${String(++made).padStart(26, '0')}`,
    status: 'queued',
    model,
    residency: 'standard',
    priority: 'normal',
    createdAtMs: ago(400),
    startedAtMs: null,
    cost: 3,
    percent: 0,
    owner: null,
    ...more,
  };
}

export const running = (owner: string, more: Partial<JobBrief> = {}) =>
  brief({ status: 'in_progress', owner, startedAtMs: ago(60), percent: 50, ...more });

export function server(id: string, more: Partial<FleetServer> = {}): FleetServer {
  return { id, phase: 'up', launchedAtMs: ago(500), awaitsMachine: false, ...more };
}

export function pool(servers: readonly FleetServer[], more: Partial<FleetPool> = {}): FleetPool {
  return { pool: spot.id, desired: servers.length, servers, refusedAtMs: null, ...more };
}

export function present(id: string, more: Partial<PresentWorker> = {}): PresentWorker {
  const place = { pool: spot.id, site: 'cloud', region: 'us-east-1' } as const;
  return { id, v: 1, place, models: { [model]: 1 }, startedAtMs: ago(300), server: `t-${id}`, ...more };
}

export const terms = {
  classes: builtInResidency as ResidencyClasses,
  paces: new Map([[model, { msPerCost: 20_000, deviation: 0, jobs: 9 }]]),
  pools: scaledPools as readonly Pool[],
  waitTargetSeconds: usualWaitTargets,
};
export const blank = createFleetMemory(nowSeconds, 127);

export function look(readings: Partial<Readings>, memory: FleetMemory = blank, more: Partial<typeof terms> = {}) {
  const nothing = { nowMs, queued: [], running: [], present: [], fleet: [] };
  return observe({ ...nothing, ...readings }, [], memory, { ...terms, ...more });
}
