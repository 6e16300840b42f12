import type { Policy } from '../simulation/controller.ts';
import { readCounts } from './counts.ts';

/** The metric's target, and the cooldowns in seconds. */
export interface TrackingSettings {
  readonly target: number;
  readonly outSeconds: number;
  readonly inSeconds: number;
  readonly min: number;
}

/** Amazon ECS target tracking of the backlog per running task. */
export const ecsDefaults: TrackingSettings = { target: 1, outSeconds: 60, inSeconds: 300, min: 0 };

/** SageMaker asynchronous inference, tracking the backlog size per instance. */
export const sagemakerDefaults: TrackingSettings = { target: 5, outSeconds: 300, inSeconds: 600, min: 0 };

/** Samples that must agree before an alarm goes up or down. */
const upSamples = 3;
const downSamples = 15;

/** Whether the last `samples` all hold; false while there are fewer. */
function lastAll(values: readonly number[], samples: number, holds: (value: number) => boolean): boolean {
  return values.length >= samples && values.slice(-samples).every(holds);
}

/**
 * Target tracking with 60 s metrics that arrive one sample late: up after 3 samples above the target, down after 15 below .9 of it.
 * From zero: `product` ecs after one sample with work, sagemaker after work on two ticks. SageMaker's backlog per instance has no sample
 * while there is no instance, and what was sampled before is forgotten; while the first one launches it is 0.
 */
export function targetTracking(product: 'ecs-tt' | 'sagemaker', settings: TrackingSettings): Policy {
  const { target, outSeconds, inSeconds, min } = settings;
  return {
    name: `${product} T=${target} out=${outSeconds} in=${inSeconds} min=${min}`,
    create: () => {
      let fresh = 0;
      let samples: number[] = [];
      let waitingTicks = 0;
      let upAt = Number.NEGATIVE_INFINITY;
      let changedAt = Number.NEGATIVE_INFINITY;
      return {
        tickSeconds: 60,
        everyEvent: false,
        decide: (world, orders) => {
          const { now } = world;
          const { waiting, jobs, up, current } = readCounts(world, 0);
          const metric = fresh;
          if (!Number.isNaN(metric)) samples = [...samples.slice(1 - downSamples), metric];
          let desired = current;
          if (product === 'ecs-tt') fresh = up === 0 ? waiting : waiting / up;
          else if (current === 0) {
            samples = [];
            fresh = Number.NaN;
          } else fresh = up === 0 ? 0 : jobs / up;
          waitingTicks = current === 0 && waiting > 0 ? waitingTicks + 1 : 0;
          if (current === 0) {
            if (product === 'ecs-tt' ? metric > 0 : waitingTicks >= 2) desired = 1;
          } else if (lastAll(samples, upSamples, m => m > target) && now - upAt >= outSeconds) {
            desired = Math.ceil((current * metric) / target);
          } else if (lastAll(samples, downSamples, m => m < 0.9 * target) && now - changedAt >= inSeconds) {
            desired = Math.floor((current * metric) / target);
          }
          desired = Math.min(world.pools[0]!.maxServers, Math.max(min, desired));
          if (desired > current) upAt = now;
          if (desired !== current) changedAt = now;
          orders.desired[0] = desired;
        },
      };
    },
  };
}
