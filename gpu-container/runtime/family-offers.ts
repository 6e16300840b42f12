/**
 * @file What a bundle offers when it says nothing itself: the sizes, frames and steps that each family's makers name, read off the
 * diffusers pipelines (0.42) and model cards.
 */
import type { Task } from '#core/models.ts';
import type { FamilyName } from './bundle-families.ts';
import type { BundleManifest } from './manifest-schema.ts';
import { shiftOfSchedule, stepsOfSchedule } from './schedule-offers.ts';

/** The configs of a folder that an offer depends on; {} where there is none. */
export interface FolderConfigs {
  readonly modelIndex: Readonly<Record<string, unknown>>;
  readonly scheduler: Readonly<Record<string, unknown>>;
  readonly hasVaeEncoder: boolean;
}

/** What is derived of a pipeline. */
export interface FamilyOffer {
  readonly tasks: readonly Task[];
  readonly maxTokens: number;
  /** How long clips relate to their latents: frames = (latent frames - 1) * frameStep + 1, or one each where it is 1. */
  readonly frameStep: number;
  /** Pixels of a latent's cell; undefined where latents are packed and do not show their size. */
  readonly cell: number | undefined;
  readonly sizes: readonly string[];
  readonly frames: { readonly default: number; readonly min: number; readonly max: number; readonly step: number };
  readonly fps: { readonly default: number; readonly min: number; readonly max: number };
  /** By default; the scheduler may take fewer. */
  readonly steps: number;
  readonly guidance: number;
}

/** A family that has diffusers pipelines; reelay-mini has a bundle.json always. */
export type DerivedFamily = Exclude<FamilyName, 'reelay-mini'>;

/** What a pipeline of this family offers by default. */
export function familyOffer(family: DerivedFamily, configs: FolderConfigs): FamilyOffer {
  return OFFERS[family](configs);
}

const OFFERS: Readonly<Record<DerivedFamily, (configs: FolderConfigs) => FamilyOffer>> = {
  wan: configs => {
    const big = configs.modelIndex.expand_timesteps === true; // Wan 2.2 TI2V-5B, whose VAE shrinks by 16
    return {
      tasks: wanTasks(configs),
      maxTokens: 512,
      frameStep: 4,
      cell: big ? 16 : 8,
      sizes: big ? ['1280x704', '704x1280'] : ['832x480', '480x832'],
      frames: { default: big ? 121 : 81, min: 5, max: big ? 121 : 81, step: 1 },
      fps: { default: big ? 24 : 16, min: 8, max: 30 },
      steps: 50,
      guidance: 5,
    };
  },
  animatediff: configs => {
    const few = configs.scheduler._class_name === 'LCMScheduler';
    return {
      tasks: withEncoder(['t2v'], ['v2v'], configs),
      maxTokens: 77,
      frameStep: 1,
      cell: 8,
      sizes: ['512x512'],
      frames: { default: 16, min: 8, max: 16, step: 1 }, // the motion module was trained on 16
      fps: { default: 8, min: 4, max: 16 },
      steps: few ? 8 : 25,
      guidance: few ? 1.5 : 7.5,
    };
  },
  ltx: configs => ({
    tasks: withEncoder(['t2v'], ['i2v'], configs),
    maxTokens: 128,
    frameStep: 8,
    cell: undefined,
    sizes: ['704x512', '512x704', '768x512', '1216x704'],
    frames: { default: 161, min: 9, max: 257, step: 1 },
    fps: { default: 25, min: 8, max: 60 },
    steps: 50,
    guidance: 3,
  }),
  cogvideox: configs => ({
    tasks:
      configs.modelIndex._class_name === 'CogVideoXImageToVideoPipeline'
        ? ['i2v']
        : withEncoder(['t2v'], ['v2v'], configs),
    maxTokens: 226,
    frameStep: 4,
    cell: 8,
    sizes: ['720x480'],
    frames: { default: 49, min: 9, max: 49, step: 1 }, // its decoder takes latent frames by 3, then by 2
    fps: { default: 8, min: 4, max: 16 },
    steps: 50,
    guidance: 6,
  }),
};

/** TI2V takes a first frame or none; the image-to-video weights of the others have channels for the image and take nothing else. */
function wanTasks(configs: FolderConfigs): readonly Task[] {
  if (configs.modelIndex.expand_timesteps === true) return withEncoder(['t2v'], ['i2v'], configs);
  if (configs.modelIndex._class_name === 'WanImageToVideoPipeline') return ['i2v'];
  if (typeof configs.modelIndex.boundary_ratio === 'number') return ['t2v']; // diffusers has no v2v with two experts
  return withEncoder(['t2v'], ['v2v'], configs);
}

function withEncoder(without: readonly Task[], more: readonly Task[], { hasVaeEncoder }: FolderConfigs): Task[] {
  return hasVaeEncoder ? [...without, ...more] : [...without];
}

/**
 * The offer as bundle.json says it, narrowed to one size or frame count where the graphs have them built in, and to the steps that
 * the scheduler can do.
 */
export function offerFields(
  offer: FamilyOffer,
  scheduler: FolderConfigs['scheduler'],
  built: { readonly size: string | undefined; readonly frames: number | undefined },
): Pick<BundleManifest, 'limits' | 'defaults'> {
  const { default: fps, ...fpsRange } = offer.fps;
  const { default: frames, ...framesRange } = offer.frames;
  const steps = stepsOfSchedule(scheduler);
  const shift = shiftOfSchedule(scheduler);
  return {
    limits: {
      sizes: built.size === undefined ? [...offer.sizes] : [built.size],
      frames:
        built.frames === undefined
          ? framesRange
          : { min: built.frames - offer.frameStep + 1, max: built.frames, step: 1 }, // what is too much is cut
      fps: { ...fpsRange, step: 1 },
      steps: { ...steps, step: 1 },
      guidance: { min: 1, max: 20 },
      maxPromptChars: 4000,
    },
    defaults: {
      size: built.size ?? offer.sizes[0]!,
      frames: built.frames ?? frames,
      fps,
      steps: Math.min(Math.max(offer.steps, steps.min), steps.max),
      guidance: offer.guidance,
      negativePrompt: '',
      ...(offer.tasks.includes('v2v') && { strength: 0.8 }),
      ...(shift !== undefined && { flow_shift: shift.value }),
    },
  };
}
