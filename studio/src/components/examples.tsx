import { prompt, settle } from '../form.ts';

/** Texts with their pictures in public/examples.svg. */
const EXAMPLES = [
  ['a red ball bouncing over the sea', 'ball'],
  ['a yellow star spinning in the city', 'star'],
  ['a white balloon rising over a meadow', 'balloon'],
  ['a pink heart growing next to a green ring in the desert', 'heart'],
] as const;

/** Prompts to start from; a click writes one into the box. */
export function Examples() {
  return (
    <div class="examples">
      <p class="hint" id="examples">
        Or start from one of these
      </p>
      <ul aria-labelledby="examples">
        {EXAMPLES.map(([text, picture]) => (
          <li key={text}>
            <button type="button" class="example" onClick={() => choose(text)}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <use href={`/examples.svg#${picture}`} />
              </svg>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function choose(text: string): void {
  prompt.value = text;
  settle('prompt');
  document.getElementById('prompt')?.focus();
}
