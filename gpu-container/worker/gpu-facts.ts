import { execFile } from 'node:child_process';
import { limits } from '#core/limits.ts';
import type { Device, Provider } from '#core/provider.ts';
import { machineMemoryBytes } from './machine-memory.ts';

/** A GPU as the driver tells of it. */
export interface GpuFacts {
  readonly name: string;
  readonly driver: string;
  readonly memoryBytes: number;
  readonly usedBytes: number;
}

/** The first GPU that this process may use (graphs run on device 0); undefined where there is none or no driver. Never rejects. */
export async function readGpu(program = 'nvidia-smi'): Promise<GpuFacts | undefined> {
  const query = ['--query-gpu=name,driver_version,memory.total,memory.used', '--format=csv,noheader,nounits'];
  const options = { timeout: limits.probeSeconds * 1000, killSignal: 'SIGKILL' } as const;
  const stdout = await new Promise<string>(resolve => {
    execFile(program, query, options, (error, text) => resolve(error === null ? text : ''));
  });
  return parseGpu(stdout);
}

const MIB = 1_048_576;

/** "NVIDIA L40S, 570.86.15, 46068, 512": name, driver, and memory in MiB. */
export function parseGpu(csv: string): GpuFacts | undefined {
  const [name, driver, total, used] = (csv.split('\n')[0] ?? '').split(',').map(part => part.trim());
  if (!name || !driver || !/^\d+$/.test(total ?? '') || !/^\d+$/.test(used ?? '')) return undefined;
  return { name, driver, memoryBytes: Number(total) * MIB, usedBytes: Number(used) * MIB };
}

/** What this machine offers to models on a provider. */
export async function describeDevice(provider: Provider): Promise<Device> {
  if (provider === 'cpu') return { provider, memoryBytes: machineMemoryBytes() };
  return { provider, memoryBytes: (await readGpu())?.memoryBytes };
}
