import type { Video } from './api.ts';

const AFTER_THE_STEPS: ReadonlySet<string> = new Set(['decoding', 'encoding_video', 'marking', 'committing']);

/** The sampler's step; all of them once it is past sampling. */
export function stepOf(video: Video): number {
  if (AFTER_THE_STEPS.has(video.stage ?? '')) return video.num_inference_steps;
  return video.stage === 'denoising' ? (video.step ?? 0) : 0;
}

const STAGES: Readonly<Record<string, string>> = {
  loading: 'Loading the model',
  encoding_prompt: 'Reading the prompt',
  decoding: 'Turning it into frames',
  encoding_video: 'Writing the video',
  marking: 'Marking the video',
  committing: 'Saving the video',
};

/** What is happening to a video, in a few plain words. */
export function stateText(video: Video): string {
  if (video.state === 'completed') return 'Done';
  if (video.state === 'failed') return 'This video could not be made';
  if (video.state === 'cancelled') return 'Cancelled';
  if (video.cancel_requested_at !== null) return 'Cancelling';
  if (video.stage === 'review') return 'Waiting until somebody has looked at it';
  if (video.state === 'queued') return waitText(video.queue_position);
  if (video.stage === 'denoising') return `Step ${stepOf(video)} of ${video.num_inference_steps}`;
  return STAGES[video.stage ?? ''] ?? 'Starting';
}

function waitText(position: number | null): string {
  if (position === null) return 'Waiting for its turn';
  return position === 1 ? 'Next in the queue' : `Waiting, number ${position} in the queue`;
}

/** "256x256" as "256 × 256". */
export function sizeText(size: string): string {
  return size.replace('x', ' × ');
}

/** Bytes in the largest unit that leaves a number before the point. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What a video started from; undefined for one that is made from words alone. */
export function startText({ task, strength }: Video): string | undefined {
  if (task === 't2v') return undefined;
  return task === 'i2v' ? 'An image' : `A video, strength ${strength}`;
}

export function secondsText(seconds: string): string {
  return `${Number(Number(seconds).toFixed(2))} s`;
}

/** From the first step to the last, without the wait before it. */
export function timeTaken(video: Video): string {
  const seconds = video.render_seconds ?? 0;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** The time for today, the date before that, in the reader's own notation. */
export function whenMade(video: Video): string {
  const date = new Date(video.created_at * 1000);
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}

/** "832x480" as width over height. */
export function aspectOf(size: string): number {
  const [width, height] = size.split('x').map(Number);
  return (width ?? 1) / (height ?? 1);
}
