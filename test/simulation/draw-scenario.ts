import { freePrices } from '#core/accounts/price-list.ts';
import { simPrice, simPrices } from './check-money.ts';
import type { Prng } from './prng.ts';
import { calamities, natures, type Scenario, type SimTenant, type Weather, type Wish } from './scenario.ts';

/**
 * The scenario of a seed. Each kind of fault is in some seeds and not in others (Groce et al., "Swarm testing", 2012): with all of them
 * all the time, some would hide what others show.
 */
export function drawScenario(prng: Prng): Scenario {
  const local = prng.chance(0.3);
  const faultsEndMs = prng.between(60_000, 140_000);
  const tenants = drawTenants(prng);
  const leaseSeconds = prng.pick([6, 9, 15]);
  return {
    workers: prng.between(1, 4),
    apis: prng.between(1, 2),
    tenants,
    wishes: drawWishes(prng, tenants, faultsEndMs),
    local,
    leaseSeconds,
    progressEveryMs: prng.pick([100, 500, 1000]),
    checkpointCadence: prng.pick([
      { everySteps: 2, everyMs: 0 },
      { everySteps: 5, everyMs: 3_000 },
      { everySteps: 0, everyMs: 2_000 },
      { everySteps: 0, everyMs: 0 },
    ]),
    faultsEndMs,
    weather: drawWeather(prng, local),
    calamities: calamities.filter(() => prng.chance(0.45)),
    calamityEveryMs: prng.between(1_000, 7_000),
    skewMs: local ? 0 : prng.pick([0, 0, 300, 30_000, 600_000]),
    maxReceives: 5,
    monthLater: prng.chance(0.1),
    redrive: prng.chance(0.4),
    ...moneyOf(faultsEndMs),
  };
}

/** Follows from what is drawn anyway, so that all else of a seed stays as it was: free, at a price, or more than there is money for. */
function moneyOf(faultsEndMs: number): Pick<Scenario, 'prices' | 'budget'> {
  const kind = faultsEndMs % 4;
  return { prices: kind === 0 ? freePrices : simPrices, budget: kind === 3 ? 5 * simPrice : null };
}

function drawTenants(prng: Prng): readonly SimTenant[] {
  const capped = prng.chance(0.3);
  return Array.from({ length: prng.between(1, 4) }, (_, n) => ({
    name: `tenant-${n}`,
    weight: prng.pick([1, 1, 1, 2, 3]),
    maxRunning: capped && prng.chance(0.6) ? prng.between(1, 2) : Number.POSITIVE_INFINITY,
  }));
}

function drawWishes(prng: Prng, tenants: readonly SimTenant[], faultsEndMs: number): readonly Wish[] {
  const troubled = prng.chance(0.4);
  const deadlines = prng.chance(0.3);
  const stepMs = prng.pick([50, 200, 700]);
  const retries = prng.pick([['key'], ['key', 'plain'], ['key', 'count', 'plain']] as const);
  return Array.from({ length: prng.between(14, 34) }, (_, n): Wish => {
    const steps = prng.between(2, 24);
    return {
      name: `r${n}`,
      tenant: prng.pick(tenants).name,
      steps,
      stepMs: prng.between(Math.ceil(stepMs / 2), stepMs * 2),
      nature: troubled && prng.chance(0.3) ? prng.pick(natures) : 'healthy',
      atStep: prng.between(0, steps - 1),
      priority: prng.pick(['high', 'normal', 'normal', 'low']),
      startMs: prng.between(0, Math.floor(faultsEndMs * 0.85)),
      deadlineAfterMs: deadlines && prng.chance(0.5) ? prng.between(5_000, 120_000) : null,
      retries: prng.pick(retries),
      cancelAfterMs: prng.chance(0.12) ? prng.between(0, 30_000) : null,
      deleteAfterMs: prng.chance(0.12) ? prng.between(0, 60_000) : null,
      again: prng.chance(0.2),
    };
  });
}

function drawWeather(prng: Prng, local: boolean): Weather {
  const some = (chance: number, most: number) => (prng.chance(chance) ? prng.next() * most : 0);
  return {
    refused: some(0.85, 0.18),
    lost: some(0.85, 0.14),
    slow: some(0.4, 0.02),
    killed: some(0.35, 0.002),
    copied: local ? 0 : some(0.5, 0.5),
    dropped: local ? 0 : some(0.4, 0.3),
    disorder: local ? 0 : some(0.6, 0.6),
    stale: local ? 0 : some(0.6, 0.7),
    lagMs: prng.pick([100, 1_000, 8_000]),
    renderFails: some(0.4, 0.1),
    slowSteps: some(0.4, 0.05),
  };
}
