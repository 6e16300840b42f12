/** @file A render child as its supervisor holds it: started on one bundle, waited for, killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { env } from 'node:process';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Provider } from '#core/provider.ts';
import type { FromChild } from '#gpu-container/render/protocol.ts';

/** What a child is started with. */
export interface ChildOptions {
  readonly childPath: string;
  /** Of the bundle. */
  readonly folder: string;
  /** Threads one inference may use. */
  readonly threads: number;
  /** What its graphs run on; cpu where it is not said. */
  readonly provider?: Provider | undefined;
  /** What the bundle must be, see bundleDigest; undefined: any. */
  readonly digest?: string | undefined;
  /** For the log: a graph of which part does not run on the provider, in a sentence. */
  readonly onWarning?: ((why: string) => void) | undefined;
}

/** A process that holds one model, or will. */
export interface RenderChild {
  readonly process: ChildProcess;
  /** The digest of the bundle that it holds; rejects with what keeps that from loading, or with `renderer_lost`. */
  readonly ready: Promise<string>;
  readonly exited: Promise<void>;
}

/** Names of what a child has no use for: it holds what strangers send, and an account or a key of ours is nothing to hold beside that. */
const SECRET = /^AWS_|KEY|SECRET|TOKEN|PASSW|CREDENTIAL/i;

/** What a child inherits: libraries are found by it, and nothing is opened. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRET.test(name)));
}

/** Forks a child and lets it load; a child that does not is for the caller to kill. */
export function startChild({
  childPath,
  folder,
  threads,
  provider = 'cpu',
  digest,
  onWarning,
}: ChildOptions): RenderChild {
  const process = fork(childPath, [folder, String(threads), provider], {
    env: withoutSecrets(env),
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // A signal or message that does not reach a dying child is an error event; its exit tells all there is to know.
  process.on('error', () => undefined);
  process.on('message', (message: FromChild) => {
    if (message.type === 'partly_elsewhere') onWarning?.(message.why);
  });
  const exited = new Promise<void>(resolve => process.once('exit', () => resolve()));
  const ready = loaded(process, digest);
  ready.catch(() => undefined); // told to the job that waits for it
  return { process, ready, exited };
}

/** Resolves to its bundle's digest when the child holds its model; a bad bundle, another than expected, a silent or a dying child reject. */
function loaded(child: ChildProcess, digest: string | undefined): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      finish(() =>
        reject(new ReelayError('renderer_lost', `The model did not load within ${limits.bundleLoadSeconds} s.`)),
      );
    }, limits.bundleLoadSeconds * 1000);
    const onError = (cause: Error) =>
      finish(() => reject(new ReelayError('renderer_lost', 'The renderer did not start.', { cause })));
    const onExit = (code: number | null) =>
      finish(() => reject(new ReelayError('renderer_lost', `The renderer ended (${code ?? 'killed'}) while loading.`)));
    const onMessage = (message: FromChild) => {
      if (message.type === 'ready')
        finish(() =>
          digest === undefined || message.digest === digest
            ? resolve(message.digest)
            : reject(changedSince(message.bundleId)),
        );
      if (message.type === 'failed') finish(() => reject(fromChild(message)));
    };
    const finish = (act: () => void) => {
      clearTimeout(late);
      child.off('error', onError).off('exit', onExit).off('message', onMessage);
      act();
    };
    child.on('error', onError).on('exit', onExit).on('message', onMessage);
  });
}

/** A bundle that was replaced is whole, but its videos would go out under the name of other weights. */
function changedSince(bundleId: string): ReelayError {
  return new ReelayError(
    'bundle_corrupt',
    `The files of the model "${bundleId}" have changed since this process started; restart it to offer the model as it is now.`,
  );
}

/** The error that a child told of. */
export function fromChild(message: Extract<FromChild, { type: 'failed' }>): ReelayError {
  const cause = message.detail === undefined ? undefined : new Error(message.detail);
  return new ReelayError(message.code, message.message, { retryable: message.retryable, cause });
}

/** Whether it can be asked for anything. */
export function isAlive({ process: { connected, exitCode, signalCode } }: RenderChild): boolean {
  return connected && exitCode === null && signalCode === null;
}

/** Kills it, and waits for its end. */
export async function kill(child: RenderChild): Promise<void> {
  child.process.kill('SIGKILL');
  if (child.process.pid === undefined) return; // it never started
  if (child.process.exitCode === null && child.process.signalCode === null) await child.exited;
}

/** Whether a bundle loads, found out in a process of its own; resolves when it does, rejects with what keeps it from loading. */
export async function tryBundle(options: ChildOptions): Promise<void> {
  const child = startChild(options);
  try {
    await child.ready;
  } finally {
    await kill(child);
  }
}
