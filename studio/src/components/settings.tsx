import type { Sampling } from '../api.ts';
import { models } from '../connection.ts';
import * as form from '../form.ts';
import { secondsText, sizeText } from '../wording.ts';
import { Advanced } from './advanced.tsx';
import { ChoiceField } from './choice-field.tsx';
import { TextField } from './text-field.tsx';

/** What the chosen model lets one set; nothing until the server has said so. */
export function Settings() {
  const card = form.model.value;
  if (card === undefined) return null;
  const presets = Object.keys(card.presets);
  return (
    <>
      <div class="settings">
        <ChoiceField
          name="seconds"
          label="Length"
          value={form.chosenSeconds.value}
          options={form.secondsOffered.value}
          text={secondsText}
          choice={form.seconds}
        />
        <ChoiceField
          name="size"
          label="Size"
          value={form.chosenSize.value}
          options={card.sizes}
          text={sizeText}
          choice={form.size}
        />
        {presets.length > 0 && (
          <ChoiceField
            name="preset"
            label="Preset"
            value={form.chosenPreset.value}
            options={['', ...presets]}
            text={name => name || 'usual'}
            choice={form.preset}
            hint={presetText(form.usual.value)}
          />
        )}
        <TextField name="seed" label="Seed" text={form.seed} placeholder="random" />
      </div>
      <Advanced card={card} />
    </>
  );
}

/** Which of the installed models; nothing where there is only one. */
export function ModelField() {
  const card = form.model.value;
  const names = models.value.map(({ id }) => id);
  if (card === undefined || names.length < 2) return null;
  return (
    <div class="settings model">
      <ChoiceField
        name="model"
        label="Model"
        value={card.id}
        options={names}
        choice={form.modelId}
        hint={card.description}
      />
    </div>
  );
}

function presetText({ num_inference_steps: steps, guidance_scale: guidance }: Partial<Sampling>): string {
  return `${steps} ${steps === 1 ? 'step' : 'steps'}, guidance ${guidance}`;
}
