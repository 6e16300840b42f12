import { problems, prompt } from '../draft.ts';

const EXAMPLES = [
  { text: 'a red circle bouncing over a dark blue background', ground: '#101c5c', ink: '#de2c30', shape: 'circle' },
  { text: 'a yellow star spinning over black', ground: '#101014', ink: '#fadc34', shape: 'star' },
  { text: 'a pink heart growing on a white background', ground: '#f0f0f0', ink: '#f680c4', shape: 'heart' },
  { text: 'a green ring orbiting on a gray background', ground: '#7c8088', ink: '#2eb854', shape: 'ring' },
] as const;

/** Prompts to start from; a click writes one into the box. */
export function Examples() {
  return (
    <div class="examples">
      <p class="hint" id="examples">
        Or start from one of these
      </p>
      <ul aria-labelledby="examples">
        {EXAMPLES.map(({ text, ground, ink, shape }) => (
          <li key={text}>
            <button type="button" class="example" onClick={() => choose(text)}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <rect width="24" height="24" rx="5" fill={ground} />
                {SHAPES[shape](ink)}
              </svg>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

const SHAPES = {
  circle: (ink: string) => <circle cx="12" cy="10" r="5.5" fill={ink} />,
  ring: (ink: string) => <circle cx="13.5" cy="12" r="6" fill="none" stroke={ink} strokeWidth="3" />,
  star: (ink: string) => <path fill={ink} d="m12 4 2.4 5.2 5.6.6-4.2 3.8 1.2 5.6-5-2.9-5 2.9 1.2-5.6L4 9.8l5.6-.6z" />,
  heart: (ink: string) => <path fill={ink} d="M12 19c-10-7-7-12-4-12q3 0 4 2.5 1-2.5 4-2.5c3 0 6 5-4 12z" />,
};

function choose(text: string): void {
  prompt.value = text;
  problems.value = {};
  document.getElementById('prompt')?.focus();
}
