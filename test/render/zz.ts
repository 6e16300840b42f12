import { startChild, requestOf } from './child.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
for (const frames of [4, 8]) {
  const folder = `/tmp/fb/d${frames}`;
  const card = await writeFastBundle(folder, {frames});
  const c = startChild(folder);
  const r = await c.heard('ready');
  for (const steps of [1, 4, 12, 50]) for (const rule of [{everySteps:0,everyMs:0},{everySteps:1,everyMs:0}]) {
  const times: number[] = []; const st: number[] = [];
  for (let i = 0; i < 60; i++) {
    const id = `j${steps}${i}${rule.everySteps}`;
    const t0 = performance.now();
    await c.render(id, requestOf(card, { seed: i, num_inference_steps: steps }), { checkpoint: rule });
    const d = await c.heard('done', id);
    times.push(performance.now() - t0); st.push(d.timings.denoiseMs / steps); c.messages.length = 0;
  }
  const q = (v: number[], p: number) => v.toSorted((a,b)=>a-b)[Math.floor(v.length*p)]!.toFixed(2);
  console.log(`frames ${frames} steps ${steps} everySteps ${rule.everySteps}: job median ${q(times,.5)} p90 ${q(times,.9)} ms; ms/step ${q(st,.5)}; load ${r.loadMs.toFixed(0)}`);
  }
  c.process.kill('SIGKILL');
}
