/**
 * @file What is looked at on a machine that renders, in a container or outside: each check ends in a sentence for people. Values of
 * settings are never told, only names; a queue's address may be a secret of its owner.
 */
import { mkdir, readdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Provider } from '#core/provider.ts';
import { canEncode } from '#gpu-container/media/encode-mp4.ts';
import { findCudaLibraries } from '#gpu-container/runtime/cuda-libraries.ts';
import { describeRuntime } from '#gpu-container/runtime/ort-backend.ts';
import { readGpu } from '#gpu-container/worker/gpu-facts.ts';
import { runProbe } from '#gpu-container/worker/run-probe.ts';
import { type BundleSettings, bundleSettingsFrom } from './bundle-settings.ts';
import { listCache } from './bundles/bundle-cache.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** A look: what it found, in words, or a throw with what is wrong. */
export type Checks = Readonly<Record<string, () => Promise<string>>>;

/** The environment as a program hands it over. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that a worker on AWS cannot start without. */
const AWS_NAMES = [
  'REELAY_QUEUE_URL',
  'REELAY_DEAD_LETTER_QUEUE_URL',
  'REELAY_TABLE',
  'REELAY_BUCKET',
  'REELAY_EVENT_BUS',
  'REELAY_POOL',
  'REELAY_SITE',
  'REELAY_REGION',
] as const;

/** Runs checks one after another; a failing one does not keep the others from being run. */
export async function examine(checks: Checks): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [check, look] of Object.entries(checks))
    try {
      findings.push({ check, ok: true, detail: await look() });
    } catch (error) {
      findings.push({ check, ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  return findings;
}

/** What graphs run on here, by running one, and what stands behind it. */
export function providerChecks(provider: Provider): Checks {
  return {
    'ONNX Runtime': async () => describeRuntime(),
    provider: async () => {
      const probe = await runProbe(provider);
      if (!probe.ok) throw new Error(`${probe.reason} Nothing is rendered on the CPU instead.`);
      const nodes = Object.entries(probe.ranOn).map(([name, count]) => `${count} nodes on ${name}`);
      return `${provider} runs: a small graph ran ${nodes.join(', ')} (${probe.ms} ms)`;
    },
    GPU: async () => {
      const gpu = await readGpu();
      if (gpu !== undefined)
        return `${gpu.name}, driver ${gpu.driver}, ${gibibytes(gpu.memoryBytes)} of memory, ${gibibytes(gpu.usedBytes)} in use`;
      if (provider === 'cuda') throw new Error('nvidia-smi finds none; the container needs the NVIDIA runtime');
      return 'none that nvidia-smi finds; none is asked for';
    },
    'CUDA libraries': async () => {
      const { missing, folder } = await findCudaLibraries();
      if (missing.length === 0) return `all found (${folder})`;
      if (provider === 'cuda') throw new Error(`missing: ${missing.join(', ')} (looked for in ${folder})`);
      return `not all there (${missing.join(', ')}); none is needed on the CPU`;
    },
  };
}

/** The encoder: every clip goes through it, on a GPU too. */
export const encoderCheck: Checks = {
  'H.264 encoder': async () => {
    if (!(await canEncode())) throw new Error('the encoder of @napi-rs/webcodecs does not load on this platform');
    return 'software, by @napi-rs/webcodecs';
  },
};

/** Where bundles and attempts are written. */
export function diskChecks(env: Environment): Checks {
  return {
    'bundle cache': async () => describeCache(bundleSettingsFrom(env)),
    disk: async () => {
      const folders = [env.REELAY_SCRATCH || join(tmpdir(), 'reelay'), bundleSettingsFrom(env).cacheFolder];
      const told: string[] = [];
      for (const folder of new Set(folders)) {
        await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {
          throw new Error(`${folder} cannot be made or written`);
        });
        const { bavail, bsize } = await statfs(folder);
        if (bavail * bsize < limits.minFreeBytes)
          throw new Error(`${folder} has ${gigabytes(bavail * bsize)} free; ${gigabytes(limits.minFreeBytes)} must be`);
        told.push(`${folder} ${gigabytes(bavail * bsize)} free`);
      }
      return told.join(', ');
    },
  };
}

async function describeCache({ cacheFolder, cacheBytes }: BundleSettings): Promise<string> {
  const bundles = await listCache(cacheFolder);
  const begun = await readdir(join(cacheFolder, '.fetching')).catch(() => []);
  const all = bundles.reduce((sum, bundle) => sum + bundle.bytes, 0);
  const inUse = bundles.filter(bundle => bundle.inUse).length;
  return [
    `${bundles.length} bundles in ${cacheFolder}, ${gigabytes(all)}, ${inUse} in use`,
    ...(begun.length > 0 ? [`${begun.length} half fetched`] : []),
    cacheBytes === undefined ? 'no quota' : `quota ${gigabytes(cacheBytes)}`,
  ].join('; ');
}

/** Whether the settings of a worker on AWS are complete; `needed` false: where none of them is set, none is missed. */
export function awsSettingsCheck(env: Environment, needed: boolean): Checks {
  return {
    'AWS settings': async () => {
      const missing = AWS_NAMES.filter(name => !env[name]?.trim());
      const models = env.REELAY_BUNDLES?.trim() || env.REELAY_BUNDLE_DIGESTS?.trim();
      const absent = [...missing, ...(models ? [] : ['REELAY_BUNDLES or REELAY_BUNDLE_DIGESTS'])];
      if (!needed && missing.length === AWS_NAMES.length) return 'none set: this is no worker of a deployment';
      if (absent.length > 0) throw new ReelayError('invalid_request', `not set: ${absent.join(', ')}`);
      return `complete: ${AWS_NAMES.join(', ')}`;
    },
  };
}

/** What no program can find out without rights on the account; said where a GPU fleet is meant. */
export const QUOTA_NOTE =
  'EC2 starts new accounts at or near 0 vCPUs for GPU instances: look at the quotas "Running On-Demand G and VT instances" and "All G ' +
  'and VT Spot Instance Requests" before a deployment, and ask for the vCPUs of as many instances as the fleet may have.';

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

/** Findings for people or as JSON, and whether all is well. */
export function showFindings(findings: readonly Finding[], json: boolean, notes: readonly string[] = []): string {
  if (json) return `${JSON.stringify(findings)}\n`;
  const lines = findings.map(({ check, ok, detail }) => `${ok ? 'ok  ' : 'BAD '} ${check}: ${detail}\n`);
  return [...lines, ...notes.map(note => `note ${note}\n`)].join('');
}
