import { problems, settle, strength, usual } from '../form.ts';

/** The server's own, where the model names none. */
const DEFAULT_STRENGTH = 0.8;

/** How far the result goes from the video that it starts from. */
export function StrengthField() {
  const problem = problems.value.strength;
  const value = strength.value === '' ? (usual.value.strength ?? DEFAULT_STRENGTH) : Number(strength.value);
  return (
    <div class="field">
      <label class="label" for="strength">
        Strength <output>{value}</output>
      </label>
      <input
        id="strength"
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={value}
        aria-invalid={problem !== undefined}
        aria-describedby="strength-problem strength-hint"
        onInput={event => {
          strength.value = event.currentTarget.value;
          settle('strength');
        }}
      />
      <p id="strength-problem" class="problem">
        {problem}
      </p>
      <p id="strength-hint" class="hint">
        {problem === undefined && 'Lower stays close to the video, higher follows the prompt.'}
      </p>
    </div>
  );
}
