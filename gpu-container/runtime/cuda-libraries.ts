/** @file Which of the shared libraries behind the CUDA provider are there, so that a refusal can name the one that is not. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The libraries of ONNX Runtime that the image puts beside the binding (gpu-container/install-cuda.sh). */
export const PROVIDER_LIBRARIES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

/** A linker that takes longer hangs on something else. */
const LINKER_MS = 10_000;

/** What was looked for, and what was not found. */
export interface CudaLibraries {
  /** Where ONNX Runtime's binding looks for its providers. */
  readonly folder: string;
  /** Names; of the provider's own dependencies only where `ldd` tells. Empty: nothing is known to be missing. */
  readonly missing: readonly string[];
}

/** The folder of onnxruntime-node's native library on this platform. */
export function bindingFolder(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch);
}

/** Looks beside the binding, and asks the system's linker what the CUDA provider itself would miss. */
export async function findCudaLibraries(folder = bindingFolder()): Promise<CudaLibraries> {
  const absent = PROVIDER_LIBRARIES.filter(name => !existsSync(join(folder, name)));
  if (absent.length > 0) return { folder, missing: absent };
  const linked = await promisify(execFile)('ldd', [join(folder, PROVIDER_LIBRARIES[1])], { timeout: LINKER_MS }).catch(
    () => ({ stdout: '' }), // no ldd here: nothing is known
  );
  return { folder, missing: unresolved(linked.stdout) };
}

/** The names that `ldd` did not find: "libcudnn.so.9 => not found". */
export function unresolved(ldd: string): string[] {
  return [...ldd.matchAll(/^\s*(\S+) => not found$/gm)].map(match => match[1]!);
}
