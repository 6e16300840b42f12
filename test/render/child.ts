/** A real render child, for tests: forked as the supervisor does it. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelCard } from '#core/models.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { FromChild, ToChild } from '#gpu-container/render/protocol.ts';
import { markingKeys, testMarking } from '#test/worker/marks-for.ts';

export const MINI = fileURLToPath(new URL('../../models/reelay-mini', import.meta.url));
const ENTRY = fileURLToPath(new URL('../../gpu-container/render/render-process.ts', import.meta.url));

/** What the bundled model makes where nothing else is asked for. */
export const MINI_DEFAULTS: { frames: number; fps: number; steps: number } = JSON.parse(
  readFileSync(join(MINI, 'bundle.json'), 'utf8'),
).defaults;

/** Three steps: enough for first, middle and last. */
export const REQUEST: VideoRequest = {
  model: 'reelay-mini',
  prompt: 'a red circle bouncing over a dark blue background',
  negative_prompt: '',
  size: '256x256',
  seconds: MINI_DEFAULTS.frames / MINI_DEFAULTS.fps,
  num_frames: MINI_DEFAULTS.frames,
  fps: MINI_DEFAULTS.fps,
  num_inference_steps: 3,
  guidance_scale: 3,
  seed: 42,
  metadata: {},
  task: 't2v',
  strength: null,
  reference: null,
  guidance_scale_2: null,
  flow_shift: null,
  step_cache: null,
  residency: 'standard',
};

type RenderMessage = Extract<ToChild, { type: 'render' }>;

/** A request of every default that a model's card names. */
export function requestOf(card: ModelCard, change: Partial<VideoRequest> = {}): VideoRequest {
  const { frames, fps, ...defaults } = card.defaults;
  return { ...REQUEST, ...defaults, model: card.id, num_frames: frames, fps, seconds: frames / fps, ...change };
}

export interface RenderChild {
  readonly process: ChildProcess;
  /** Everything it has said. */
  readonly messages: FromChild[];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  send(message: ToChild): void;
  /** Starts a task in a fresh scratch folder, removed with the child, and returns the folder. Without `how`: no checkpoints. */
  render(taskId: string, change?: Partial<VideoRequest>, how?: Partial<RenderMessage>): Promise<string>;
  /** The first message of these types (and task), said already or still to come; rejects when the child ends without it. */
  heard<T extends FromChild['type']>(type: T | readonly T[], taskId?: string): Promise<Extract<FromChild, { type: T }>>;
}

/** `sign`: null is what a child hears whose supervisor cannot ask the key. */
export function startChild(
  folder = MINI,
  threads = 1,
  sign: (bytes: Uint8Array) => Promise<Uint8Array | null> = markingKeys.signer.sign,
): RenderChild {
  const child = fork(ENTRY, [folder, `${threads}`], {
    execPath: process.execPath,
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const messages: FromChild[] = [];
  child.on('message', (message: FromChild) => {
    messages.push(message);
    if (message.type === 'sign') void answer(message);
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const scratches: string[] = [];
  exited.then(() => {
    for (const scratch of scratches) rmSync(scratch, { recursive: true, force: true });
  });
  const send = (message: ToChild) => void child.send(message);
  const answer = async ({ taskId, id, bytes }: Extract<FromChild, { type: 'sign' }>) => {
    const signature = await sign(bytes);
    if (child.connected) send({ type: 'signature', taskId, id, signature });
  };
  return {
    process: child,
    messages,
    exited,
    send,
    async render(taskId, change = {}, how = {}) {
      const folder = await mkdtemp(join(tmpdir(), 'reelay-render-'));
      scratches.push(folder);
      const request = { ...REQUEST, ...change };
      const checkpoint = { everySteps: 0, everyMs: 0 };
      send({ type: 'render', taskId, request, folder, checkpoint, marking: testMarking, ...how });
      return folder;
    },
    heard: (type, taskId) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const fits = (m: FromChild) =>
            [type].flat().includes(m.type as never) && (taskId === undefined || ('taskId' in m && m.taskId === taskId));
          const found = messages.find(fits);
          if (found === undefined) return;
          child.off('message', look);
          resolve(found as never);
        };
        child.on('message', look);
        exited.then(({ code, signal }) =>
          reject(new Error(`the child ended (${code ?? signal}) without ${[type].flat().join(', ')}`)),
        );
        look();
      }),
  };
}

/** Resolves with the first message of the task that fits, read as soon as it arrives. */
export function when<T extends FromChild['type']>(
  child: RenderChild,
  taskId: string,
  type: T,
  fits: (message: Extract<FromChild, { type: T }>) => boolean = () => true,
): Promise<Extract<FromChild, { type: T }>> {
  return new Promise(resolve => {
    child.process.on('message', function look(message: FromChild) {
      if (message.type !== type || !('taskId' in message) || message.taskId !== taskId) return;
      if (!fits(message as Extract<FromChild, { type: T }>)) return;
      child.process.off('message', look);
      resolve(message as Extract<FromChild, { type: T }>);
    });
  });
}

let finished = 0;

/** The hash of the frames, the step it went on from, and why not, of a whole or resumed rendering. */
export async function finish(child: RenderChild, request: VideoRequest, resumePath?: string) {
  const taskId = `finish-${finished++}`;
  await child.render(taskId, request, { resumePath });
  const { marked } = await child.heard('done', taskId);
  const refused = child.messages.find(m => m.type === 'resume_refused' && m.taskId === taskId);
  return {
    framesSha256: marked.framesSha256,
    resumedAtStep: (await child.heard('started', taskId)).resumedAtStep,
    reason: refused?.type === 'resume_refused' ? refused.reason : undefined,
    steps: child.messages.flatMap(m =>
      m.type === 'progress' && m.taskId === taskId && m.phase === 'denoising' ? [m.step] : [],
    ),
  };
}
