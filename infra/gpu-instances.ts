/**
 * The GPU instance types that the fleet may be made of: what each has, and what an hour costs in us-east-1. Prices age: each has its
 * source and date, and a settings file may bring its own (`fleet.pricePerHourUsd`).
 */

/** One GPU of a type is what a task takes. `spotUsd` is the middle of the range that Spot was seen at. */
export interface GpuInstance {
  readonly gpus: number;
  readonly gpu: string;
  readonly gpuGiB: number;
  readonly vcpu: number;
  readonly memoryGiB: number;
  readonly onDemandUsd: number;
  readonly spotUsd: number;
  readonly source: string;
}

const catalog = 'skypilot-catalog v9 aws/vms.csv @3e9a1751, 2026';

/** By type. */
export const gpuInstances: Readonly<Record<string, GpuInstance>> = {
  'g6.2xlarge': one('L4', 24, 8, 32, 0.9776, 0.514, catalog),
  'g5.2xlarge': one('A10G', 24, 8, 32, 1.212, 0.545, 'AWS price list, us-east-1; Spot at .45 of it, unsure'),
  'g5.4xlarge': one('A10G', 24, 16, 64, 1.624, 0.66, catalog),
  'g6e.2xlarge': one('L40S', 48, 8, 64, 2.24208, 0.925, catalog),
  'g6e.xlarge': one('L40S', 48, 4, 32, 1.861, 0.837, 'AWS price list, us-east-1, 2026-10-05; Spot at .45 of it'),
  'g6e.24xlarge': { ...one('L40S', 48, 96, 768, 15.06559, 5.35, catalog), gpus: 4 },
  'g6.48xlarge': { ...one('L4', 24, 192, 768, 13.3504, 4.96, catalog), gpus: 8 },
  'g5.48xlarge': { ...one('A10G', 24, 192, 768, 16.288, 6.3, catalog), gpus: 8 },
  'g6e.48xlarge': { ...one('L40S', 48, 192, 1_536, 30.13118, 14.305, catalog), gpus: 8 },
  'g7e.2xlarge': one('RTX PRO 6000', 96, 8, 64, 3.363, 1.68, 'AWS price list, us-east-1, 2026-10-05; Spot at .5 of it'),
  'p5.4xlarge': one('H100', 80, 16, 256, 6.88, 3.1, 'AWS price list, us-east-1, 2026-10-05; Spot at .45 of it'),
};

function one(
  gpu: string,
  gpuGiB: number,
  vcpu: number,
  memoryGiB: number,
  onDemandUsd: number,
  spotUsd: number,
  source: string,
): GpuInstance {
  return { gpus: 1, gpu, gpuGiB, vcpu, memoryGiB, onDemandUsd, spotUsd, source };
}

/** Regions that have at least one of the types above, as far as known; a region that is not here is taken for a slip of the pen. */
export const gpuRegions: readonly string[] = [
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'me-central-1',
];
