/** The suites by the name they are run by, and how long one may take at full scale before it counts as hung. */
import { runCancels } from './cancel-any-moment.ts';
import { runClockJumps } from './clock-jumps.ts';
import { runWorkerKills } from './r1-worker-kills.ts';
import { runServerKills } from './r2-server-kills.ts';
import { runZombies } from './r4-zombies.ts';
import { runDuplicates } from './r5-duplicates.ts';
import { runEveryStep } from './r6-every-step.ts';
import { runOverhead } from './r6-overhead.ts';
import { runDrains } from './r7-drains.ts';
import { runPoison } from './r9-poison.ts';
import { runDisk } from './r11-disk.ts';
import type { Result } from './result.ts';
import { runSlowStore } from './slow-store.ts';
import type { Stage } from './stage.ts';

export interface Suite {
  /** Scale 1 is the full figure of the reliability goals. */
  readonly run: (stage: Stage, scale: number) => Promise<Result>;
  readonly limitMinutes: number;
}

export const suites: Readonly<Record<string, Suite>> = {
  r1: { run: runWorkerKills, limitMinutes: 60 },
  r2: { run: runServerKills, limitMinutes: 40 },
  r4: { run: runZombies, limitMinutes: 40 },
  r5: { run: runDuplicates, limitMinutes: 20 },
  r6: { run: runEveryStep, limitMinutes: 30 },
  r6o: { run: runOverhead, limitMinutes: 20 },
  r7: { run: runDrains, limitMinutes: 60 },
  r9: { run: runPoison, limitMinutes: 60 },
  r11: { run: runDisk, limitMinutes: 60 },
  cancel: { run: runCancels, limitMinutes: 20 },
  slow: { run: runSlowStore, limitMinutes: 20 },
  clock: { run: runClockJumps, limitMinutes: 20 },
};
