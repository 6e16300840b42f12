import type { VideoModel } from '../api.ts';
import * as form from '../form.ts';
import { TextField } from './text-field.tsx';

/** The sampler's numbers, folded away; blank ones are the model's own. */
export function Advanced({ card }: { card: VideoModel }) {
  const { num_inference_steps: steps, guidance_scale: guidance } = card;
  const usual = form.usual.value;
  return (
    <details
      class="advanced"
      open={form.advancedOpen.value}
      onToggle={event => {
        form.advancedOpen.value = event.currentTarget.open;
      }}
    >
      <summary>Advanced</summary>
      <div class="settings">
        <TextField
          name="num_inference_steps"
          label="Steps"
          text={form.steps}
          placeholder={String(usual.num_inference_steps)}
          hint={`${steps.min} to ${steps.max}. More steps take longer.`}
        />
        <TextField
          name="guidance_scale"
          label="Guidance"
          text={form.guidance}
          placeholder={String(usual.guidance_scale)}
          hint={`${guidance.min} to ${guidance.max}. Higher follows the prompt more closely.`}
        />
        {card.has_two_experts && (
          <TextField
            name="guidance_scale_2"
            label="Guidance, second network"
            text={form.guidance2}
            placeholder={form.guidance.value.trim() || String(usual.guidance_scale)}
            hint="For the last steps, which draw the detail."
          />
        )}
        {usual.flow_shift !== undefined && (
          <TextField
            name="flow_shift"
            label="Flow shift"
            text={form.flowShift}
            placeholder={String(usual.flow_shift)}
            hint="Higher spends more steps on the large shapes."
          />
        )}
      </div>
    </details>
  );
}
