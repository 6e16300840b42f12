import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { acceptDrops } from '../accept-drops.ts';
import { MAX_FILE_BYTES } from '../check-draft.ts';
import { type Asked, askAbout, asked, phase, trouble, verdict } from '../verify.ts';
import { bytesText } from '../wording.ts';
import { VerdictCard } from './verdict-card.tsx';

const TYPES = 'video/mp4,video/quicktime,video/webm,image/png,image/jpeg,image/webp';

/** Where a file comes from: a place to drop it, and what is known of it. */
export function VerifyView({ hidden }: { hidden: boolean }) {
  const over = useSignal(false);
  useEffect(() => {
    const stop = new AbortController();
    acceptDrops(
      isOver => {
        over.value = isOver;
      },
      file => void askAbout(file),
      stop.signal,
    );
    return () => stop.abort();
  }, []);
  const file = asked.value;
  return (
    <main class="verify" hidden={hidden}>
      <section aria-labelledby="verify-title">
        <h1 id="verify-title">Was this made here?</h1>
        <p class="lead">
          A video, or a screenshot of one: its signature, its watermark and the records of this installation say whether
          it was made here, and whether it was changed.
        </p>
        <div class="drop" data-over={over.value} data-full={file !== undefined}>
          <input
            id="verify-file"
            type="file"
            accept={TYPES}
            aria-label="File to verify"
            aria-describedby="verify-hint"
            onChange={event => {
              void askAbout(event.currentTarget.files?.[0]);
              event.currentTarget.value = '';
            }}
          />
          {file === undefined ? (
            <p aria-hidden="true">
              Drop a file here, or <span class="as-link">choose one</span>
            </p>
          ) : (
            <Chosen key={file.url} chosen={file} />
          )}
        </div>
        <p id="verify-hint" class="hint">
          MP4, MOV, WebM, PNG, JPEG or WebP, up to {MAX_FILE_BYTES / 1e6} MB. The file is looked at and not kept.
        </p>
        <p class="hint">What is not found proves nothing: a file without marks may still be made by AI.</p>
      </section>
      <section class="answer" aria-label="Answer" aria-live="polite" aria-busy={phase.value !== 'idle'}>
        {trouble.value !== '' && <p class="problem">{trouble.value}</p>}
        {phase.value === 'looking' && <p class="looking">Reading the file</p>}
        {verdict.value !== undefined && <VerdictCard verdict={verdict.value} />}
        {file === undefined && trouble.value === '' && <p class="nothing">The answer will stand here.</p>}
      </section>
    </main>
  );
}

/** The chosen file, as far as the browser can show it. */
function Chosen({ chosen: { file, url } }: { chosen: Asked }) {
  const unseen = useSignal(false);
  const fail = () => {
    unseen.value = true;
  };
  return (
    <div class="picked">
      {unseen.value ? null : file.type.startsWith('image/') ? (
        <img class="preview" src={url} alt="" onError={fail} />
      ) : (
        <video class="preview" src={url} muted playsInline preload="metadata" onError={fail} />
      )}
      <p class="facts-of-file">
        <span class="name">{file.name}</span>
        <span class="hint">{bytesText(file.size)}</span>
        <span class="hint" aria-hidden="true">
          <span class="as-link">Choose another</span>
        </span>
      </p>
    </div>
  );
}
