import { generate, sending } from '../draft.ts';
import { model, problems, prompt, settle } from '../form.ts';
import { Examples } from './examples.tsx';
import { FileField } from './file-field.tsx';
import { ModelField, Settings } from './settings.tsx';

const onApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The model that comes with Reelay knows a small world of its own; others read whatever people write. */
const OWN_WORLD = 'reelay-mini';

/** The form: a prompt, perhaps a file to start from, its settings, and the button. */
export function Composer() {
  const { prompt: problem, form } = problems.value;
  const card = model.value;
  const ownWorld = card === undefined || card.id === OWN_WORLD;
  return (
    <section class="composer" aria-label="New video">
      <form
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void generate();
        }}
        onKeyDown={event => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          event.currentTarget.requestSubmit();
        }}
      >
        <h1>
          <label for="prompt">What should the video show?</label>
        </h1>
        <div class="sheet">
          <textarea
            id="prompt"
            rows={3}
            value={prompt}
            placeholder={
              ownWorld
                ? 'One or two objects, their colors, how they move, and where'
                : 'What there is, what happens, and how it looks'
            }
            aria-invalid={problem !== undefined}
            aria-describedby="prompt-problem"
            onInput={event => {
              prompt.value = event.currentTarget.value;
              settle('prompt');
            }}
          />
          <p id="prompt-problem" class="problem">
            {problem}
          </p>
          <ModelField />
          {card !== undefined && <FileField card={card} />}
          <Settings />
          <div class="go">
            <button type="submit" class="primary" aria-disabled={sending.value}>
              {sending.value ? 'Sending' : 'Generate'}
            </button>
            <p class="hint keys">
              or <kbd>{onApple ? '⌘' : 'Ctrl'}</kbd> <kbd>Enter</kbd>
            </p>
          </div>
          <p class="problem" role="alert">
            {form}
          </p>
        </div>
      </form>
      {ownWorld && <Examples />}
    </section>
  );
}
