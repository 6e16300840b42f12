import { describe, expect, test } from 'vitest';
import { fixedSize } from '#core/placement/peers/fixed-size.ts';
import { allPeers } from '#core/placement/peers/grid.ts';
import { keda } from '#core/placement/peers/keda.ts';

import { byCount, keepWarm } from '#core/placement/peers/serverless.ts';
import { ecsDefaults, sagemakerDefaults, targetTracking } from '#core/placement/peers/target-tracking.ts';
import { simulate } from '#core/placement/simulation/simulate.ts';
import { traceB, traceC } from '#core/placement/simulation/traces.ts';
import { cloudPool } from './pools.ts';

describe('the peers', () => {
  const kedaSettings = { jobsPerServer: 1, stabilizationSeconds: 0, cooldownSeconds: 60, min: 0 };
  test.each([
    { trace: traceB(), policy: fixedSize(7), gpuHours: 2345 },
    { trace: traceB(), policy: byCount(3, 5), gpuHours: 103 },
    { trace: traceC(), policy: byCount(8, 5), gpuHours: 52 },
    { trace: traceC(), policy: keepWarm(0, 0, 5), gpuHours: 82 },
    { trace: traceB(), policy: keda(kedaSettings), gpuHours: 137 },
    { trace: traceB(), policy: targetTracking('ecs-tt', { ...ecsDefaults, target: 8 }), gpuHours: 285 },
    { trace: traceC(), policy: targetTracking('ecs-tt', { ...ecsDefaults, target: 8 }), gpuHours: 284 },
    { trace: traceC(), policy: targetTracking('sagemaker', { ...sagemakerDefaults, target: 1 }), gpuHours: 336 },
  ])('$policy.name bills on $trace.name its published GPU-hours', ({ trace, policy, gpuHours }) => {
    expect(simulate({ trace, pools: [cloudPool], policy }).gpuHours).toBeCloseTo(gpuHours, 0);
  });

  test('are tried with 248 settings', () => {
    const grids = allPeers().flatMap(peer => peer.grid.map(policy => policy.name));
    expect(grids.length).toBe(248);
    expect(new Set(grids).size).toBe(248);
  });
});
