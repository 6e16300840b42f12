import type { Video } from '../api.ts';
import { report } from '../connection.ts';
import { cancel } from '../videos.ts';
import { stateText, stepOf } from '../wording.ts';
import { Grain } from './grain.tsx';

/** A video being made: grain that clears as it is denoised, a strip with one cell a step, and a way out. */
export function RunningVideo({ video }: { video: Video }) {
  const cancelling = video.cancel_requested_at !== null;
  const text = stateText(video);
  return (
    <>
      <div class="screen" aria-hidden="true">
        <Grain progress={video.progress} moving={video.state === 'in_progress'} />
      </div>
      <div class="running">
        <p class="state">
          <strong>{text}</strong>
          <span>{video.progress}%</span>
        </p>
        <StepStrip video={video} text={text} />
        <p class="title">{video.prompt}</p>
        <button type="button" class="quiet" aria-disabled={cancelling} onClick={() => cancel(video.id).catch(report)}>
          Cancel
        </button>
      </div>
    </>
  );
}

/** More cells than this would be hairlines. */
const MOST_CELLS = 50;

function StepStrip({ video, text }: { video: Video; text: string }) {
  const cells = Math.min(MOST_CELLS, video.num_inference_steps);
  const filled = Math.floor((stepOf(video) / video.num_inference_steps) * cells);
  return (
    <div
      class="strip"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={video.progress}
      aria-valuetext={`${text}, ${video.progress}%`}
    >
      {Array.from({ length: cells }, (_, i) => (
        <span
          key={i}
          data-step={i < filled ? 'done' : i === filled && video.state === 'in_progress' ? 'now' : 'next'}
        />
      ))}
    </div>
  );
}
