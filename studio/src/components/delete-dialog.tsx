import { useEffect, useRef } from 'preact/hooks';
import type { Video } from '../api.ts';
import { report } from '../connection.ts';
import { remove } from '../videos.ts';

/** Asks once. The dialog element brings the focus trap, Escape and the focus back to the button. */
export function DeleteDialog({ video, onClose }: { video: Video; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);

  const confirm = () => {
    dialog.current?.close();
    // The button that opened this goes with the video, so the focus goes to what takes its place.
    remove(video.id).then(() => document.getElementById('stage')?.focus(), report);
  };

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="delete-title" aria-describedby="delete-text">
      <h2 id="delete-title">Delete this video?</h2>
      <p id="delete-text">“{video.prompt}” will be removed from the server. This cannot be undone.</p>
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
