import { ReelayError } from '#core/errors.ts';
import { createFamily } from '#gpu-container/engine/families/create-family.ts';
import { drawnFrames, type Family } from '#gpu-container/engine/families/family.ts';
import { createReelayMini } from '#gpu-container/engine/families/reelay-mini.ts';
import { createScheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { shiftOfSchedule } from '#gpu-container/runtime/schedule-offers.ts';

/**
 * The family of a verified bundle, with its sizes. `bundle_invalid` where its files contradict each other, its card offers what
 * its components cannot make, or its scheduler is not known: found at load, not in the first job.
 */
export function openFamily(bundle: Bundle): Family {
  try {
    const family = familyOf(bundle);
    checkCard(bundle, family);
    return family;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ReelayError('bundle_invalid', `${bundle.name}: ${cause.message}`, { cause });
  }
}

function familyOf({ manifest, modelIndex, configs, scheduler, graphs, inputs }: Bundle): Family {
  const { family, latents, components, defaults, limits } = manifest;
  const source = {
    ...{ modelIndex, configs, scheduler },
    components: new Set(Object.keys(graphs).map(name => name.split('.')[0]!)),
    textWidth: components.text_encoder.width,
    maxTokens: components.text_encoder.maxTokens,
  };
  if (family !== 'reelay-mini') return createFamily(family, source);
  const [width, height] = sizeOf(defaults.size);
  const perFrame = inputs.transformer?.timestep?.length === 2;
  return createReelayMini({ ...source, perFrame }, latents!, { frames: limits.frames.max, height, width });
}

function checkCard(bundle: Bundle, family: Family): void {
  const { manifest, scheduler } = bundle;
  checkLengths(bundle, family);
  const { tasks, limits, defaults } = manifest;
  const more = tasks.filter(task => !family.tasks.includes(task));
  if (more.length > 0) {
    const why = more.flatMap(task => family.lacking?.[task] ?? []).map(sentence => ` ${sentence}`);
    const made = family.tasks.join(', ');
    throw new RangeError(`bundle.json: tasks: ${more.join(', ')}; its components make ${made}.${why.join('')}`);
  }
  for (const size of limits.sizes)
    if (sizeOf(size).some(side => side % family.pixelMultiple !== 0))
      throw new RangeError(
        `bundle.json: limits.sizes: ${size}; both sides are multiples of ${family.pixelMultiple} here.`,
      );
  const [width, height] = sizeOf(defaults.size);
  const clip = { frames: drawnFrames(family.frameRule, defaults.frames), height, width, fps: defaults.fps };
  for (const steps of new Set([defaults.steps, limits.steps.min, limits.steps.max]))
    try {
      const { guidance } = defaults;
      createScheduler(scheduler, family.scheduleOptions({ ...clip, task: tasks[0]!, steps, guidance }));
    } catch (cause) {
      throw new RangeError(`with ${steps} steps: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  if (defaults.flow_shift !== undefined && shiftOfSchedule(scheduler) === undefined)
    throw new RangeError(
      `bundle.json: defaults.flow_shift: got ${defaults.flow_shift}; this scheduler has no shift to change.`,
    );
}

/** A denoiser, or a clip's encoder, that has its length built in draws that one: the shortest and the longest on offer are cut from it. */
function checkLengths({ manifest, inputs }: Bundle, family: Family): void {
  const { limits, defaults, tasks, components } = manifest;
  const [width, height] = sizeOf(defaults.size);
  const drawn = [limits.frames.min, limits.frames.max].map(frames => drawnFrames(family.frameRule, frames));
  const shapes = drawn.map(frames => family.sampleDims({ frames, height, width }, tasks[0]!));
  const { first, step } = family.frameRule;
  const longer = family.sampleDims({ frames: first + step, height, width }, tasks[0]!);
  const shorter = family.sampleDims({ frames: first, height, width }, tasks[0]!);
  const axis = longer.findIndex((dim, i) => dim !== shorter[i]);
  const check = (input: string, built: number | string | undefined, wanted: readonly (number | undefined)[]) => {
    const odd = typeof built === 'number' ? wanted.find(dim => dim !== built) : undefined;
    if (odd === undefined) return;
    const { min, max } = limits.frames;
    throw new RangeError(
      `bundle.json: limits.frames: ${min} to ${max}; ${input} has ${built} built in, and ${odd} would be fed.`,
    );
  };
  for (const name of ['transformer', 'transformer_2', 'unet']) {
    const dims = inputs[name]?.hidden_states ?? inputs[name]?.sample;
    if (axis >= 0 && dims?.length === longer.length)
      check(
        name,
        dims[axis],
        shapes.map(shape => shape[axis]),
      );
  }
  if (family.name === 'reelay-mini' && components.vae_encoder !== undefined)
    check('vae_encoder', inputs.vae_encoder?.sample?.[2], drawn);
}

const sizeOf = (size: string) => size.split('x').map(Number) as [width: number, height: number];
