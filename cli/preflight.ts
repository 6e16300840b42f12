/** @file What a worker of an installation on AWS checks before it takes a job: each thing that is wrong in a sentence with its setting. */
import { mkdir } from 'node:fs/promises';
import type { EnclaveResources, Environment } from '#adapters/aws/connect.ts';
import { resolveCredentials } from '#adapters/aws/credentials.ts';
import { type Probed, probeBucket, probeQueue, probeTable } from '#adapters/aws/probe-resources.ts';
import { limits } from '#core/limits.ts';
import { defaultResidency, type Place, type ResidencyClasses, servedClasses } from '#core/policy/residency.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { whyDiskIsFull } from '#gpu-container/worker/disk-room.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What a worker is going to use. */
export interface PreflightInput {
  readonly env: Environment;
  readonly place: Place;
  readonly classes: ResidencyClasses;
  /** Of each class that has resources, by name. */
  readonly enclaves: ReadonlyMap<string, EnclaveResources>;
  readonly bundles: ReadonlyMap<string, string>;
  readonly digests: ReadonlyMap<string, string>;
  /** undefined: bundles are fetched from elsewhere, which is seen when they are. */
  readonly bundleBucket: string | undefined;
  readonly scratchRoot: string;
}

/** The object of the job that no job has; a worker may read below it. */
export const NO_KEY = 'videos/preflight';

/** Looks at everything, in the order in which one thing makes sense of the next. Without credentials AWS is not asked. */
export async function preflight(input: PreflightInput): Promise<readonly Finding[]> {
  const findings = [await disk(input), ...(await bundlesOnDisk(input)), residency(input)];
  const region = input.env.AWS_REGION ?? '';
  const found = await look('credentials', async () => {
    if (region === '') throw new Error('AWS_REGION: it is not set; it is the region of the installation.');
    const { until } = await resolveCredentials(input.env, region);
    return until === undefined ? 'keys' : `until ${until.toISOString()}, renewed by themselves`;
  });
  findings.push(found);
  if (!found.ok) return findings;
  let clock: Date | undefined;
  const add = (check: string, setting: string, { why, serverDate }: Probed) => {
    clock ??= serverDate;
    findings.push({
      check,
      ok: why === undefined,
      detail: why === undefined ? 'there and permitted' : `${setting}: ${why}.`,
    });
  };
  for (const name of servedHere(input)) {
    const { queueUrl, table, bucket } = input.enclaves.get(name)!;
    const settingOf = (field: string, variable: string) =>
      name === defaultResidency ? variable : `REELAY_ENCLAVES, ${name}.${field}`;
    add(`queue of ${name}`, `${settingOf('queueUrl', 'REELAY_QUEUE_URL')} (${queueUrl})`, await probeQueue(queueUrl));
    add(`table of ${name}`, `${settingOf('table', 'REELAY_TABLE')} (${table})`, await probeTable(table));
    add(`bucket of ${name}`, `${settingOf('bucket', 'REELAY_BUCKET')} (${bucket})`, await probeBucket(bucket, NO_KEY));
  }
  for (const [id, digest] of input.digests) {
    if (input.bundles.has(id) || input.bundleBucket === undefined) continue;
    const key = `bundles/${digest}/bundle.json`;
    add(`bundle ${id}`, `REELAY_BUNDLE_DIGESTS, ${id} (${key})`, await probeBucket(input.bundleBucket, key, true));
  }
  findings.push(clockSkew(clock, Date.now()));
  return findings;
}

/** The classes that this place may serve and that have resources here, the most restricted first. */
export function servedHere({ classes, place, enclaves }: PreflightInput): readonly string[] {
  return servedClasses(classes, place).filter(name => enclaves.has(name));
}

function residency(input: PreflightInput): Finding {
  const { site, region } = input.place;
  const served = servedHere(input);
  return served.length > 0
    ? { check: 'residency', ok: true, detail: `${site} in ${region} may serve ${served.join(', ')}` }
    : {
        check: 'residency',
        ok: false,
        detail: `REELAY_RESIDENCY: no class of this installation may be served by a worker ${site} in ${region}.`,
      };
}

/** `there` is AWS's clock as it answered; undefined where nothing answered, which other findings tell. */
export function clockSkew(there: Date | undefined, nowMs: number): Finding {
  if (there === undefined) return { check: 'clock', ok: true, detail: 'not compared: AWS did not answer' };
  const seconds = Math.round((nowMs - there.getTime()) / 1000);
  const text = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'before'} AWS`;
  if (Math.abs(seconds) <= limits.maxClockSkewSeconds) return { check: 'clock', ok: true, detail: text };
  return {
    check: 'clock',
    ok: false,
    detail: `The clock of this machine is ${text}; at most ${limits.maxClockSkewSeconds} s are allowed. Set it by NTP.`,
  };
}

function disk({ scratchRoot }: PreflightInput): Promise<Finding> {
  return look('disk', async () => {
    await mkdir(scratchRoot, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      throw new Error(`REELAY_SCRATCH: ${scratchRoot} cannot be made (${error.code}).`);
    });
    const why = await whyDiskIsFull(scratchRoot, scratchRoot);
    if (why !== undefined) throw new Error(`REELAY_SCRATCH: ${why}.`);
    return `${scratchRoot} has room`;
  });
}

function bundlesOnDisk({ bundles }: PreflightInput): Promise<Finding[]> {
  return Promise.all(
    [...bundles].map(([id, folder]) =>
      look(`bundle ${id}`, async () => {
        const card = await readModelCard(folder).catch((error: Error) => {
          throw new Error(`REELAY_BUNDLES, ${id}=${folder}: ${error.message}`);
        });
        if (card.id !== id)
          throw new Error(`REELAY_BUNDLES, ${id}=${folder}: the bundle there calls itself ${card.id}.`);
        return folder;
      }),
    ),
  );
}

async function look(check: string, act: () => Promise<string>): Promise<Finding> {
  try {
    return { check, ok: true, detail: await act() };
  } catch (error) {
    return { check, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
