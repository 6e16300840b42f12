/**
 * What a useful GPU-hour costs in the cloud and owned, and the share of its time an owned GPU must work to be the cheaper one. Sizing a
 * site uses all of it; where one job runs is decided by power alone, for the rest is spent already. Dollars, hours, kW.
 */

/** What owning costs beside the GPU itself. The defaults are 2026 street figures; those of staff are unsure. */
export interface OwnershipTerms {
  readonly lifeYears: number;
  /** Share of the price that is left at the end of its life. */
  readonly residual: number;
  readonly capitalCostPerYear: number;
  readonly upkeepPerYear: number;
  readonly staffUsdPerYear: number;
  /** GPUs that the staff looks after. */
  readonly gpus: number;
  readonly pue: number;
  readonly energyUsdPerKwh: number;
}

/** Four years at 8 %, a quarter of a person for eight GPUs, PUE and energy as surveys have them. */
export const defaultTerms: OwnershipTerms = {
  lifeYears: 4,
  residual: 0.15,
  capitalCostPerYear: 0.08,
  upkeepPerYear: 0.05,
  staffUsdPerYear: 0.25 * 150_000,
  gpus: 8,
  pue: 1.54,
  energyUsdPerKwh: 0.13,
};

/** A GPU to buy, or to rent by the hour. */
export interface GpuOffer {
  readonly name: string;
  /** Its share of a server's price and power. */
  readonly capexUsd: number;
  readonly kilowatts: number;
  readonly cloudUsdPerHour: number;
  /** Spot over on-demand. */
  readonly spotShare: number;
}

/** Prices of us-east-1, 2026-10-05, and street prices of 2026; H200's hourly price and all capex are unsure. */
export const gpuOffers: readonly GpuOffer[] = [
  { name: 'L40S', capexUsd: 12_000, kilowatts: 0.5, cloudUsdPerHour: 1.861, spotShare: 0.45 },
  { name: 'RTX PRO 6000', capexUsd: 15_500, kilowatts: 0.8, cloudUsdPerHour: 3.363, spotShare: 0.5 },
  { name: 'H100', capexUsd: 38_000, kilowatts: 1.275, cloudUsdPerHour: 6.88, spotShare: 0.45 },
  { name: 'H200', capexUsd: 44_000, kilowatts: 1.275, cloudUsdPerHour: 7.91, spotShare: 0.5 },
];

const hoursPerYear = 8_760;
/** An idle GPU still draws this share of its power. */
const idleDraw = 0.25;

/** Dollars an hour that an owned GPU costs whether it works or not, without power. */
export function fixedUsdPerHour(gpu: GpuOffer, terms: OwnershipTerms): number {
  const wear = (gpu.capexUsd * (1 - terms.residual)) / terms.lifeYears;
  const capital = ((gpu.capexUsd * (1 + terms.residual)) / 2) * terms.capitalCostPerYear;
  const staff = terms.staffUsdPerYear / terms.gpus;
  return (wear + capital + gpu.capexUsd * terms.upkeepPerYear + staff) / hoursPerYear;
}

/** Dollars an hour of power at full load. */
export function powerUsdPerHour(gpu: GpuOffer, terms: OwnershipTerms): number {
  return gpu.kilowatts * terms.pue * terms.energyUsdPerKwh;
}

/** Dollars an hour of an owned GPU that works the share `utilization` [0, 1] of its time. */
export function ownedUsdPerHour(gpu: GpuOffer, terms: OwnershipTerms, utilization: number): number {
  return fixedUsdPerHour(gpu, terms) + (idleDraw + (1 - idleDraw) * utilization) * powerUsdPerHour(gpu, terms);
}

/** Dollars for a useful hour of an owned GPU that works the share `utilization` (0, 1] of its time. */
export function ownedUsdPerUsefulHour(gpu: GpuOffer, terms: OwnershipTerms, utilization: number): number {
  return ownedUsdPerHour(gpu, terms, utilization) / utilization;
}

/** Cloud costs that come on top of the hours, in dollars for a useful hour. */
export interface CloudExtras {
  readonly egressUsd: number;
  readonly storageUsd: number;
  readonly controlUsd: number;
}

/** Nothing on top: the GPU-hours alone. */
export const noExtras: CloudExtras = { egressUsd: 0, storageUsd: 0, controlUsd: 0 };

/** Dollars for a useful cloud hour; `phi` is billed over useful GPU-hours. */
export function cloudUsdPerUsefulHour(pricePerHourUsd: number, phi: number, extras: CloudExtras): number {
  return pricePerHourUsd * phi + extras.egressUsd + extras.storageUsd + extras.controlUsd;
}

/** The utilization above which owning is cheaper than a useful cloud hour at this price; undefined: never. */
export function breakEvenUtilization(gpu: GpuOffer, terms: OwnershipTerms, cloudUsd: number): number | undefined {
  const power = powerUsdPerHour(gpu, terms);
  const gain = cloudUsd - (1 - idleDraw) * power;
  const share = (fixedUsdPerHour(gpu, terms) + idleDraw * power) / gain;
  return gain > 0 && share <= 1 ? share : undefined;
}
