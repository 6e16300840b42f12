/** Scenarios that are made by hand: one thing at a time, in fair weather. */
import type { Job } from '#core/job.ts';
import { newJobId } from '#core/job-id.ts';
import { simPrices } from './check-money.ts';
import { createWorld } from './create-world.ts';
import { calm, type Scenario, type SimTenant, type Wish } from './scenario.ts';
import { promptOf, SIM_CARD } from './sim-video.ts';
import { startStorms } from './storms.ts';
import { EPOCH_MS, type World } from './world.ts';

/** One worker, one server, one tenant, fair weather; `overrides` replaces whole fields. */
export function calmScenario(overrides: Partial<Scenario> = {}): Scenario {
  return {
    workers: 1,
    apis: 1,
    tenants: [{ name: 'acme', weight: 1, maxRunning: Number.POSITIVE_INFINITY }],
    wishes: [calmWish()],
    local: false,
    leaseSeconds: 9,
    progressEveryMs: 500,
    checkpointCadence: { everySteps: 3, everyMs: 0 },
    faultsEndMs: 1_000,
    weather: calm,
    calamities: [],
    calamityEveryMs: 1_000,
    skewMs: 0,
    maxReceives: 5,
    monthLater: false,
    redrive: false,
    prices: simPrices,
    budget: null,
    ...overrides,
  };
}

/** A healthy job that is wanted at once. */
export function calmWish(overrides: Partial<Wish> = {}): Wish {
  return {
    name: 'r0',
    tenant: 'acme',
    steps: 10,
    stepMs: 300,
    nature: 'healthy',
    atStep: 0,
    priority: 'normal',
    startMs: 600,
    deadlineAfterMs: null,
    retries: 'key',
    cancelAfterMs: null,
    deleteAfterMs: null,
    again: false,
    ...overrides,
  };
}

/** Jobs of one tenant that are queued at one moment, or one after the other. */
export interface Load {
  readonly tenant: string;
  readonly count: number;
  readonly startMs: number;
  readonly everyMs: number;
  /** Steps of the n-th job. */
  readonly steps: (n: number) => number;
}

/** Serves loads with so many workers, in fair weather, until `until` says that it has seen enough. */
export async function serveLoads(
  seed: number,
  workers: number,
  tenants: readonly SimTenant[],
  loads: readonly Load[],
  until: (world: World) => boolean,
): Promise<World> {
  const wishes: readonly Wish[] = [];
  const scenario = calmScenario({
    workers,
    apis: 0,
    tenants,
    wishes,
    checkpointCadence: { everySteps: 0, everyMs: 0 },
  });
  const world = createWorld(seed, { scenario });
  startStorms(world);
  for (const load of loads)
    for (let n = 0; n < load.count; n++)
      if (load.everyMs === 0) {
        if (n === 0) world.time.after(load.startMs, () => putAll(world, load));
      } else world.time.after(load.startMs + n * load.everyMs, () => put(world, load, n));
  await world.time.run(() => world.violation === undefined && !until(world));
  if (world.violation !== undefined) throw new Error(`${world.violation.rule}: ${world.violation.message}`);
  return world;
}

function putAll(world: World, load: Load): void {
  for (let n = 0; n < load.count; n++) put(world, load, n);
}

const STEP_MS = 100;

function put(world: World, { tenant, steps }: Load, n: number): void {
  const nowMs = EPOCH_MS + world.time.nowMs();
  const job = queuedJob(newJobId(nowMs, world.prng.bytes(10)), tenant, steps(n), nowMs);
  void world.store.create(job);
  void world.queue.send({ v: 1, jobId: job.id });
}

function queuedJob(id: string, tenant: string, steps: number, nowMs: number): Job {
  const prompt = promptOf({ name: 'load', nature: 'healthy', atStep: 0, stepMs: STEP_MS });
  const { size, frames, fps, guidance_scale, negative_prompt } = SIM_CARD.defaults;
  const request = {
    model: SIM_CARD.id,
    prompt,
    negative_prompt,
    size,
    seconds: frames / fps,
    num_frames: frames,
    fps,
    num_inference_steps: steps,
    guidance_scale,
    seed: 1,
    metadata: {},
    task: 't2v' as const,
    strength: null,
    reference: null,
    guidance_scale_2: null,
    flow_shift: null,
    step_cache: null,
    residency: 'standard',
  };
  return {
    id,
    tenant,
    request,
    modelDigest: SIM_CARD.digest,
    keyId: null,
    terms: null,
    maxCost: null,
    priority: 'normal',
    deadlineAtMs: null,
    webhookUrl: null,
    status: 'queued',
    attempt: 0,
    failures: 0,
    restarts: 0,
    notBeforeMs: 0,
    checkpoint: null,
    furthestStep: 0,
    claim: null,
    redriveOf: null,
    remixOf: null,
    subject: null,
    sealed: null,
    erased: false,
    progress: null,
    lease: null,
    acceptedAt: null,
    placements: [],
    error: null,
    artifacts: {},
    receipt: null,
    disclosure: null,
    keptDays: null,
    marking: null,
    warnings: [],
    content: null,
    review: null,
    createdAtMs: nowMs,
    startedAtMs: null,
    completedAtMs: null,
    expiresAtMs: null,
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    outbox: [],
    version: 1,
  };
}

/** How long the jobs of a tenant waited for their first lease, ascending. */
export function waitsMs(world: World, tenant: string): readonly number[] {
  const { firstLeaseMs, createdMs } = world.facts;
  return [...firstLeaseMs]
    .filter(([id]) => world.store.records.get(id)?.tenant === tenant)
    .map(([id, ms]) => ms - createdMs.get(id)!)
    .sort((a, b) => a - b);
}

/** Steps done for each tenant. */
export function stepsByTenant(world: World): ReadonlyMap<string, number> {
  const steps = new Map<string, number>();
  for (const [id, count] of world.facts.stepsDone) {
    const { tenant } = world.store.records.get(id)!;
    steps.set(tenant, (steps.get(tenant) ?? 0) + count);
  }
  return steps;
}
