/**
 * @file Euler steps in sigma, algorithm 2 of Karras et al. 2022 (arXiv 2206.00364) without churn; follows diffusers'
 * `scheduling_euler_discrete.py` (0.42.1) rounding for rounding.
 */
import { alphasCumprodWithFloor, betaFields, COMMON_SCHEDULES, torchLinspace } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import {
  checkResampling,
  type EulerTable,
  eulerInitNoiseSigma,
  eulerParts,
  resample,
  sigmasAt,
  slopeOf,
} from './euler-table.ts';
import { logFloat32 } from './numpy.ts';
import type { Prediction } from './prediction-type.ts';
import { type ConfigOf, choice, type Field, flag, optionalNumber, readConfig, unsupported } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { logSigmas, sigmaToTimestep, trainingSigmas } from './sigma-tables.ts';
import { fractionalTimesteps, spacingFields } from './timestep-spacing.ts';
import { mix } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'EulerDiscreteScheduler';

/** original_sample is an older word for sample. */
const predictionType: Field<Prediction> = {
  initial: 'epsilon',
  wanted: 'epsilon or sample or v_prediction',
  read: value =>
    value === 'original_sample'
      ? 'sample'
      : value === 'epsilon' || value === 'sample' || value === 'v_prediction'
        ? value
        : undefined,
};

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...spacingFields('linspace'),
  prediction_type: predictionType,
  interpolation_type: choice('linear', 'log_linear'),
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  sigma_min: optionalNumber,
  sigma_max: optionalNumber,
  timestep_type: choice('discrete', 'continuous'),
  rescale_betas_zero_snr: flag(false),
  final_sigmas_type: choice('zero', 'sigma_min'),
};

type Config = ConfigOf<typeof FIELDS>;

/** diffusers' EulerDiscreteScheduler. Custom sigmas include the last, so they are one more than the steps, or as many as `steps`. */
export function createEuler(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  const { sigmas, timesteps } = eulerSchedule(config, options);

  function advance({ index, sample }: SchedulerState, output: Float32Array) {
    const sigma = sigmas[index]!;
    return {
      sample: mix(1, sample, f32(sigmas[index + 1]! - sigma), slopeOf(config.prediction_type, sample, output, sigma)),
    };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    sigmas,
    initNoiseSigma: eulerInitNoiseSigma(config.timestep_spacing, sigmas),
    advance,
    ...eulerParts(sigmas),
  });
}

/** set_timesteps of the original. */
function eulerSchedule(config: Config, options: SchedulerOptions): EulerTable {
  checkOptions(NAME, options, ['sigmas', 'timesteps'], 1);
  if (options.sigmas !== undefined && options.timesteps !== undefined)
    throw new Error(`scheduler: ${NAME} takes sigmas or timesteps, not both.`);
  const continuous = config.timestep_type === 'continuous' && config.prediction_type === 'v_prediction';
  checkResampling(NAME, config, options.timesteps);
  if (continuous && options.timesteps !== undefined)
    throw new Error(`scheduler: ${NAME} takes no timesteps with timestep_type continuous and v_prediction.`);
  const training = trainingSigmas(alphasCumprodWithFloor(config, config.rescale_betas_zero_snr));
  const table = options.sigmas ? givenTable(options.sigmas, training) : spacedTable(config, options, training);
  const sigmas = table.sigmas.map(f32);
  const timesteps = continuous ? sigmas.slice(0, -1).map(sigma => 0.25 * f32(Math.log(sigma))) : table.timesteps;
  return { sigmas, timesteps: timesteps.map(f32) };
}

function givenTable(given: readonly number[], training: Float64Array): EulerTable {
  const [sigmas, logs] = [given.map(f32), logSigmas(training)];
  const timesteps = sigmas.slice(0, -1).map(sigma => sigmaToTimestep(sigma, logs, logFloat32, f32));
  return { sigmas, timesteps };
}

function spacedTable(config: Config, options: SchedulerOptions, training: Float64Array): EulerTable {
  const { steps } = options;
  const timesteps = options.timesteps?.map(f32) ?? fractionalTimesteps(config, steps);
  // log_linear has one sigma more than there are timesteps, and gets its last one on top, in diffusers too.
  const ends = [training.at(-1)!, training[0]!].map(logFloat32) as [number, number];
  const sigmas =
    config.interpolation_type === 'linear'
      ? sigmasAt(training, timesteps)
      : Array.from(torchLinspace(...ends, steps + 1, f32), log => f32(Math.exp(log)));
  const table = resample(config, training, steps, { sigmas, timesteps });
  const last = config.final_sigmas_type === 'zero' ? 0 : training[0]!;
  return { sigmas: [...table.sigmas, last], timesteps: table.timesteps };
}
