import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { markingSettings } from '#test/worker/marks-for.ts';
import { MASTER_KEY } from './resolve-secrets.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..');
const DRAIN_MS = 30_000;

/** The worker of a deployment, as a process of this machine. */
export interface CloudWorker {
  readonly logPath: string;
  /** SIGTERM, as a scale-in does it; its exit code. */
  drain(): Promise<number | null>;
}

/** gpu-container/main.ts with the bundled model on the CPU, told of the stack by its outputs and of nothing else. */
export function startWorker(
  outputs: Readonly<Record<string, string>>,
  folder: string,
  env: Readonly<Record<string, string>>,
): CloudWorker {
  const logPath = join(folder, 'worker.log');
  const log = createWriteStream(logPath);
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(CHECKOUT, 'gpu-container', 'main.ts')],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        TMPDIR: folder,
        ...env,
        REELAY_QUEUE_URL: outputs.ReelayQueueUrl,
        REELAY_DEAD_LETTER_QUEUE_URL: outputs.ReelayDeadLetterQueueUrl,
        REELAY_TABLE: outputs.ReelayTable,
        REELAY_BUCKET: outputs.ReelayBucket,
        REELAY_EVENT_BUS: outputs.ReelayEventBus,
        REELAY_RESIDENCY: outputs.ReelayResidency,
        REELAY_ENCLAVES: outputs.ReelayEnclaves,
        REELAY_POOL: 'cloud-spot',
        REELAY_SITE: 'cloud',
        REELAY_REGION: 'us-east-1',
        REELAY_BUNDLES: `reelay-mini=${join(CHECKOUT, 'models', 'reelay-mini')}`,
        REELAY_THREADS: '2',
        REELAY_RECEIPT_KEY: generateKeyPairSync('ed25519')
          .privateKey.export({ type: 'pkcs8', format: 'pem' })
          .toString(),
        REELAY_MASTER_KEY: MASTER_KEY,
        ...markingSettings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  return {
    logPath,
    drain: async () => {
      if (child.exitCode !== null) return child.exitCode;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([gone, sleep(DRAIN_MS)]);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      return child.exitCode;
    },
  };
}
