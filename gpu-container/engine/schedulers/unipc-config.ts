/** @file The config of UniPCMultistepScheduler, its defaults, and what of it is refused. */
import { betaFields, COMMON_SCHEDULES } from './betas.ts';
import {
  type ConfigOf,
  choice,
  type Field,
  flag,
  integer,
  number,
  numbers,
  optionalNumber,
  readConfig,
  unsupported,
} from './read-config.ts';
import { thresholdingFields } from './thresholding.ts';
import { spacingFields } from './timestep-spacing.ts';

/** diffusers' class. */
export const UNIPC = 'UniPCMultistepScheduler';

/** bh1 and bh2; diffusers reads the solver types of its kin as bh2. */
const solverType: Field<'bh1' | 'bh2'> = {
  initial: 'bh2',
  wanted: 'bh1 or bh2',
  read: value =>
    value === 'bh1' ? value : ['bh2', 'midpoint', 'heun', 'logrho'].includes(`${value}`) ? 'bh2' : undefined,
};

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...thresholdingFields,
  ...spacingFields('linspace'),
  solver_order: { ...integer(2, 1), wanted: '1, 2 or 3' },
  prediction_type: choice('epsilon', 'sample', 'v_prediction', 'flow_prediction'),
  predict_x0: flag(true),
  solver_type: solverType,
  lower_order_final: flag(true),
  disable_corrector: numbers,
  solver_p: unsupported(null),
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  use_flow_sigmas: flag(false),
  flow_shift: number(1),
  final_sigmas_type: choice('zero', 'sigma_min'),
  rescale_betas_zero_snr: flag(false),
  use_dynamic_shifting: flag(false),
  time_shift_type: choice('exponential', 'linear'),
  sigma_min: optionalNumber,
  sigma_max: optionalNumber,
  shift_terminal: optionalNumber,
};

/** A config of UniPCMultistepScheduler, complete. */
export type UniPcConfig = ConfigOf<typeof FIELDS>;

/** The config, or an error that names what diffusers refuses too, or answers with NaN. */
export function readUniPcConfig(raw: Record<string, unknown>, steps: number): UniPcConfig {
  const config = readConfig(UNIPC, FIELDS, raw);
  const refuse = (what: string) => new Error(`scheduler: ${UNIPC} with ${what}.`);
  if (config.solver_order > 3) throw refuse(`solver_order ${config.solver_order}; 1, 2 and 3 are supported`);
  if (config.use_karras_sigmas && config.use_exponential_sigmas)
    throw refuse('use_karras_sigmas and use_exponential_sigmas, which exclude each other');
  if (config.shift_terminal !== null && !config.use_flow_sigmas) throw refuse('shift_terminal needs use_flow_sigmas');
  if (!config.predict_x0 && config.prediction_type === 'flow_prediction')
    throw refuse('predict_x0 false does not take prediction_type flow_prediction');
  if (config.final_sigmas_type === 'zero') {
    // The last step is infinitely long in lambda: what these multiply it with is not a number.
    if (config.solver_type === 'bh1') throw refuse('solver_type bh1 gives NaN where final_sigmas_type is zero');
    if (!config.predict_x0) throw refuse('predict_x0 false gives NaN where final_sigmas_type is zero');
    if (!config.lower_order_final && config.solver_order > 1 && steps > 1)
      throw refuse('lower_order_final false gives NaN where final_sigmas_type is zero');
  }
  return config;
}
