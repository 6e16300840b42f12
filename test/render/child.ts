/** A real render child, for tests: forked as the supervisor does it. */
import { type ChildProcess, fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VideoRequest } from '#core/video-request.ts';
import type { FromChild, ToChild } from '#gpu-container/render/protocol.ts';

export const MINI = fileURLToPath(new URL('../../models/reelay-mini', import.meta.url));
const ENTRY = fileURLToPath(new URL('../../gpu-container/render/render-process.ts', import.meta.url));

/** Three steps: enough for first, middle and last. */
export const REQUEST: VideoRequest = {
  model: 'reelay-mini',
  prompt: 'a red circle bouncing over a dark blue background',
  negative_prompt: '',
  size: '256x256',
  seconds: 2,
  num_frames: 16,
  fps: 8,
  num_inference_steps: 3,
  guidance_scale: 3,
  seed: 42,
  metadata: {},
};

export interface RenderChild {
  readonly process: ChildProcess;
  /** Everything it has said. */
  readonly messages: FromChild[];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  send(message: ToChild): void;
  /** Starts a task in a fresh scratch folder, which is returned. */
  render(taskId: string, change?: Partial<VideoRequest>): Promise<string>;
  /** The first message of this type (and task), said already or still to come; rejects when the child ends without it. */
  heard<T extends FromChild['type']>(type: T, taskId?: string): Promise<Extract<FromChild, { type: T }>>;
}

export function startChild(folder = MINI, threads = 1): RenderChild {
  const child = fork(ENTRY, [folder, `${threads}`], {
    execPath: process.execPath,
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const messages: FromChild[] = [];
  child.on('message', message => messages.push(message as FromChild));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const scratches: string[] = [];
  exited.then(() => {
    for (const scratch of scratches) rmSync(scratch, { recursive: true, force: true });
  });
  const send = (message: ToChild) => void child.send(message);
  return {
    process: child,
    messages,
    exited,
    send,
    async render(taskId, change = {}) {
      const scratch = await mkdtemp(join(tmpdir(), 'reelay-render-'));
      scratches.push(scratch);
      send({ type: 'render', taskId, request: { ...REQUEST, ...change }, folder: scratch });
      return scratch;
    },
    heard: (type, taskId) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const fits = (m: FromChild) =>
            m.type === type && (taskId === undefined || ('taskId' in m && m.taskId === taskId));
          const found = messages.find(fits);
          if (found === undefined) return;
          child.off('message', look);
          resolve(found as never);
        };
        child.on('message', look);
        exited.then(({ code, signal }) => reject(new Error(`the child ended (${code ?? signal}) without ${type}`)));
        look();
      }),
  };
}
