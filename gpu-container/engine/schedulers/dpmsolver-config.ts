/** @file The config of DPMSolverMultistepScheduler, its defaults, and what of it is refused. */
import { betaFields, COMMON_SCHEDULES } from './betas.ts';
import {
  type ConfigOf,
  choice,
  extendedNumber,
  type Field,
  flag,
  integer,
  number,
  optionalNumber,
  readConfig,
  unsupported,
} from './read-config.ts';
import { thresholdingFields } from './thresholding.ts';
import { spacingFields } from './timestep-spacing.ts';

/** diffusers' class. */
export const DPM_SOLVER = 'DPMSolverMultistepScheduler';

/** The ways to integrate: of noise or (++) of clean samples, as an ODE or an SDE. */
export type Algorithm = 'dpmsolver' | 'dpmsolver++' | 'sde-dpmsolver' | 'sde-dpmsolver++';

const ALGORITHMS: readonly Algorithm[] = ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'sde-dpmsolver'];

/** diffusers reads its kin deis as dpmsolver++. */
const algorithm: Field<Algorithm> = {
  initial: 'dpmsolver++',
  wanted: ALGORITHMS.join(' or '),
  read: value => (value === 'deis' ? 'dpmsolver++' : ALGORITHMS.find(one => one === value)),
};

/** diffusers reads the solver types of its kin as midpoint. */
const solverType: Field<'midpoint' | 'heun'> = {
  initial: 'midpoint',
  wanted: 'midpoint or heun',
  read: value =>
    value === 'heun' ? value : ['midpoint', 'logrho', 'bh1', 'bh2'].includes(`${value}`) ? 'midpoint' : undefined,
};

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...thresholdingFields,
  ...spacingFields('linspace'),
  solver_order: { ...integer(2, 1), wanted: '1, 2 or 3' },
  prediction_type: choice('epsilon', 'sample', 'v_prediction', 'flow_prediction'),
  algorithm_type: algorithm,
  solver_type: solverType,
  lower_order_final: flag(true),
  euler_at_final: flag(false),
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  use_lu_lambdas: flag(false),
  use_flow_sigmas: flag(false),
  flow_shift: number(1),
  final_sigmas_type: choice('zero', 'sigma_min'),
  lambda_min_clipped: extendedNumber(-Infinity),
  variance_type: unsupported(null),
  rescale_betas_zero_snr: flag(false),
  use_dynamic_shifting: flag(false),
  time_shift_type: unsupported('exponential'),
  sigma_min: optionalNumber, // not of its constructor, but diffusers reads them where a config has them
  sigma_max: optionalNumber,
};

/** A config of DPMSolverMultistepScheduler, complete. */
export type DpmSolverConfig = ConfigOf<typeof FIELDS>;

/** The config, or an error that names what diffusers refuses too. */
export function readDpmSolverConfig(raw: Record<string, unknown>): DpmSolverConfig {
  const config = readConfig(DPM_SOLVER, FIELDS, raw);
  const refuse = (what: string) => new Error(`scheduler: ${DPM_SOLVER} with ${what}.`);
  const { algorithm_type: type, solver_order: order } = config;
  if (order > 3) throw refuse(`solver_order ${order}; 1, 2 and 3 are supported`);
  const asked = raw.algorithm_type ?? type; // diffusers forgets here that it reads deis as dpmsolver++
  if (config.final_sigmas_type === 'zero' && !`${asked}`.endsWith('++'))
    throw refuse(`algorithm_type ${asked} does not go with final_sigmas_type zero; choose sigma_min`);
  if (config.prediction_type === 'flow_prediction' && !type.endsWith('++'))
    throw refuse(`algorithm_type ${type} does not take prediction_type flow_prediction`);
  return config;
}
