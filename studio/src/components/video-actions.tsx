import { useSignal } from '@preact/signals';
import { contentUrl, type Video } from '../api.ts';
import { again } from '../draft.ts';
import { reuse } from '../form.ts';
import { DeleteDialog } from './delete-dialog.tsx';

/** What can be done with a video that has ended. */
export function VideoActions({ video }: { video: Video }) {
  const asking = useSignal(false);
  return (
    <div class="actions">
      {video.state === 'completed' ? (
        <>
          <a class="button" href={contentUrl(video.id, 'video')} download={`${video.id}.mp4`}>
            Download
          </a>
          <button type="button" class="quiet" onClick={() => edit(video)}>
            Edit prompt
          </button>
        </>
      ) : (
        <button type="button" class="button" onClick={() => void again(video)}>
          Try again
        </button>
      )}
      <button
        type="button"
        class="quiet danger"
        onClick={() => {
          asking.value = true;
        }}
      >
        Delete
      </button>
      {asking.value && (
        <DeleteDialog
          video={video}
          onClose={() => {
            asking.value = false;
          }}
        />
      )}
    </div>
  );
}

function edit(video: Video): void {
  reuse(video);
  document.getElementById('prompt')?.focus();
}
