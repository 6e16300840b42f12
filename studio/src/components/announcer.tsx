import { selected } from '../videos.ts';
import { stateText } from '../wording.ts';

/** Progress for those who listen: each stage, and a word at every quarter instead of at every step. */
export function Announcer() {
  return (
    <p class="unseen" role="status">
      {announcement()}
    </p>
  );
}

function announcement(): string {
  const video = selected.value;
  if (video === undefined) return '';
  if (video.state === 'failed') return `${stateText(video)}. ${video.error?.message ?? ''}`;
  if (video.state !== 'in_progress' || video.stage !== 'denoising') return stateText(video);
  return `Generating, ${Math.floor(video.progress / 25) * 25} percent`;
}
