/**
 * @file What a scheduler_config.json lets a bundle offer: how many steps, and a shift that a request may change. Read off diffusers'
 * schedulers (0.42.1); exporter/reelay_export/schedule.py says the same to exported bundles.
 */

/** More steps than these nobody asks for. */
const MAX_STEPS = 100;
/** Both of diffusers' classes default to it. */
const DEFAULT_ORIGINAL_STEPS = 50;
/** As bundle.json takes it. */
const MAX_SHIFT = 100;

type SchedulerConfig = Readonly<Record<string, unknown>>;

/** The shift of a schedule, and the key of scheduler_config.json that it stands under. */
export interface ScheduleShift {
  readonly key: 'shift' | 'flow_shift';
  readonly value: number;
}

/**
 * The step counts that give a schedule. One step stretched to a `shift_terminal` is 0 / 0; PNDM's Runge-Kutta start takes four;
 * LCM and TCD choose among the steps of their distillation.
 */
export function stepsOfSchedule(scheduler: SchedulerConfig): { readonly min: number; readonly max: number } {
  const { _class_name: name, shift_terminal: terminal, original_inference_steps: original } = scheduler;
  const isDistilled = name === 'LCMScheduler' || name === 'TCDScheduler';
  const most = Number.isInteger(original) ? Number(original) : DEFAULT_ORIGINAL_STEPS;
  return {
    min: name === 'PNDMScheduler' && scheduler.skip_prk_steps !== true ? 4 : terminal ? 2 : 1,
    max: isDistilled ? Math.min(most, MAX_STEPS) : MAX_STEPS,
  };
}

/** The shift that has an effect on this schedule; undefined where none has, or where the size of the clip decides it. */
export function shiftOfSchedule(scheduler: SchedulerConfig): ScheduleShift | undefined {
  const key = shiftKey(scheduler);
  const value = key && scheduler[key];
  if (key === undefined || typeof value !== 'number' || !(value > 0 && value <= MAX_SHIFT)) return undefined;
  return { key, value };
}

/** What else resamples the sigmas of a solver; it comes before the flow's. */
const OTHER_SIGMAS = ['use_karras_sigmas', 'use_exponential_sigmas', 'use_lu_lambdas'];

function shiftKey(scheduler: SchedulerConfig): ScheduleShift['key'] | undefined {
  if (scheduler.use_dynamic_shifting === true) return undefined;
  switch (scheduler._class_name) {
    case 'FlowMatchEulerDiscreteScheduler':
      return 'shift';
    case 'UniPCMultistepScheduler':
    case 'DPMSolverMultistepScheduler':
    case 'DEISMultistepScheduler':
      return scheduler.use_flow_sigmas === true && !OTHER_SIGMAS.some(other => scheduler[other] === true)
        ? 'flow_shift'
        : undefined;
    default:
      return undefined;
  }
}
