import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ApiError, type Video } from '../api.ts';
import { report } from '../connection.ts';
import { remove } from '../videos.ts';

/** Asks once. The dialog element brings the focus trap, Escape and the focus back to the button. */
export function DeleteDialog({ video, onClose }: { video: Video; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const problem = useSignal('');
  useEffect(() => dialog.current?.showModal(), []);

  const confirm = async () => {
    try {
      await remove(video.id);
      // Its button went with it: the focus goes to what took its place.
      document.getElementById('stage')?.focus();
    } catch (error) {
      problem.value = error instanceof ApiError ? error.message : 'It could not be deleted.';
      report(error);
    }
  };

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="delete-title" aria-describedby="delete-text">
      <h2 id="delete-title">Delete this video?</h2>
      <p id="delete-text">“{video.prompt}” will be removed from the server. This cannot be undone.</p>
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="actions">
        <button type="button" class="button danger" onClick={confirm}>
          Delete
        </button>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          Keep it
        </button>
      </div>
    </dialog>
  );
}
