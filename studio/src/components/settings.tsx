import { models } from '../connection.ts';
import * as draft from '../draft.ts';
import { secondsText, sizeText } from '../wording.ts';
import { ChoiceField } from './choice-field.tsx';
import { TextField } from './text-field.tsx';

/** What the chosen model lets one set; nothing until the server has said so. */
export function Settings() {
  const card = draft.model.value;
  if (card === undefined) return null;
  const { num_inference_steps: steps, guidance_scale: guidance, defaults } = card;
  const names = models.value.map(({ id }) => id);
  return (
    <>
      <div class="settings">
        {names.length > 1 && (
          <ChoiceField name="model" label="Model" value={card.id} options={names} choice={draft.modelId} />
        )}
        <ChoiceField
          name="seconds"
          label="Length"
          value={draft.chosenSeconds.value}
          options={draft.secondsOffered.value}
          text={secondsText}
          choice={draft.seconds}
        />
        <ChoiceField
          name="size"
          label="Size"
          value={draft.chosenSize.value}
          options={card.sizes}
          text={sizeText}
          choice={draft.size}
        />
        <TextField name="seed" label="Seed" text={draft.seed} placeholder="random" />
      </div>
      <details
        class="advanced"
        open={draft.advancedOpen.value}
        onToggle={event => {
          draft.advancedOpen.value = event.currentTarget.open;
        }}
      >
        <summary>Advanced</summary>
        <div class="settings">
          <TextField
            name="num_inference_steps"
            label="Steps"
            text={draft.steps}
            placeholder={String(defaults.num_inference_steps)}
            hint={`${steps.min} to ${steps.max}. More steps take longer.`}
          />
          <TextField
            name="guidance_scale"
            label="Guidance"
            text={draft.guidance}
            placeholder={String(defaults.guidance_scale)}
            hint={`${guidance.min} to ${guidance.max}. Higher follows the prompt more closely.`}
          />
        </div>
      </details>
    </>
  );
}
