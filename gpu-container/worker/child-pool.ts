/**
 * @file The render children of a worker, one for each loaded bundle, within a limit of bytes.
 *
 *     none -> loading -> idle <-> in use       idle, least recently used, when another bundle needs its room -> none
 *     idle, after so many tasks or too large -> none -> loading       any, when it died or did not load -> none
 *
 * What is in use is never ended here. Changes of the set happen one after another, so that two tasks never start two children.
 */
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Provider } from '#core/provider.ts';
import { createChildSet, type Member } from './child-set.ts';
import { folderBytes, machineMemoryBytes, residentBytes } from './machine-memory.ts';
import { isAlive, type RenderChild, startChild } from './render-child.ts';

/** Which bundles there are, how to run them, and how many of them at once. */
export interface PoolOptions {
  /** Folder of each model's bundle, by model id. */
  readonly bundles: ReadonlyMap<string, string>;
  /** What each model's bundle must be, by model id: the digest under which it is offered. Those not named may be any. */
  readonly digests?: ReadonlyMap<string, string>;
  /** Threads one inference may use. */
  readonly threads: number;
  /** What graphs run on; cpu where it is not said. */
  readonly provider?: Provider;
  /** For the log: a graph of which part does not run on the provider, in a sentence. Once for each graph that is loaded. */
  readonly onWarning?: (why: string) => void;
  readonly childPath: string;
  /** Bundles are kept loaded while their files come to no more than this; limits.loadedBundlesShare of the memory otherwise. */
  readonly loadedBytes?: number;
  /** A child is replaced after so many tasks; limits.tasksPerChild otherwise. */
  readonly tasksPerChild?: number;
  /** A child that is larger than this after a task is replaced; limits.childMemoryShare of the memory otherwise. */
  readonly childBytes?: number;
}

/** The children, by model. */
export interface ChildPool {
  /** Hands out a model's child, loading or loaded, until `act` is over. Throws `model_not_found`, and what `act` throws. */
  use<T>(model: string, act: (child: RenderChild) => Promise<T>): Promise<T>;
  /** Starts to load a model where there is room for it; what goes wrong is told to who uses it. */
  warm(model: string): void;
  /** Ends all children, also those in use. */
  close(): Promise<void>;
}

/** No child is started before the first use. */
export function createChildPool(options: PoolOptions): ChildPool {
  const tasksPerChild = options.tasksPerChild ?? limits.tasksPerChild;
  const childBytes = options.childBytes ?? limits.childMemoryShare * machineMemoryBytes();
  const inTurn = createTurns();
  let closed = false;

  const children = createChildSet({
    loadedBytes: options.loadedBytes ?? limits.loadedBundlesShare * machineMemoryBytes(),
    fork: model => forkFor(options, model),
    onGone: member => inTurn(() => children.end(member)), // the next who needs it starts afresh, on files that may be mended
  });

  const folderOf = (model: string): string => {
    const folder = options.bundles.get(model);
    if (closed) throw new ReelayError('renderer_lost', 'The renderer is closed.');
    if (folder === undefined) throw new ReelayError('model_not_found', `model: this worker has no bundle "${model}".`);
    return folder;
  };

  const memberFor = async (model: string): Promise<Member> => {
    const folder = folderOf(model);
    const known = children.members.get(model);
    if (known !== undefined && isAlive(known.child)) return known;
    if (known !== undefined) await children.end(known);
    const bytes = await folderBytes(folder);
    await children.makeRoom(bytes);
    return children.start(model, bytes);
  };

  /** In the background: nobody's task waits for the end of a child, and the next finds a fresh one loading. */
  const replaceIfWorn = async (member: Member): Promise<void> => {
    const { child, model, bytes } = member;
    const isWorn = async () =>
      member.tasks >= tasksPerChild || ((await residentBytes(child.process.pid ?? 0)) ?? 0) > childBytes;
    if (!isAlive(child)) return children.end(member);
    if (member.users > 0 || !(await isWorn())) return;
    await children.end(member);
    if (!closed) children.start(model, bytes);
  };

  return {
    async use(model, act) {
      const member = await inTurn(async () => {
        const found = await memberFor(model);
        found.users++;
        return found;
      });
      try {
        return await act(member.child);
      } finally {
        member.users--;
        member.tasks++;
        children.touch(member);
        void inTurn(() => replaceIfWorn(member));
      }
    },
    warm(model) {
      inTurn(async () => {
        const bytes = await folderBytes(folderOf(model));
        const { members } = children;
        if (!members.has(model) && (members.size === 0 || children.hasRoomFor(bytes))) children.start(model, bytes);
      }).catch(() => undefined);
    },
    async close() {
      closed = true;
      await inTurn(async () => void (await Promise.all([...children.members.values()].map(children.end))));
    },
  };
}

/** One change of the set at a time. */
function createTurns(): <T>(change: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return change => {
    const turn = last.then(change);
    last = turn.catch(() => undefined);
    return turn;
  };
}

function forkFor({ bundles, digests, ...rest }: PoolOptions, model: string): RenderChild {
  const { childPath, threads, provider, onWarning } = rest;
  return startChild({
    childPath,
    threads,
    provider,
    onWarning,
    folder: bundles.get(model)!,
    digest: digests?.get(model),
  });
}
