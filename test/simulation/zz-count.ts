import { told } from './sim-video.ts';
import { simulate } from './simulate.ts';

let healthyDead = 0,
  jobs = 0,
  byFailures = new Map<string, number>();
for (let s = 1; s <= 1500; s++) {
  const r = await simulate(s);
  for (const j of r.world.store.records.values()) {
    jobs++;
    if (j.status === 'failed' && told(j.request).nature === 'healthy') {
      healthyDead++;
      const k = `${j.error?.code} f${j.failures} a${j.attempt}`;
      byFailures.set(k, (byFailures.get(k) ?? 0) + 1);
    }
  }
}
console.log(jobs, healthyDead, byFailures);
