import type { Video } from '../api.ts';
import { isActive, loaded, selected } from '../videos.ts';
import { aspectOf } from '../wording.ts';
import { Ended } from './ended.tsx';
import { Player } from './player.tsx';
import { RunningVideo } from './running-video.tsx';

/** The one video looked at: being made, playing, or why it is not there. */
export function Stage() {
  const video = selected.value;
  return (
    <section class="stage" id="stage" aria-label="Selected video" tabIndex={-1}>
      {video === undefined ? <EmptyStage /> : <Shown key={video.id} video={video} />}
    </section>
  );
}

function Shown({ video }: { video: Video }) {
  const style = { '--aspect': aspectOf(video.size) };
  return (
    <article style={style}>
      {isActive(video) ? (
        <RunningVideo video={video} />
      ) : video.state === 'completed' ? (
        <Player video={video} />
      ) : (
        <Ended video={video} />
      )}
    </article>
  );
}

function EmptyStage() {
  return (
    <div class="screen empty">
      <p>{loaded.value ? 'Your video will play here.' : ''}</p>
    </div>
  );
}
