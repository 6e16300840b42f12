import { contentUrl, type Video } from '../api.ts';
import { lessMotion } from '../less-motion.ts';
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
        onClick={() => show(video.id)}
      >
        <span class="thumb" data-state={video.state}>
          {done ? (
            <img src={contentUrl(video.id, 'thumbnail')} alt="" loading="lazy" />
          ) : (
            <span>{isActive(video) ? `${video.progress}%` : video.state === 'failed' ? 'Failed' : 'Cancelled'}</span>
          )}
        </span>
        <span class="caption">{video.prompt}</span>
        <span class="hint">{done ? `${secondsText(video.seconds)}, ${whenMade(video)}` : stateText(video)}</span>
      </button>
    </li>
  );
}

function show(id: string): void {
  selectedId.value = id;
  const stage = document.getElementById('stage');
  stage?.focus({ preventScroll: true });
  stage?.scrollIntoView({ block: 'nearest', behavior: lessMotion.value ? 'auto' : 'smooth' });
}
