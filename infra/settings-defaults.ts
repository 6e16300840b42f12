import { builtInResidency } from '#core/policy/residency.ts';
import type { FleetSettings, Settings } from './settings-types.ts';

/** What a fleet has where a settings file says nothing. */
export const defaultFleet: FleetSettings = {
  mode: 'asg',
  instanceTypes: ['g6e.2xlarge', 'g6.2xlarge', 'g5.2xlarge'],
  workerImage: 'parameter',
  maxSpotTasks: 8,
  maxOnDemandTasks: 4,
  minTasks: 0,
  pricePerHourUsd: null,
  coldStartSeconds: { low: 85, mid: 120, high: 175, mean: 127 },
  diskGiB: 200,
  taskVcpu: 4,
  taskMemoryGiB: 28,
  zones: null,
  amiParameter: '/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id',
  // Lambda refuses a reservation that leaves an account fewer than ten runs, and new accounts have ten in all. The sources hold themselves:
  // two wake-ups, one run for each stream, one a minute; of runs that meet, one acts (docs/adr/0014).
  autoscalerConcurrency: null,
};

/** What a stage has where a settings file says nothing: the bundled model, a GPU fleet from zero, no on-prem pool, one class. */
export const defaultSettings: Omit<Settings, 'stage'> = {
  region: 'us-east-1',
  residency: { standard: builtInResidency.standard! },
  models: ['models/reelay-mini'],
  modelSpeed: {},
  waitTargetSeconds: { interactive: 180, standard: 300, batch: 1_800 },
  fleet: defaultFleet,
  onPrem: [],
  logDays: 30,
  auditYears: 1,
  c2paKmsKey: null,
  monthlyBudgetUsd: null,
  prices: null,
  policies: {},
  alarmEmail: null,
  shares: '',
  webhookAllow: '',
  dropTenant: 'default',
  certificateAuthorityPem: null,
};
