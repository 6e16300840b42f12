import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { arch, availableParallelism, platform, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import {
  awsSettingsCheck,
  type Checks,
  encoderCheck,
  examine,
  providerChecks,
  QUOTA_NOTE,
  showFindings,
} from '#gpu-container/doctor-checks.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { providerFrom } from '#gpu-container/worker/provider-setting.ts';
import { findBundles } from '#local/bundles.ts';
import { dataFolderFrom, portFrom } from './settings.ts';

/** `reelay doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine and installation; exit 1 if something is wrong')
    .option(
      '--online',
      'also ask the queue, the table and the bucket of a deployment whose settings are in the environment',
    )
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean; online?: boolean }) => {
      const aws = awsSettingsCheck(process.env, options.online === true);
      const online: Checks =
        options.online === true ? (await import('#adapters/aws/resource-checks.ts')).resourceChecks(process.env) : {};
      const findings = await examine({ ...CHECKS, ...providerChecks(providerFrom(process.env)), ...aws, ...online });
      const notes = process.env.REELAY_QUEUE_URL === undefined ? [] : [QUOTA_NOTE];
      process.stdout.write(showFindings(findings, options.json === true, notes));
      if (findings.some(finding => !finding.ok)) process.exitCode = 1;
    });
}

/** Below this a handful of clips fills the disk. */
const MIN_FREE_BYTES = 500_000_000;

const CHECKS: Checks = {
  machine: async () =>
    `Node ${process.versions.node} on ${platform()}-${arch()}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB memory`,
  ...encoderCheck,
  'data folder': async () => {
    const folder = resolve(dataFolderFrom(process.env));
    const probe = join(folder, `.doctor-${process.pid}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, 'x');
    await rm(probe);
    const disk = await statfs(folder);
    const free = disk.bavail * disk.bsize;
    if (free < MIN_FREE_BYTES) throw new Error(`${folder} has ${Math.round(free / 1e6)} MB free; 500 MB are wanted`);
    return `${folder} is writable, ${(free / 1e9).toFixed(1)} GB free`;
  },
  port: async () => {
    const port = portFrom(process.env);
    if (await isReelay(port)) return `${port} on 127.0.0.1 is served by Reelay`;
    await new Promise<void>((done, failed) => {
      const server = createServer();
      server.once('error', () => failed(new Error(`${port} on 127.0.0.1 is taken (PORT chooses another)`)));
      server.listen(port, '127.0.0.1', () => server.close(() => done()));
    });
    return `${port} on 127.0.0.1 is free`;
  },
  models: async () => {
    const { installed: bundles, refused } = await findBundles(undefined, resolve(dataFolderFrom(process.env)));
    if (refused[0] !== undefined) throw refused[0].error;
    if (bundles.length === 0) throw new Error('no bundle is installed');
    for (const { folder } of bundles) await loadBundle(folder);
    return `${bundles.map(bundle => bundle.card.id).join(', ')}: every file matches its sha256`;
  },
};

async function isReelay(port: number): Promise<boolean> {
  try {
    const health = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1_000) });
    const { mode, status } = (await health.json()) as { mode?: string; status?: string };
    // A server that asks for keys says no more to us.
    return mode === 'embedded' || (mode === undefined && status === 'ok' && health.headers.has('x-request-id'));
  } catch {
    return false;
  }
}
