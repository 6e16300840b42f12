import { generate, problems, prompt, sending, settle } from '../draft.ts';
import { Examples } from './examples.tsx';
import { Settings } from './settings.tsx';

const onApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The form: a prompt, its settings, and the button. */
export function Composer() {
  const { prompt: problem, form } = problems.value;
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
            placeholder="A shape, its color, how it moves, and what is behind it"
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
      <Examples />
    </section>
  );
}
