import type { Job } from '#core/job.ts';
import { notePace } from '#core/jobs/standing.ts';
import { limits } from '#core/limits.ts';
import type { KeyValueStore } from '#core/ports.ts';

const notedAtMs = new WeakMap<KeyValueStore, Map<string, number>>();

/** Notes how long a job took, at most once in limits.paceEveryMs of each model: short jobs would write it more often than anyone reads it. */
export async function notePaceSometimes(
  ports: { readonly kv: KeyValueStore; readonly monotonicMs: () => number },
  job: Job,
  renderMs: number,
): Promise<void> {
  const ofModels = notedAtMs.get(ports.kv) ?? new Map<string, number>();
  notedAtMs.set(ports.kv, ofModels);
  const last = ofModels.get(job.request.model);
  if (last !== undefined && ports.monotonicMs() - last < limits.paceEveryMs) return;
  ofModels.set(job.request.model, ports.monotonicMs());
  await notePace(ports.kv, job, renderMs);
}
