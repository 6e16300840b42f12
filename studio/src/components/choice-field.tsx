import type { Signal } from '@preact/signals';
import type { Field } from '../check-draft.ts';
import { problems } from '../draft.ts';

interface ChoiceProps {
  readonly name: Field;
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  /** How an option reads; the option itself if not given. */
  readonly text?: (option: string) => string;
  readonly choice: Signal<string>;
}

/** As many as fit side by side; beyond that a menu. */
const MOST_SEGMENTS = 4;

/** One of few: stated when there is no choice, segments for a handful, else a menu. */
export function ChoiceField(props: ChoiceProps) {
  const { name, options } = props;
  const Control = options.length < 2 ? OnlyOption : options.length > MOST_SEGMENTS ? Menu : Segments;
  return (
    <div class="field">
      <Control {...props} />
      <p id={`${name}-problem`} class="problem">
        {problems.value[name]}
      </p>
    </div>
  );
}

const asIs = (option: string) => option;

function OnlyOption({ label, value, text = asIs }: ChoiceProps) {
  return (
    <>
      <p class="label">{label}</p>
      <p class="only">{text(value)}</p>
    </>
  );
}

function Segments({ name, label, value, options, text = asIs, choice }: ChoiceProps) {
  return (
    <fieldset aria-describedby={`${name}-problem`}>
      <legend class="label">{label}</legend>
      <div class="segments">
        {options.map(option => (
          <label key={option}>
            <input
              type="radio"
              name={name}
              value={option}
              checked={option === value}
              onChange={() => {
                choice.value = option;
              }}
            />
            <span>{text(option)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Menu({ name, label, value, options, text = asIs, choice }: ChoiceProps) {
  return (
    <>
      <label class="label" for={name}>
        {label}
      </label>
      <select
        id={name}
        value={value}
        aria-describedby={`${name}-problem`}
        onChange={event => {
          choice.value = event.currentTarget.value;
        }}
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
