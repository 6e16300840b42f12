/**
 * @file Reads a scheduler_config.json by a table of fields. A missing key takes its class's default in diffusers, a value of
 * another kind and an unknown key are refused by name: a schedule that is nearly right is worse than none.
 */

/** How one key is read. */
export interface Field<T> {
  /** What diffusers assumes where the key is missing. */
  readonly initial: T;
  /** What is allowed, for the error. */
  readonly wanted: string;
  /** The value as the class uses it; undefined where it is not followed. */
  readonly read: (value: unknown) => T | undefined;
}

/** A class's keys. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What `readConfig` gives for a table of fields. */
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/**
 * Keys of other diffusers classes. Published configs carry them along (Stable Video Diffusion's Euler config has
 * `skip_prk_steps`); diffusers drops them, and so do we.
 */
const KEYS_OF_OTHER_CLASSES = new Set(
  [
    'algorithm_type base_image_seq_len base_shift beta_end beta_schedule beta_start clip_sample clip_sample_range',
    'disable_corrector dynamic_thresholding_ratio euler_at_final final_sigmas_type flow_shift interpolation_type',
    'invert_sigmas lambda_min_clipped lower_order_final max_image_seq_len max_shift original_inference_steps predict_x0',
    'prediction_type rescale_betas_zero_snr sample_max_value set_alpha_to_one shift shift_terminal sigma_max sigma_min',
    'skip_prk_steps snr_shift_scale solver_order solver_p solver_type steps_offset stochastic_sampling thresholding',
    'time_shift_type timestep_scaling timestep_spacing timestep_type trained_betas use_beta_sigmas use_dynamic_shifting',
    'use_exponential_sigmas use_flow_sigmas use_karras_sigmas use_lu_lambdas variance_type quantization_config',
  ].flatMap(line => line.split(' ')),
);

/** The config of a class, checked. Keys that begin with "_" are diffusers' own and ignored. Error: the first key not followed. */
export function readConfig<F extends Fields>(className: string, fields: F, raw: Record<string, unknown>): ConfigOf<F> {
  const config: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) config[key] = field.initial;
  for (const [key, value] of Object.entries(raw)) {
    if (key.startsWith('_')) continue;
    if (Object.hasOwn(fields, key)) {
      const read = fields[key]!.read(value);
      if (read === undefined)
        throw new Error(
          `scheduler: option ${key} of ${className} should be ${fields[key]!.wanted}, got ${show(value)}.`,
        );
      config[key] = read;
    } else if (!KEYS_OF_OTHER_CLASSES.has(key))
      throw new Error(`scheduler: option ${key} is not one of ${className}, got ${show(value)}.`);
  }
  return config as ConfigOf<F>;
}

/** A finite number. */
export const number = (initial: number): Field<number> => ({
  initial,
  wanted: 'a number',
  read: value => (Number.isFinite(value) ? (value as number) : undefined),
});

/** A number or an infinity; Python's JSON has it bare, others as text. */
export const extendedNumber = (initial: number): Field<number> => ({
  initial,
  wanted: 'a number or an infinity',
  read(value) {
    if (typeof value === 'number' && !Number.isNaN(value)) return value;
    const text = typeof value === 'string' ? /^([+-]?)inf(inity)?$/i.exec(value) : null;
    return text === null ? undefined : text[1] === '-' ? -Infinity : Infinity;
  },
});

/** An integer of at least `least`. */
export const integer = (initial: number, least: number = 0): Field<number> => ({
  initial,
  wanted: `an integer of ${least} or more`,
  read: value => (Number.isSafeInteger(value) && (value as number) >= least ? (value as number) : undefined),
});

/** true or false. */
export const flag = (initial: boolean): Field<boolean> => ({
  initial,
  wanted: 'true or false',
  read: value => (typeof value === 'boolean' ? value : undefined),
});

/** One of some words, the default first. */
export const choice = <T extends string>(initial: T, ...others: T[]): Field<T> => ({
  initial,
  wanted: [initial, ...others].join(' or '),
  read: value => [initial, ...others].find(word => word === value),
});

/** A finite number, or null for none. */
export const optionalNumber: Field<number | null> = {
  initial: null,
  wanted: 'a number or null',
  read: value => (value === null || Number.isFinite(value) ? (value as number | null) : undefined),
};

/** A list of finite numbers, or null for none. */
export const optionalNumbers: Field<readonly number[] | null> = {
  initial: null,
  wanted: 'a list of numbers or null',
  read: value => (value === null || isNumbers(value) ? (value as readonly number[] | null) : undefined),
};

/** A list of finite numbers. */
export const numbers: Field<readonly number[]> = {
  initial: [],
  wanted: 'a list of numbers',
  read: value => (isNumbers(value) ? value : undefined),
};

/** An option of diffusers that is not followed: only its default is allowed. */
export const unsupported = <T>(initial: T, ...alsoInert: T[]): Field<T> => ({
  initial,
  wanted: `${[initial, ...alsoInert].map(show).join(' or ')} (anything else is not supported)`,
  read: value => [initial, ...alsoInert].find(inert => inert === value),
});

const isNumbers = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(Number.isFinite);

const show = (value: unknown): string => (typeof value === 'number' ? `${value}` : JSON.stringify(value));
