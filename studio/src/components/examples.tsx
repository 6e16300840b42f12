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
  ring: (ink: string) => <circle cx="13.5" cy="12" r="5" fill="none" stroke={ink} stroke-width="3" />,
  star: (ink: string) => (
    <path fill={ink} d="m12 4.5 2.2 4.9 5.3.6-4 3.6 1.1 5.3-4.6-2.7-4.6 2.7 1.1-5.3-4-3.6 5.3-.6z" />
  ),
  heart: (ink: string) => (
    <path
      fill={ink}
      d="M12 18.5C7 15 5 12.7 5 10.2 5 8.2 6.5 6.8 8.3 6.800c1.5 0 2.8.8 3.7 2.2.9-1.4 2.2-2.2 3.7-2.2 1.8 0 3.3 1.4 3.3 3.4 0 2.5-2 4.8-7 8.300z"
    />
  ),
};

function choose(text: string): void {
  prompt.value = text;
  problems.value = {};
  document.getElementById('prompt')?.focus();
}
