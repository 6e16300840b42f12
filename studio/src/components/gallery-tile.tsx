import { contentUrl, type Video } from '../api.ts';
import { show } from '../show.ts';
import { isActive, selectedId } from '../videos.ts';
import { secondsText, stateText, whenMade } from '../wording.ts';

/** One earlier video; a click puts it on the stage and plays it. */
export function GalleryTile({ video }: { video: Video }) {
  const done = video.state === 'completed';
  return (
    <li>
      <button
        type="button"
        class="tile"
        aria-current={video.id === selectedId.value}
        aria-label={`${done ? 'Play' : stateText(video)}: ${video.prompt}`}
        onClick={() => {
          show(video.id);
          document.getElementById('stage')?.focus({ preventScroll: true });
        }}
      >
        <span class="thumb" data-state={video.state}>
          {done ? (
            <img src={contentUrl(video.id, 'thumbnail')} alt="" loading="lazy" />
          ) : (
            <span>{tileText(video)}</span>
          )}
        </span>
        <span class="caption">{video.prompt}</span>
        <span class="hint">
          {isActive(video) ? stateText(video) : `${secondsText(video.seconds)}, ${whenMade(video)}`}
        </span>
      </button>
    </li>
  );
}

function tileText({ state, progress }: Video): string {
  if (state === 'failed') return 'Failed';
  if (state === 'cancelled') return 'Cancelled';
  return state === 'in_progress' ? `${progress}%` : '';
}
