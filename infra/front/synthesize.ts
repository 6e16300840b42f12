import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What to synthesize, and where to. */
export interface SynthesizeOptions {
  /** The checkout. */
  readonly root: string;
  /** Emptied first. */
  readonly outputFolder: string;
  readonly stage: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the CDK app in a child process, for SST bundles what it imports itself and the CDK does not survive that. The child is the
 * checkout's own Node 24, whatever Node runs SST. Throws with what the app said, which is a sentence for each impossible setting.
 */
export function synthesize({ root, outputFolder, stage, env }: SynthesizeOptions): void {
  rmSync(outputFolder, { recursive: true, force: true });
  const app = join(root, 'infra', 'app.ts');
  const pinned = join(root, 'node_modules', 'node', 'bin', 'node');
  const [command, args] = existsSync(pinned)
    ? [pinned, ['--disable-warning=ExperimentalWarning', app]]
    : [process.execPath, [join(root, 'cli', 'bootstrap.mjs'), '--exec', 'infra/app.ts']]; // a fresh clone sets itself up
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...env,
      NODE_OPTIONS: '', // those of SST's own process, which are not ours
      CDK_OUTDIR: outputFolder,
      REELAY_STAGE: stage,
      REELAY_ASSETS: 'parameter',
      // Where SST deploys to; the settings may have meant another region.
      CDK_DEFAULT_REGION: env.SST_AWS_REGION ?? env.AWS_REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
  if (error !== undefined) throw new Error(`the CDK app could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`the CDK app failed:\n${(stderr || stdout).trim()}`);
}
