/** @file `reelay eval --update-golden`: a golden folder made anew. */
import { ReelayError } from '#core/errors.ts';
import { gateLimits } from '#gpu-container/evaluation/gates/gate-limits.ts';
import { seedSpread } from '#gpu-container/evaluation/gates/judge-gate.ts';
import { type ClipFigures, judgeClip } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { choiceOf, type EvalFlags, promptsOf } from './eval-flags.ts';
import { emptyGolden, findGolden, type GoldenEntry, writeGoldenClip, writeManifest } from './eval-golden.ts';
import { evalLimits } from './eval-limits.ts';
import { askOf } from './eval-run.ts';
import type { ClipSource, EvalAsk, MadeClip, OpenSource } from './eval-source.ts';
import { checkFolder } from './eval-targets.ts';
import { startProgress } from './plan-progress.ts';

const bad = (message: string) => new ReelayError('invalid_request', message);

/** Clips of the flags' prompts and settings, on one thread, in place of what `folder` had; sets in folders of it stay as they are. */
export async function takeGolden(flags: EvalFlags, folder: string, reason: string, open: OpenSource): Promise<void> {
  const text = reason.trim();
  if (text === '' || text.length > evalLimits.maxReasonChars)
    throw bad(
      `--update-golden: got ${text.length} characters; a reason of 1 to ${evalLimits.maxReasonChars} is allowed.`,
    );
  const odd = (['out', 'json', 'html'] as const).find(name => flags[name] !== undefined);
  if (odd !== undefined)
    throw bad(`--${odd}: got "${flags[odd]}" beside --update-golden, which writes into --golden alone; leave it out.`);
  const choice = choiceOf(flags);
  const prompts = await promptsOf(flags, { fixed: evalLimits.goldenPrompts, most: evalLimits.maxGoldenPrompts });
  await checkFolder('golden', folder);
  const before = await findGolden(folder);
  const source = await open({ oneThread: true });
  const progress = startProgress('golden');
  try {
    const entries: GoldenEntry[] = [];
    const bySeed: ClipFigures[][] = [];
    const asks = await Promise.all(prompts.map((prompt, index) => askOf(prompt, index, choice, source)));
    for (const ask of asks) source.check(ask);
    await emptyGolden(folder, before);
    for (const [index, ask] of asks.entries()) {
      const made = await source.make(ask, { keepLatents: true });
      entries.push(await writeGoldenClip(folder, index, { ask, made }));
      await takeSeeds(bySeed, source, ask, made, gateLimits.driftSeeds);
      progress.tell(`${index + 1} of ${asks.length} clips`);
    }
    progress.end();
    const { subject } = source;
    const spreads = Object.entries(seedSpread(bySeed)).map(([name, { mean, deviation }]) => [
      name,
      { mean, deviation },
    ]);
    await writeManifest(folder, {
      reelayGolden: 1,
      subject,
      arch: process.arch,
      settings: source.check(asks[0]!)!,
      asked: { preset: choice.preset ?? null, steps: choice.steps ?? null, guidance: choice.guidance ?? null },
      approvals: [...(before?.approvals ?? []), { reason: text, bundle: subject.bundle, engine: subject.engine }],
      seeds: gateLimits.driftSeeds,
      figures: Object.fromEntries(spreads),
      prompts: entries,
    });
    process.stdout.write(
      `${folder}: ${entries.length} goldens of ${subject.model}; ${gateLimits.driftSeeds} seeds each for the spread\n`,
    );
  } finally {
    progress.end();
    await source.close();
  }
}

/** Figures of the clip and of those of the seeds that follow, each into the list of its seed. */
export async function takeSeeds(
  bySeed: ClipFigures[][],
  source: ClipSource,
  ask: EvalAsk,
  first: MadeClip,
  seeds: number,
): Promise<void> {
  for (let k = 0; k < seeds; k++) {
    const seed = (ask.seed + k) % 2 ** 32;
    const made = k === 0 ? first : await source.make({ ...ask, seed }, { keepLatents: false });
    bySeed[k] ??= [];
    bySeed[k]!.push(judgeClip(made.clip).figures);
  }
}
