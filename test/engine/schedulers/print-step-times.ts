/**
 * Prints the CPU time of one step of each scheduler on the latent of 81 frames at 832x480 (Wan 2.1: 2.1 million values).
 *
 *     node test/engine/schedulers/print-step-times.ts
 */
import { createScheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import { CLASSES } from './replay.ts';

const LATENT = 16 * 21 * 60 * 104;
const STEPS = 12;
const WAN = { use_flow_sigmas: true, prediction_type: 'flow_prediction', flow_shift: 3 };

const sample = new Float32Array(LATENT).map((_, i) => Math.sin(i));
const outputs = [1, 2, 3].map(k => sample.map((_, i) => Math.sin(i * k)));
for (const name of CLASSES) {
  const config = { _class_name: name, ...(name === 'UniPCMultistepScheduler' && WAN) };
  const scheduler = createScheduler(config, { steps: STEPS });
  let state = scheduler.initialState(sample);
  const times: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const before = process.cpuUsage();
    scheduler.scaleModelInput(state);
    state = scheduler.step(state, outputs[i % 3]!, outputs[(i + 1) % 3]!);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  const median = times.sort((a, b) => a - b)[STEPS / 2]!;
  console.log(name.padEnd(34), `${median.toFixed(0)} ms`.padStart(7));
}
