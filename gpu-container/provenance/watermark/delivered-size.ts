/** @file At which size a clip is delivered so that its mark holds, and what is stated where it holds less. */
import { checkFrameSize, type FrameSize } from './i420.ts';

/** How much a mark of a size withstands, as measured (docs/watermark.md). */
export type MarkStrength = 'full' | 'reduced' | 'weak';

/** How a clip is delivered. */
export interface Delivery extends FrameSize {
  /** The native size times this, before the mark is set; whole, so that pixels stay in their places. */
  readonly factor: number;
  readonly watermark: MarkStrength;
  /** For the model's card and the detector's answer. */
  readonly statement: string;
}

/** Below this no recompression that the web is used to leaves the mark readable. */
const LEAST_SIDE = 256;
/** From this long side on all figures of the mark hold. */
const FULL_SIDE = 512;

// biome-ignore format: one statement a line
const STATEMENTS: Readonly<Record<MarkStrength, string>> = {
  full: 'The watermark is made to withstand recompression, half the size, single frames, shorter cuts, gray and crops to 75 % of each side.',
  reduced: 'The watermark is made to withstand usual recompression (x264 crf 28) at this size; half the size, or harder compression, can remove it.',
  weak: 'watermark: "weak". At this size usual recompression removes the watermark; the signed metadata still binds to the unchanged file.',
};

/**
 * The size at which a clip of a native size is delivered. A short side below 256 is enlarged by the least whole factor that brings the
 * short side to 256 and the long side to 512, unless the native size is demanded. RangeError for what can carry no mark.
 */
export function deliveredSize(native: FrameSize, options: { nativeDemanded?: boolean } = {}): Delivery {
  checkFrameSize(native);
  const [short, long] = [Math.min(native.width, native.height), Math.max(native.width, native.height)];
  const isSmall = short < LEAST_SIDE && options.nativeDemanded !== true;
  const factor = isSmall ? Math.max(Math.ceil(LEAST_SIDE / short), Math.ceil(FULL_SIDE / long)) : 1;
  const size = { width: native.width * factor, height: native.height * factor };
  checkFrameSize(size);
  const watermark = strengthOf(short * factor, long * factor);
  return { ...size, factor, watermark, statement: STATEMENTS[watermark] };
}

function strengthOf(short: number, long: number): MarkStrength {
  if (short < LEAST_SIDE) return 'weak';
  return long >= FULL_SIDE ? 'full' : 'reduced';
}
