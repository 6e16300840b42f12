import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { acceptDrops } from '../accept-drops.ts';
import type { VideoModel } from '../api.ts';
import { type FileKind, kindsTaken, kindsText, MAX_FILE_BYTES, needsFile } from '../check-draft.ts';
import { chosenFile, hasStrength, problems, settle } from '../form.ts';
import { takeFile } from '../start-file.ts';
import { FilePreview } from './file-preview.tsx';
import { StrengthField } from './strength-field.tsx';

const TYPES: Readonly<Record<FileKind, readonly string[]>> = {
  image: ['image/png', 'image/jpeg', 'image/webp'],
  video: ['video/mp4', 'video/quicktime', 'video/webm'],
};
const NAMES: Readonly<Record<FileKind, string>> = { image: 'PNG, JPEG or WebP', video: 'MP4, MOV or WebM' };

const NAME = 'input_reference';

/** What to start from: chosen, or dropped anywhere on the page. Nothing where the model makes videos from words only. */
export function FileField({ card }: { card: VideoModel }) {
  const kinds = kindsTaken(card);
  return kinds.length === 0 ? null : <TakesFile card={card} kinds={kinds} />;
}

function TakesFile({ card, kinds }: { card: VideoModel; kinds: readonly FileKind[] }) {
  const over = useSignal(false);
  useEffect(() => {
    const stop = new AbortController();
    acceptDrops(
      isOver => {
        over.value = isOver;
      },
      choose,
      stop.signal,
    );
    return () => stop.abort();
  }, []);

  const problem = problems.value[NAME];
  const start = chosenFile.value;
  return (
    <div class="start">
      <div class="field">
        <label class="label" for={NAME}>
          Start from {kindsText(kinds)} ({needsFile(card) ? 'required' : 'optional'})
        </label>
        <div class="drop" data-over={over.value} data-full={start !== undefined} data-invalid={problem !== undefined}>
          <input
            id={NAME}
            type="file"
            accept={kinds.flatMap(kind => TYPES[kind]).join()}
            aria-invalid={problem !== undefined}
            aria-describedby={`${NAME}-problem ${NAME}-file ${NAME}-hint`}
            onChange={event => {
              choose(event.currentTarget.files?.[0]);
              event.currentTarget.value = ''; // so that the same file can be chosen again
            }}
          />
          <div id={`${NAME}-file`} class="picked" role="status">
            {start === undefined ? null : <FilePreview key={start.url} start={start} />}
          </div>
          {start === undefined ? (
            <p aria-hidden="true">
              Drop it here, or <span class="as-link">choose a file</span>
            </p>
          ) : (
            <button type="button" class="quiet" onClick={remove}>
              Remove
            </button>
          )}
        </div>
        <p id={`${NAME}-problem`} class="problem">
          {problem}
        </p>
        <p id={`${NAME}-hint`} class="hint">
          {problem === undefined && start === undefined && hintOf(kinds)}
        </p>
      </div>
      {hasStrength.value && <StrengthField />}
    </div>
  );
}

function hintOf(kinds: readonly FileKind[]): string {
  return `${kinds.map(kind => NAMES[kind]).join(', ')}, up to ${MAX_FILE_BYTES / 1e6} MB.`;
}

function choose(file: File | undefined): void {
  if (file === undefined) return;
  takeFile(file);
  settle(NAME);
  settle('strength');
}

function remove(): void {
  takeFile(undefined);
  settle(NAME);
  document.getElementById(NAME)?.focus();
}
