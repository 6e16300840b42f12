/**
 * What a request costs before it is made, and what an ended job costs. Rounding is one rule: the exact product is rounded up to the next
 * micro-dollar, once a job, never a second or a frame. What is held is the most that will be charged.
 */
import type { Job } from '../job.ts';
import type { VideoRequest } from '../video-request.ts';
import { accountLimits } from './account-limits.ts';
import type { Micros } from './budget.ts';
import { formatDollars, mulDivUp } from './micros.ts';
import { type PriceList, priceOf, rateOf } from './price-list.ts';
import { type Refusal, refusal } from './refusal.ts';

/** The terms that a job is accepted under; they go with its hold. */
export interface Quote {
  readonly unit: 'output_second' | 'gpu_second';
  /** Micro-dollars a second of that unit. */
  readonly rate: Micros;
  /** What it will probably cost. */
  readonly estimated: Micros;
  /** What is held, and the most that it will cost. */
  readonly held: Micros;
  readonly priceVersion: string;
  readonly priceDigest: string;
}

/** What a quote reads of a request. */
export type QuotedRequest = Pick<VideoRequest, 'model' | 'size' | 'num_frames' | 'fps'>;

/**
 * The quote of a request. Output seconds are num_frames / fps, exactly. GPU seconds are `gpuMsEstimate`, held with
 * accountLimits.gpuSecondsMargin; without an estimate nothing sold by GPU time can be held, so it is refused.
 */
export function quote(list: PriceList, request: QuotedRequest, gpuMsEstimate?: number): Quote | Refusal {
  const price = priceOf(list, request.model);
  const rate = price?.unit === 'output_second' ? rateOf(price, request.size) : price?.rate;
  const { model, size } = request;
  if (price === undefined || rate === undefined)
    return refusal(
      'unsupported_operation',
      `size: ${model} at ${size} has no price on this server, so it cannot be made.`,
      'size',
    );
  const named = { rate, priceVersion: list.version, priceDigest: list.digest };
  const most = accountLimits.maxJobMicros;
  if (price.unit === 'output_second') {
    const cost = mulDivUp(request.num_frames, rate, request.fps, most);
    return { ...named, unit: 'output_second', estimated: cost, held: cost };
  }
  if (gpuMsEstimate === undefined && rate > 0)
    return refusal(
      'unsupported_operation',
      `model: ${model} is sold by GPU time and has never run here, so no price can be told.`,
      'model',
    );
  const heldMs = Math.ceil((gpuMsEstimate ?? 0) * accountLimits.gpuSecondsMargin);
  const estimated = mulDivUp(Math.ceil(gpuMsEstimate ?? 0), rate, 1000, most);
  const held = mulDivUp(heldMs, rate, 1000, most);
  return { ...named, unit: 'gpu_second', estimated, held };
}

/** Whether a quote came back as a refusal. */
export function isRefusal(value: object): value is Refusal {
  return 'code' in value && 'message' in value;
}

/** The refusal of a job that may cost more than its sender allows; undefined where it may not, or nothing was said. */
export function checkMaxCost(
  cost: Pick<Quote, 'held' | 'estimated'>,
  maxCost: Micros | undefined,
): Refusal | undefined {
  if (maxCost === undefined || cost.held <= maxCost) return undefined;
  const probably = cost.estimated < cost.held ? ` (${formatDollars(cost.estimated)} probably)` : '';
  const message = `max_cost: this job may cost up to ${formatDollars(cost.held)} USD${probably}; ${formatDollars(maxCost)} is allowed.`;
  return refusal('max_cost_exceeded', message, 'max_cost');
}

/** How a job ended, as far as its price is concerned. */
export interface Closing {
  /** `abandoned`: no job was made of the hold. */
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'abandoned';
  /** GPU time of its last attempt; those before it are ours to bear. */
  readonly gpuMs: number;
}

/** What an ended job costs: nothing unless it was completed, and never more than was held. */
export function finalMicros(terms: Pick<Quote, 'unit' | 'rate' | 'held'>, closing: Closing): Micros {
  if (closing.outcome !== 'completed') return 0;
  return terms.unit === 'gpu_second' ? mulDivUp(Math.ceil(closing.gpuMs), terms.rate, 1000, terms.held) : terms.held;
}

/** The closing of a job that is over; undefined of one that is not. */
export function closingOf(job: Pick<Job, 'status' | 'placements' | 'completedAtMs'>): Closing | undefined {
  const { status, placements, completedAtMs } = job;
  if (status !== 'completed' && status !== 'failed' && status !== 'cancelled') return undefined;
  const startedAtMs = placements.at(-1)?.startedAtMs ?? completedAtMs ?? 0;
  return { outcome: status, gpuMs: Math.max(0, (completedAtMs ?? startedAtMs) - startedAtMs) };
}
