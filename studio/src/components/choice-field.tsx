import type { Signal } from '@preact/signals';
import type { Field } from '../check-draft.ts';
import { problems, settle } from '../form.ts';

interface ChoiceProps {
  readonly name: Field;
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  /** How an option reads; the option itself if not given. */
  readonly text?: (option: string) => string;
  readonly choice: Signal<string>;
  readonly hint?: string | undefined;
}

/** As many as fit side by side on a phone; beyond that a menu. */
const MOST_SEGMENTS = 4;
const MOST_SEGMENT_CHARS = 32;

/** One of few: stated when there is no choice, segments for a handful, else a menu. */
export function ChoiceField(props: ChoiceProps) {
  const { name, options, text = asIs, hint } = props;
  const problem = problems.value[name];
  const isLong = options.length > MOST_SEGMENTS || options.map(text).join('').length > MOST_SEGMENT_CHARS;
  const Control = options.length < 2 ? OnlyOption : isLong ? Menu : Segments;
  return (
    <div class="field">
      <Control {...props} />
      <p id={`${name}-problem`} class="problem">
        {problem}
      </p>
      <p id={`${name}-hint`} class="hint">
        {problem === undefined && hint}
      </p>
    </div>
  );
}

const asIs = (option: string) => option;

function choose({ name, choice }: ChoiceProps, option: string): void {
  choice.value = option;
  settle(name);
}

function OnlyOption({ label, value, text = asIs }: ChoiceProps) {
  return (
    <>
      <p class="label">{label}</p>
      <p class="only">{text(value)}</p>
    </>
  );
}

function Segments(props: ChoiceProps) {
  const { name, label, value, options, text = asIs } = props;
  return (
    <fieldset aria-describedby={`${name}-problem ${name}-hint`}>
      <legend class="label">{label}</legend>
      <div class="segments">
        {options.map(option => (
          <label key={option}>
            <input
              type="radio"
              name={name}
              value={option}
              checked={option === value}
              onChange={() => choose(props, option)}
            />
            <span>{text(option)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Menu(props: ChoiceProps) {
  const { name, label, value, options, text = asIs } = props;
  return (
    <>
      <label class="label" for={name}>
        {label}
      </label>
      <select
        id={name}
        value={value}
        aria-describedby={`${name}-problem ${name}-hint`}
        onChange={event => choose(props, event.currentTarget.value)}
      >
        {options.map(option => (
          <option key={option} value={option}>
            {text(option)}
          </option>
        ))}
      </select>
    </>
  );
}
