import type { Video } from '../api.ts';
import { stateText } from '../wording.ts';
import { VideoActions } from './video-actions.tsx';

/** A video that will never be there, and why. */
export function Ended({ video }: { video: Video }) {
  return (
    <>
      <div class="screen ended">
        <p>
          <strong>{stateText(video)}</strong>
          {video.state === 'failed' && <span>{video.error?.message ?? 'The server gave no reason.'}</span>}
        </p>
      </div>
      <h2 class="title">{video.prompt}</h2>
      <VideoActions video={video} />
    </>
  );
}
