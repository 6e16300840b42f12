/** Every peer with its defaults, and with the settings among which its best is sought in hindsight. */
import type { Policy } from '../simulation/controller.ts';
import { fixedSize } from './fixed-size.ts';
import { keda, kedaDefaults } from './keda.ts';
import { ray, rayDefaults } from './ray.ts';
import { byCount, byDelay, keepWarm } from './serverless.ts';
import { ecsDefaults, sagemakerDefaults, targetTracking } from './target-tracking.ts';

/** A peer of the tables. */
export interface Peer {
  readonly name: string;
  /** As it comes; a fleet of constant size has no default. */
  readonly byDefault?: Policy;
  readonly grid: readonly Policy[];
}

/** All combinations of two lists. */
function pairs<A, B>(as: readonly A[], bs: readonly B[]): readonly (readonly [A, B])[] {
  return as.flatMap(a => bs.map(b => [a, b] as const));
}

const mins = [0, 1];

function ecsGrid(): readonly Policy[] {
  return pairs(mins, pairs([0.5, 1, 3, 8, 20], [60, 300])).map(([min, [target, inSeconds]]) =>
    targetTracking('ecs-tt', { target, outSeconds: 60, inSeconds, min }),
  );
}

function sagemakerGrid(): readonly Policy[] {
  return pairs(pairs(mins, [1, 2, 5]), pairs([60, 300], [300, 600])).map(([[min, target], [outSeconds, inSeconds]]) =>
    targetTracking('sagemaker', { target, outSeconds, inSeconds, min }),
  );
}

function kedaGrid(): readonly Policy[] {
  const ends = [
    { cooldownSeconds: 60, min: 0 },
    { cooldownSeconds: 300, min: 0 },
    { cooldownSeconds: 300, min: 1 },
    { cooldownSeconds: 300, min: 2 },
  ];
  return pairs(pairs([1, 2, 3, 5, 8], [0, 60, 300]), ends).map(([[jobsPerServer, stabilizationSeconds], end]) =>
    keda({ jobsPerServer, stabilizationSeconds, ...end }),
  );
}

function rayGrid(): readonly Policy[] {
  return pairs(pairs(mins, [1, 2, 4, 8]), pairs([10, 30], [60, 600])).map(
    ([[min, jobsPerServer], [upSeconds, downSeconds]]) => ray({ jobsPerServer, upSeconds, downSeconds, min }),
  );
}

/** The eight peers; their grids have 248 settings together. */
export function allPeers(): readonly Peer[] {
  return [
    {
      name: 'count',
      byDefault: byCount(4, 5),
      grid: pairs(mins, pairs([1, 2, 3, 4, 5, 6, 8, 12, 16], [5, 60, 300])).map(([min, [k, idle]]) =>
        byCount(k, idle, min),
      ),
    },
    { name: 'keda', byDefault: keda(kedaDefaults), grid: kedaGrid() },
    { name: 'ray', byDefault: ray(rayDefaults), grid: rayGrid() },
    {
      name: 'keep-warm',
      byDefault: keepWarm(0, 0, 60),
      grid: pairs([0, 1, 2, 4], pairs([0, 1], [5, 60, 300])).map(([k, [buffer, win]]) => keepWarm(k, buffer, win)),
    },
    { name: 'sagemaker', byDefault: targetTracking('sagemaker', sagemakerDefaults), grid: sagemakerGrid() },
    { name: 'ecs-tt', byDefault: targetTracking('ecs-tt', ecsDefaults), grid: ecsGrid() },
    {
      name: 'delay',
      byDefault: byDelay(4, 5),
      grid: pairs(mins, pairs([4, 30, 60, 120, 240], [5, 60])).map(([min, [delay, idle]]) => byDelay(delay, idle, min)),
    },
    { name: 'static', grid: Array.from({ length: 14 }, (_, i) => fixedSize(i + 1)) },
  ];
}
