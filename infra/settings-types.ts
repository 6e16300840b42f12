import type { Tier } from '#core/placement/types.ts';
import type { ResidencyClasses } from '#core/policy/residency.ts';

/** Workers that stand on the premises: owned, never scaled, dialling out. */
export interface OnPremPool {
  readonly pool: string;
  /** The name that residency rules know the site by. */
  readonly region: string;
  readonly servers: number;
  /**
   * How its workers come to AWS credentials: by certificates (IAM Roles Anywhere), as an ECS Anywhere node, or `keys`: nothing is
   * deployed for it.
   */
  readonly access: 'roles-anywhere' | 'ecs-anywhere' | 'keys';
}

/** The GPUs in the cloud. */
export interface FleetSettings {
  readonly mode: 'asg' | 'managed-instances';
  /** Best first; each must be one of gpu-instances.ts. */
  readonly instanceTypes: readonly string[];
  /** Image by digest, or 'parameter': then the stack's parameter WorkerImage, which has no default, brings it. */
  readonly workerImage: string;
  readonly maxSpotTasks: number;
  readonly maxOnDemandTasks: number;
  readonly minTasks: number;
  /** On-demand dollars an hour, where the built-in price is too old; Spot is then taken at the same share as the built-in one. */
  readonly pricePerHourUsd: number | null;
  /** From the order of a task to its first job, in seconds. */
  readonly coldStartSeconds: Readonly<Record<'low' | 'mid' | 'high' | 'mean', number>>;
  readonly diskGiB: number;
  readonly taskVcpu: number;
  readonly taskMemoryGiB: number;
  /** Availability zones that machines are asked for in, by name; null: the first two of the region, which every region has. */
  readonly zones: readonly string[] | null;
  /** SSM parameter of the GPU AMI. */
  readonly amiParameter: string;
  /** Concurrent runs that are kept for the autoscaler, and the most it has; null reserves none. */
  readonly autoscalerConcurrency: number | null;
}

/** Everything that a stage says about itself, complete and checked. */
export interface Settings {
  readonly stage: string;
  readonly region: string;
  /** The classes that jobs may ask for; each gets an enclave of its own. */
  readonly residency: ResidencyClasses;
  /** Bundle folders whose cards the API offers, relative to the checkout. */
  readonly models: readonly string[];
  /** Relative to the GPU that the estimates were made on, by model. A model that is not named has 1. */
  readonly modelSpeed: Readonly<Record<string, number>>;
  readonly waitTargetSeconds: Readonly<Record<Tier, number>>;
  /** null: no GPU stack; then the on-prem pools do all the work. */
  readonly fleet: FleetSettings | null;
  readonly onPrem: readonly OnPremPool[];
  readonly logDays: number;
  /** Years, 1 to 7, in which nobody can delete a closed segment of the audit ledger: as long as any tenant keeps it, and never shorter again. */
  readonly auditYears: number;
  /** ARN of an asymmetric KMS key (ECC_NIST_P256, SIGN_VERIFY) that signs C2PA manifests; null: a private key in a secret does. */
  readonly c2paKmsKey: string | null;
  readonly monthlyBudgetUsd: number | null;
  /** What videos cost (core/accounts/price-list.ts); null: nothing. */
  readonly prices: Readonly<Record<string, unknown>> | null;
  /** Tenants' own rules of content, by tenant, which are stricter than the floor. */
  readonly policies: Readonly<Record<string, unknown>>;
  readonly alarmEmail: string | null;
  readonly shares: string;
  readonly webhookAllow: string;
  readonly dropTenant: string;
  /** PEM of the certificate authority whose certificates on-prem workers show; needed by roles-anywhere. */
  readonly certificateAuthorityPem: string | null;
}

/** What the settings leave open and a person may want to know. */
export interface CheckedSettings {
  readonly settings: Settings;
  readonly warnings: readonly string[];
}
