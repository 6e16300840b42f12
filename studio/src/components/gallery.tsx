import { report } from '../connection.ts';
import { hasMore, loaded, loadMore, videos } from '../videos.ts';
import { GalleryTile } from './gallery-tile.tsx';

/** Every video the server keeps, newest first, a page at a time. */
export function Gallery() {
  if (videos.value.length === 0) return loaded.value ? <p class="hint none">Videos you make are kept here.</p> : null;
  return (
    <section class="gallery" aria-labelledby="gallery-title">
      <h2 id="gallery-title">Your videos</h2>
      <ul>
        {videos.value.map(video => (
          <GalleryTile key={video.id} video={video} />
        ))}
      </ul>
      {hasMore.value && (
        <button type="button" class="quiet more" onClick={() => loadMore().catch(report)}>
          Load more
        </button>
      )}
    </section>
  );
}
