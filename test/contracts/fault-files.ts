import type { FileHandle } from 'node:fs/promises';
import type { FileFunctions } from '#adapters/local/durable-folder.ts';
import { nodeFiles } from '#adapters/local/durable-folder.ts';

/** A disk on which one step fails. */
export interface FaultFiles {
  readonly files: FileFunctions;
  /** What was done so far, the failed step included: `open`, `writeFile`, `sync` … */
  readonly steps: readonly string[];
}

/** The real disk, but its `failing`th step (from 1) throws this errno; a write that fails has written half of its bytes. */
export function faultFiles(failing: number, code: string): FaultFiles {
  const steps: string[] = [];

  /** Counts the step and throws if it is the one. */
  function step(name: string): void {
    if (steps.push(name) !== failing) return;
    throw Object.assign(new Error(`${code}: made up, ${name}`), { code });
  }

  function wrapped(handle: FileHandle): FileHandle {
    return new Proxy(handle, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          try {
            step(String(name));
          } catch (error) {
            if (name === 'writeFile') await target.writeFile((args[0] as Uint8Array).subarray(0, 3));
            if (name === 'close') await target.close(); // Linux closes also when it reports an error
            throw error;
          }
          return value.apply(target, args);
        };
      },
    });
  }

  const counted = <F extends (...args: any[]) => any>(name: string, call: F) =>
    (async (...args: Parameters<F>) => {
      step(name);
      return call(...args);
    }) as unknown as F;
  const files: FileFunctions = {
    mkdir: counted('mkdir', nodeFiles.mkdir),
    rename: counted('rename', nodeFiles.rename),
    // Removal works: it is what clears up after the step that failed.
    rm: nodeFiles.rm,
    stat: counted('stat', nodeFiles.stat),
    open: (async (...args: Parameters<typeof nodeFiles.open>) => {
      step('open');
      return wrapped(await nodeFiles.open(...args));
    }) as typeof nodeFiles.open,
  };
  return { files, steps };
}
