/** The sampler's part of a simulated task: its state, its checkpoints, its files, and what goes wrong in it. */
import { type Phase, variants } from '#core/job.ts';
import type { CheckpointFile, Marked, RenderedFiles } from '#gpu-container/render/protocol.ts';
import type { RenderOptions, RenderTask } from '#gpu-container/worker/renderer.ts';
import { checkpointBytes, contentOf, firstState, nextState, readCheckpoint, sha256, told } from './sim-video.ts';
import type { SimNode, World } from './world.ts';

/** Where a child works. */
export interface Machine {
  readonly world: World;
  readonly body: Pick<SimNode, 'alive' | 'deliver' | 'onMachine' | 'onDeath' | 'kill'>;
  readonly disk: Map<string, Uint8Array>;
  readonly isFull: () => boolean;
}

/** The state of one task's sampler, and what it tells. */
export function createSampling(machine: Machine, task: RenderTask, options: RenderOptions) {
  const { world, body, disk } = machine;
  const { facts } = world;
  const { request, folder } = task;
  const [jobId = ''] = task.taskId.split('/');
  const steps = request.num_inference_steps;
  const keeper = createKeeper(machine, task, options);
  const troubles = createTroubles(world, task);
  let [state, step, resumed] = [firstState(request), 0, 0];

  const report = (phase: Phase) => {
    const progress = phase === 'denoising' ? { phase, step, steps } : { phase, step: 0, steps: 0 };
    body.deliver(() => !options.signal.aborted && options.onProgress(progress));
  };
  return {
    start: () => {
      const bytes = task.resumePath === undefined ? undefined : disk.get(task.resumePath);
      const from = bytes === undefined ? undefined : readCheckpoint(bytes, request);
      if (from !== undefined) ({ step, state } = from);
      else if (bytes !== undefined) options.onNotice?.({ type: 'resume_refused', reason: 'it is of another request' });
      resumed = step;
      keeper.begin(step);
      facts.redone.push(Math.max(0, (facts.furthest.get(jobId) ?? 0) - step));
      world.history.note(task.taskId, 'renders', 'from', step, 'of', steps);
      report('encoding_prompt');
    },
    isDone: () => step >= steps,
    resumedAt: () => resumed,
    newest: keeper.newest,
    stepMs: troubles.stepMs,
    troubleNow: () => troubles.at(step),
    doStep: () => {
      state = nextState(state, step);
      step++;
      facts.stepsDone.set(jobId, (facts.stepsDone.get(jobId) ?? 0) + 1);
      facts.furthest.set(jobId, Math.max(step, facts.furthest.get(jobId) ?? 0));
      report('denoising');
      if (step < steps && keeper.isDue(step)) keeper.offer(keeper.keep(step, state));
    },
    /** Nothing new is kept when no step was done. */
    pauseFile: () => (step === resumed ? null : keeper.newestAt(step, state)),
    noteFailure: (code: string, retryable: boolean) => facts.renderFailures.set(task.taskId, { code, retryable }),
    marked: (): Marked => ({
      ...{ manifestId: `urn:c2pa:${task.taskId}`, strength: 'full', size: request.size, pictureHashes: [] },
      framesSha256: sha256(contentOf(request, state, 'video')),
    }),
    writeFiles: (): RenderedFiles => {
      report('encoding_video');
      report('marking');
      const written = variants.map(variant => {
        const bytes = contentOf(request, state, variant);
        const path = `${folder}/${variant}`;
        disk.set(path, bytes);
        return [variant, { path, contentType: 'video/mp4', bytes: bytes.length, sha256: sha256(bytes) }] as const;
      });
      return Object.fromEntries(written) as unknown as RenderedFiles;
    },
  };
}

/** The checkpoint files of one task: the two newest are on the disk. */
function createKeeper({ world, body, disk, isFull }: Machine, task: RenderTask, options: RenderOptions) {
  const { time } = world;
  const { everySteps, everyMs } = options.checkpoint;
  const kept: CheckpointFile[] = [];
  let [lastStep, lastMs] = [0, time.nowMs()];
  const newest = () => kept.at(-1) ?? null;
  const keep = (step: number, state: number): CheckpointFile | undefined => {
    if (isFull()) {
      options.onNotice?.({ type: 'checkpoint_failed', reason: 'ENOSPC' });
      return undefined;
    }
    const bytes = checkpointBytes(task.request, step, state);
    const file = { path: `${task.folder}/step-${step}.bin`, step, bytes: bytes.length, sha256: sha256(bytes) };
    disk.set(file.path, bytes);
    kept.push(file);
    if (kept.length > 2) disk.delete(kept.shift()!.path);
    [lastStep, lastMs] = [step, time.nowMs()];
    return file;
  };
  return {
    keep,
    newest,
    begin: (step: number) => {
      [lastStep, lastMs] = [step, time.nowMs()];
    },
    isDue: (step: number) =>
      (everySteps > 0 && step - lastStep >= everySteps) || (everyMs > 0 && time.nowMs() - lastMs >= everyMs),
    newestAt: (step: number, state: number) => (step === lastStep ? newest() : (keep(step, state) ?? newest())),
    offer: (file: CheckpointFile | undefined) => {
      if (file !== undefined)
        body.deliver(() => !options.signal.aborted && !options.pause.aborted && options.onCheckpoint(file));
    },
  };
}

/** What goes wrong in one task: what the job's nature wants, and what the weather adds. */
function createTroubles(world: World, task: RenderTask) {
  const { prng, scenario } = world;
  const { nature, atStep, stepMs } = told(task.request);
  const fails = world.faultsOn && prng.chance(scenario.weather.renderFails);
  const failsAt = fails ? prng.between(0, task.request.num_inference_steps - 1) : -1;
  const how = prng.pick(['fails', 'kills_child'] as const);
  return {
    stepMs: () => {
      const slow = world.faultsOn && prng.chance(scenario.weather.slowSteps);
      if (slow) world.fault('slow_step', task.taskId);
      return stepMs * (0.8 + 0.4 * prng.next()) * (slow ? 15 : 1);
    },
    at: (step: number) => {
      if (nature !== 'healthy' && step === atStep) return nature;
      if (step !== failsAt) return undefined;
      world.fault('render_fails', task.taskId, how);
      return how;
    },
  };
}
