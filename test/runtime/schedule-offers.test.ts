import { describe, expect, test } from 'vitest';
import { createScheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import { shiftOfSchedule, stepsOfSchedule } from '#gpu-container/runtime/schedule-offers.ts';

const FLOW = { prediction_type: 'flow_prediction', use_flow_sigmas: true, flow_shift: 3 };
const TERMINAL = { use_dynamic_shifting: true, shift_terminal: 0.1 };

describe('the steps on offer', () => {
  test.each<[string, object, object]>([
    ['UniPCMultistepScheduler', FLOW, { min: 1, max: 100 }],
    ['UniPCMultistepScheduler', { ...FLOW, shift_terminal: 0.1 }, { min: 2, max: 100 }],
    ['FlowMatchEulerDiscreteScheduler', { shift: 3, shift_terminal: null }, { min: 1, max: 100 }],
    ['FlowMatchEulerDiscreteScheduler', TERMINAL, { min: 2, max: 100 }],
    ['LCMScheduler', {}, { min: 1, max: 50 }],
    ['LCMScheduler', { original_inference_steps: 20 }, { min: 1, max: 20 }],
    ['TCDScheduler', { original_inference_steps: 500 }, { min: 1, max: 100 }],
    ['PNDMScheduler', {}, { min: 4, max: 100 }],
    ['PNDMScheduler', { skip_prk_steps: true }, { min: 1, max: 100 }],
    ['EulerDiscreteScheduler', { original_inference_steps: 20 }, { min: 1, max: 100 }],
  ])('%s %j: give a schedule of finite numbers at both ends', (_class_name, settings, range) => {
    const config = { _class_name, ...settings };
    const { min, max } = stepsOfSchedule(config);
    expect({ min, max }).toEqual(range);
    for (const steps of [min, max]) {
      const { timesteps, sigmas } = createScheduler(config, { steps, ...('shift_terminal' in config && { mu: 1 }) });
      expect([...timesteps, ...(sigmas ?? [])].every(Number.isFinite)).toBe(true);
    }
  });
});

describe('the shift that a request may change', () => {
  test.each<[string, object, object | undefined]>([
    ['UniPCMultistepScheduler', FLOW, { key: 'flow_shift', value: 3 }],
    ['DPMSolverMultistepScheduler', FLOW, { key: 'flow_shift', value: 3 }],
    ['DEISMultistepScheduler', FLOW, { key: 'flow_shift', value: 3 }],
    ['FlowMatchEulerDiscreteScheduler', { shift: 1.5 }, { key: 'shift', value: 1.5 }],
    // from_config of another class leaves that one's keys behind
    ['FlowMatchEulerDiscreteScheduler', { shift: 1.5, flow_shift: 3 }, { key: 'shift', value: 1.5 }],
    ['FlowMatchEulerDiscreteScheduler', { shift: 1, use_dynamic_shifting: true }, undefined],
    ['UniPCMultistepScheduler', { flow_shift: 1 }, undefined],
    ['UniPCMultistepScheduler', { ...FLOW, use_karras_sigmas: true }, undefined],
    ['DPMSolverMultistepScheduler', { ...FLOW, use_lu_lambdas: true }, undefined],
    ['FlowMatchEulerDiscreteScheduler', { shift: 0 }, undefined],
    ['DDIMScheduler', FLOW, undefined],
    ['LCMScheduler', {}, undefined],
  ])('%s %j: is the one with an effect', (_class_name, settings, shift) => {
    const config = { _class_name, ...settings };
    expect(shiftOfSchedule(config)).toEqual(shift);
    if (shift === undefined) return;
    const { key } = shiftOfSchedule(config)!;
    const sigmasWith = (value: number) => createScheduler({ ...config, [key]: value }, { steps: 4 }).sigmas;
    expect(sigmasWith(2)).not.toEqual(sigmasWith(7));
  });
});
