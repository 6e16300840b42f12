import type { Video } from '../api.ts';

/** What of its prompt a video leaves out, a sentence each; nothing where that is nothing. */
export function Warnings({ video }: { video: Video }) {
  if (video.warnings.length === 0) return null;
  return (
    <ul class="warnings hint">
      {video.warnings.map(({ code, message }) => (
        <li key={code}>{message}</li>
      ))}
    </ul>
  );
}
