import type { Signal } from '@preact/signals';
import type { Field } from '../check-draft.ts';
import { problems, settle } from '../form.ts';

interface TextFieldProps {
  readonly name: Field;
  readonly label: string;
  readonly text: Signal<string>;
  /** What a blank field means. */
  readonly placeholder: string;
  readonly hint?: string;
}

/** A short number, typed as text so that a wrong one can be kept, shown and explained. */
export function TextField({ name, label, text, placeholder, hint }: TextFieldProps) {
  const problem = problems.value[name];
  return (
    <div class="field">
      <label class="label" for={name}>
        {label}
      </label>
      <input
        id={name}
        type="text"
        inputMode="decimal"
        autoComplete="off"
        value={text}
        placeholder={placeholder}
        aria-invalid={problem !== undefined}
        aria-describedby={`${name}-problem ${name}-hint`}
        onInput={event => {
          text.value = event.currentTarget.value;
          settle(name);
        }}
      />
      <p id={`${name}-problem`} class="problem">
        {problem}
      </p>
      <p id={`${name}-hint`} class="hint">
        {problem === undefined && hint}
      </p>
    </div>
  );
}
