import { formatDollars } from '#core/accounts/micros.ts';
import { closingOf, finalMicros, type Quote } from '#core/accounts/quote.ts';
import type { Job } from '#core/job.ts';
import type { VideoQuote } from '#core/jobs/quote-video.ts';

/**
 * What a video costs, in dollars as text: `held` is the most, set aside until it is over; `final` is what it came to, 0 unless it was
 * completed, and null before. null for a record from before there were prices.
 */
export function toUsage(job: Job) {
  const { terms } = job;
  if (terms === null) return null;
  const closing = closingOf(job);
  const final = closing === undefined ? null : formatDollars(finalMicros(terms, closing));
  const gpuSeconds = closing === undefined ? null : closing.gpuMs / 1000;
  return {
    ...usageOf(terms),
    held: closing === undefined ? formatDollars(terms.held) : '0.00',
    final,
    gpu_seconds: gpuSeconds,
  };
}

/** The answer of POST /v1/videos/quote; the reasons are errors as a create would answer them. */
export function toQuote({ terms, eta, needsReview, reasons }: VideoQuote) {
  return {
    object: 'video.quote',
    usage: terms === undefined ? null : { ...usageOf(terms), final: null, gpu_seconds: null },
    price: terms === undefined ? null : toPrice(terms),
    eta: eta === null ? null : { earliest: Math.floor(eta.earliestMs / 1000), latest: Math.ceil(eta.latestMs / 1000) },
    admitted: reasons.length === 0,
    needs_review: needsReview,
    reasons: reasons.map(({ code, message, problems, details }) => ({
      code,
      message,
      param: problems[0]?.path ?? null,
      ...details,
    })),
  };
}

function usageOf({ estimated, held }: Quote) {
  return { currency: 'USD', estimated: formatDollars(estimated), held: formatDollars(held) };
}

function toPrice({ unit, rate, priceVersion }: Quote) {
  return { unit, rate: formatDollars(rate), version: priceVersion };
}
