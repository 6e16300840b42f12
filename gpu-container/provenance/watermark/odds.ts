/** @file How surely what was read is a mark, and how that is said to people. */
import { CODED_BITS } from './lattice.ts';

/** Bits of the deployment's tag, and of a whole message. */
const TAG_BITS = 24;
const MESSAGE_BITS = 58;
/** A finding is told when an unmarked video reaches it by chance less often than this, all tries together. */
export const MOST_FALSE = 1e-6;

/** What was found, before anyone says what it means. */
export interface Evidence {
  /** Coded bits of 128 that agree with the best job of those compared; null where none was compared. */
  readonly agreeing: number | null;
  /** Jobs that were compared. */
  readonly jobs: number;
  /** Parts of the frame that were tried; 1 where only the whole was looked at. */
  readonly geometries: number;
  /** Whether a decoded message carried the deployment's tag. */
  readonly tagMatches: boolean;
  /** Messages that were decoded and whose tag was compared. */
  readonly decoded: number;
  /** Where one of them is the message of a job in the registry: the most jobs that it may hold, and the bits that agree with that one. */
  readonly registered?: { readonly jobs: number; readonly agreeing: number };
}

/** What the evidence says. */
export interface Verdict {
  /** A job, only that the deployment marked it, or nothing that chance does not explain. */
  readonly found: 'job' | 'deployment' | 'nothing';
  /** The chance that an unmarked video gives as much, all tries together; at most 1. */
  readonly falsePositive: number;
  /** For people. */
  readonly sentence: string;
}

/** The chance that 128 coin throws agree with a given word in `agreeing` places or more. */
export function chanceOf(agreeing: number): number {
  let [term, sum] = [2 ** -CODED_BITS, 0];
  for (let k = CODED_BITS; k >= 0 && k >= agreeing; k--) {
    sum += term;
    term *= k / (CODED_BITS - k + 1);
  }
  return Math.min(1, sum);
}

/** The fewest agreeing bits that are no chance where so many jobs and parts of the frame were tried. */
export function neededAgreement(jobs: number, geometries = 1): number {
  let agreeing = CODED_BITS;
  while (chanceOf(agreeing - 1) * jobs * geometries < MOST_FALSE) agreeing--;
  return agreeing;
}

/** What evidence says, with the odds and a sentence. Nothing found is never "not generated". */
export function judge({ agreeing, jobs, geometries, tagMatches, decoded, registered }: Evidence): Verdict {
  const byMessage = registered === undefined ? 1 : Math.min(1, decoded * registered.jobs * 2 ** -MESSAGE_BITS);
  if (registered !== undefined && byMessage < MOST_FALSE) {
    const sentence = `The watermark of a job of this installation was found: ${registered.agreeing} of ${CODED_BITS} bits agree. A video without it shows one by chance in fewer than ${oneIn(byMessage)}.`;
    return { found: 'job', falsePositive: byMessage, sentence };
  }
  const byJob = agreeing === null ? 1 : Math.min(1, chanceOf(agreeing) * jobs * geometries);
  const byTag = tagMatches ? Math.min(1, decoded * 2 ** -TAG_BITS) : 1;
  if (byJob < MOST_FALSE) {
    const looked = `${counted(jobs, 'job')} and ${counted(geometries, 'way')} to crop it`;
    const sentence = `The watermark of a job was found: ${agreeing} of ${CODED_BITS} bits agree. Over ${looked}, a video without it does so by chance in fewer than ${oneIn(byJob)}.`;
    return { found: 'job', falsePositive: byJob, sentence };
  }
  if (byTag < MOST_FALSE) {
    const sentence = `The watermark of this installation was found, but no job that belongs to it. A video without it shows it by chance in fewer than ${oneIn(byTag)}.`;
    return { found: 'deployment', falsePositive: byTag, sentence };
  }
  const sentence =
    'No watermark of this installation was found. That does not mean that the video was not generated: a watermark can be lost or removed, and other generators set none that can be read here.';
  return { found: 'nothing', falsePositive: Math.min(byJob, byTag), sentence };
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

/** Rounded so that the truth is on the safe side: "1 of 2,300,000", two digits, a power of ten beyond a billion. */
function oneIn(chance: number): string {
  const inverse = 1 / chance;
  const exponent = Math.floor(Math.log10(inverse));
  if (exponent > 9) return `1 of 10^${exponent}`;
  const unit = 10 ** (exponent - 1);
  return `1 of ${(Math.floor(inverse / unit) * unit).toLocaleString('en-US')}`;
}
