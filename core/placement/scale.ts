import type { Lateness } from './lateness.ts';
import type { Worker } from './types.ts';
import type { FleetView } from './view.ts';

/** Jobs waiting that may leave the premises. */
export function waitingCount(view: FleetView): number {
  return view.open.reduce((sum, job) => sum + job.count, 0);
}

/** What differs between planners. */
export interface ScaleOutSettings {
  /** The price of the pool that launches over on-demand's. */
  readonly priceRatio: number;
  /** An empty fleet launches at the latest when its oldest job would start at this age. */
  readonly wakeAgeSeconds: number;
  /** Whether to put off a launch that costs nothing to put off. */
  readonly lazy: boolean;
}

/** Servers to launch now. */
export function scaleOut(view: FleetView, late: Lateness, settings: ScaleOutSettings): number {
  const all = view.launching.length;
  const now = late(all, 0, 0);
  const most = Math.min(view.max - view.live, waitingCount(view) + 12);
  let best = 0;
  let bestCost = now;
  for (let n = 1, worse = 0; n <= most && now > 0 && worse < 5; n++) {
    const cost = n * view.cold * settings.priceRatio + late(all, n, 0);
    if (cost < bestCost - 1e-9) {
      best = n;
      bestCost = cost;
      worse = 0;
    } else worse++;
  }
  const oldest = view.open[0];
  const nobody = view.live === 0 && view.owned.length === 0;
  if (oldest !== undefined && nobody && best === 0 && most > 0) {
    if (view.now - oldest.enqueuedAtSeconds + view.cold >= settings.wakeAgeSeconds) return 1;
  }
  // Lazy: a decision later changes nothing, and until then a server may become free.
  if (best > 0 && settings.lazy && late(all, best, 12) - late(all, best, 0) < 1e-6) return 0;
  return best;
}

/** Launches to cancel, youngest first: those that would save less lateness than a quarter of what is left of their cold start. */
export function pickCancelled(view: FleetView, late: Lateness): readonly Worker[] {
  const { launching } = view;
  const up = view.idle.length + view.busy.length + view.owned.length;
  const floor = Math.max(view.min - view.idle.length - view.busy.length, up === 0 && view.open.length > 0 ? 1 : 0);
  let kept = launching.length;
  while (kept > Math.max(0, floor)) {
    const age = view.now - launching[kept - 1]!.launchedAtSeconds;
    const saves = late(kept - 1, 0, 0) - late(kept, 0, 0);
    if (saves >= 0.25 * Math.max(5, view.cold - age)) break;
    kept--;
  }
  return launching.slice(kept).reverse();
}
