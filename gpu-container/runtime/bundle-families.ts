import type { Task } from '#core/models.ts';

/** How a bundle's VAE decoder is run: docs/bundles.md, "plan". */
export type DecodePlan = 'whole' | 'per-frame' | 'streaming';

/** What the bundles of one family have in common, before any graph is opened. */
export interface BundleFamily {
  /** `_class_name` of model_index.json: the diffusers pipelines whose loop the family's code follows. */
  readonly pipelines: readonly string[];
  /** The component that predicts the noise or velocity. */
  readonly denoiser: 'transformer' | 'unet';
  readonly plans: readonly DecodePlan[];
  readonly tasks: readonly Task[];
}

const BUNDLE_FAMILIES = {
  wan: {
    pipelines: ['WanPipeline', 'WanImageToVideoPipeline', 'WanVideoToVideoPipeline'],
    denoiser: 'transformer',
    plans: ['whole', 'streaming'],
    tasks: ['t2v', 'i2v', 'v2v'],
  },
  animatediff: {
    pipelines: ['AnimateDiffPipeline', 'AnimateDiffVideoToVideoPipeline'],
    denoiser: 'unet',
    plans: ['per-frame'],
    tasks: ['t2v', 'v2v'],
  },
  ltx: {
    pipelines: ['LTXPipeline', 'LTXImageToVideoPipeline'],
    denoiser: 'transformer',
    plans: ['whole'],
    tasks: ['t2v', 'i2v'],
  },
  cogvideox: {
    pipelines: ['CogVideoXPipeline', 'CogVideoXImageToVideoPipeline', 'CogVideoXVideoToVideoPipeline'],
    denoiser: 'transformer',
    plans: ['whole', 'streaming'],
    tasks: ['t2v', 'i2v', 'v2v'],
  },
  'reelay-mini': {
    pipelines: ['ReelayMiniPipeline'],
    denoiser: 'transformer',
    plans: ['whole'],
    tasks: ['t2v', 'i2v', 'v2v'],
  },
} as const satisfies Record<string, BundleFamily>;

/** The families that this version renders. */
export type FamilyName = keyof typeof BUNDLE_FAMILIES;

/** Their names, in the order in which messages list them. */
export const FAMILY_NAMES = Object.keys(BUNDLE_FAMILIES) as FamilyName[];

/** What is known of a family. */
export function bundleFamily(name: FamilyName): BundleFamily {
  return BUNDLE_FAMILIES[name];
}

/** The family whose code follows this diffusers pipeline; undefined for a class of no family. */
export function familyOfPipeline(className: unknown): FamilyName | undefined {
  return FAMILY_NAMES.find(name => bundleFamily(name).pipelines.some(known => known === className));
}

/** Pipelines that pass for a family's and would come out wrong, with what is different (diffusers 0.42.1). */
const NOT_RENDERED: Readonly<Record<string, string>> = {
  LTXConditionPipeline: 'its positions and its linear-quadratic schedule are not those of LTXPipeline',
};

/** `, which is not rendered: …` for a pipeline that is refused for a reason of its own, '' for others: to follow its name. */
export function whyNotRendered(className: unknown): string {
  if (typeof className !== 'string' || !Object.hasOwn(NOT_RENDERED, className)) return '';
  return `, which is not rendered: ${NOT_RENDERED[className]}`;
}
