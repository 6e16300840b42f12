/**
 * @file The C2PA library, which is WebAssembly, in a thread of its own: a file that makes it run in circles or break is ended with
 * the thread, its memory (which only grows) goes with it, and the stand-ins for browser classes that it asks for stay out of the
 * process. Keys stay on this side: the thread asks for each signature.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { IngredientTask } from './claim.ts';
import type { Claimed } from './claimed.ts';

/** A file in memory or on disk. */
export type FileSource = { readonly bytes: Uint8Array } | { readonly path: string; readonly size: number };

/** What the thread is asked. `settings` is JSON of the library's own. */
export type LibraryTask =
  | { readonly verb: 'read'; readonly file: FileSource; readonly settings: string }
  | {
      readonly verb: 'sign';
      readonly file: Uint8Array;
      readonly manifest: string;
      readonly ingredients: readonly IngredientTask[];
      readonly reserveBytes: number;
      readonly settings: string;
    };

/** What it answers: facts or a file; `refused` when the library said no in its words; `broken` when the library itself broke. */
export type LibraryAnswer =
  | { readonly claimed: Claimed }
  | { readonly signed: Uint8Array<ArrayBuffer> }
  | { readonly refused: string }
  | { readonly broken: string };

/** What comes from the thread. */
export type ThreadMessage = { readonly answer: LibraryAnswer } | { readonly toSign: Uint8Array };

/** A signature that could not be had is told to the thread in no words: they may be the key service's. */
export type ThreadReply = { readonly signature: Uint8Array | null };

/** A thread with the library; it does one task at a time. */
export interface C2paLibrary {
  /**
   * `late` after so many seconds; the thread is gone then, and after `broken`, and the next task gets a new one. The time that a signature
   * takes is not counted: a key service is slow at its own times. Throws what `sign` throws, `store_unavailable` where it does not answer.
   */
  ask(task: LibraryTask, seconds: number, sign?: SignPayload): Promise<LibraryAnswer | 'late'>;
  /** Starts the thread before it is needed; what goes wrong is told to the next task. */
  warm(): Promise<void>;
  /** Ends the thread, and with it the memory it has taken; the next task starts another. */
  close(): Promise<void>;
}

/** Gives the whole signature over a claim. */
export type SignPayload = (payload: Uint8Array) => Promise<Uint8Array>;

/** Manifests are some kB; the library's own memory is not counted here. */
const MAX_HEAP_MB = 256;

/** The types of Node name what it gives, not the thing itself. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: { compile(bytes: Uint8Array): Promise<WebAssembly.Module> };
};

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiles the library once in a process, 9 MB; threads start from it in some 50 ms. */
function compile(): Promise<WebAssembly.Module> {
  compiled ??= readFile(createRequire(import.meta.url).resolve('@contentauth/c2pa-wasm/c2pa.wasm')).then(bytes =>
    wasm.compile(bytes),
  );
  return compiled;
}

/** A library for several files; `withLibrary` is for one. The thread starts with the first task. */
export function openLibrary(): C2paLibrary {
  let thread: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const end = async () => {
    const gone = thread;
    thread = undefined;
    await gone?.terminate();
  };
  return {
    async warm() {
      last = last.then(async () => {
        thread ??= await startThread().catch(() => undefined);
      });
      await last;
    },
    ask(task, seconds, sign) {
      const mine = last.then(async () => {
        thread ??= await startThread();
        const answer = await oneTask(thread, task, seconds, sign);
        if (answer === 'late' || 'broken' in answer) await end();
        return answer;
      });
      last = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      await last;
      await end();
    },
  };
}

/** A library for as long as `use` takes. */
export async function withLibrary<T>(use: (library: C2paLibrary) => Promise<T>): Promise<T> {
  const library = openLibrary();
  try {
    return await use(library);
  } finally {
    await library.close();
  }
}

async function startThread(): Promise<Worker> {
  const thread = new Worker(new URL('./c2pa-thread.ts', import.meta.url), {
    workerData: await compile(),
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  // An idle thread does not keep a command line open; while a task runs, its timer does.
  thread.unref();
  thread.on('error', () => undefined);
  return thread;
}

/** One task; the first signature that cannot be had throws, everything else is an answer. */
function oneTask(
  thread: Worker,
  task: LibraryTask,
  seconds: number,
  sign?: SignPayload,
): Promise<LibraryAnswer | 'late'> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    let isOver = false;
    const settle = (answer: LibraryAnswer | 'late') => {
      isOver = true;
      clearTimeout(timer);
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      if (failure === undefined) resolve(answer);
      else reject(failure);
    };
    const onMessage = (message: ThreadMessage) => {
      if ('answer' in message) return settle(message.answer);
      clearTimeout(timer);
      inTime((sign ?? noSigner)(message.toSign))
        .catch(cause => {
          failure = cause;
          return null;
        })
        .then(signature => {
          if (isOver) return;
          timer = start();
          thread.postMessage({ signature } satisfies ThreadReply);
        });
    };
    const onError = (error: Error) => settle({ broken: error.message });
    const onExit = () => settle({ broken: 'the thread ended' });
    const start = () => setTimeout(() => settle('late'), seconds * 1000);
    let timer = start();
    thread.on('message', onMessage).once('error', onError).once('exit', onExit);
    thread.postMessage(task);
  });
}

/** A key that says nothing is an outage, and no fault of the file. */
async function inTime(signature: Promise<Uint8Array>): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `The key that signs videos did not answer within ${limits.signatureSeconds} s.`;
    timer = setTimeout(() => reject(new ReelayError('store_unavailable', why)), limits.signatureSeconds * 1000);
  });
  return Promise.race([signature, late]).finally(() => clearTimeout(timer));
}

function noSigner(): Promise<never> {
  return Promise.reject(new Error('c2pa: nobody is there to sign.'));
}
