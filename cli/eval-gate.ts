/** @file `reelay eval --gate` and `--update-golden`: clips held to a golden folder, and a golden folder made anew. */
import { ReelayError } from '#core/errors.ts';
import { type Gate, gateLimits } from '#gpu-container/evaluation/gates/gate-limits.ts';
import {
  driftProblems,
  type GateFinding,
  judgeAgainstGolden,
  seedSpread,
} from '#gpu-container/evaluation/gates/judge-gate.ts';
import { type ClipFigures, judgeClip } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import type { Subject } from '#gpu-container/evaluation/report.ts';
import { choiceOf, type EvalFlags, gateOf, promptsOf } from './eval-flags.ts';
import { reportGate } from './eval-gate-report.ts';
import {
  emptyGolden,
  findGolden,
  type GoldenEntry,
  type GoldenManifest,
  goldenAsk,
  readGoldenClip,
  writeGoldenClip,
  writeManifest,
} from './eval-golden.ts';
import { evalLimits } from './eval-limits.ts';
import { askOf, sideBySide } from './eval-run.ts';
import type { ClipSource, EvalAsk, MadeClip } from './eval-source.ts';
import { checkFolder, checkTargets } from './eval-targets.ts';
import { numberOf } from './flag-values.ts';
import { startProgress } from './plan-progress.ts';

type Open = (how: { readonly oneThread: boolean }) => Promise<ClipSource>;

const bad = (message: string) => new ReelayError('invalid_request', message);

/** A gate, or new goldens, as the flags say; `invalid_request` where they contradict one another. */
export async function runGate(flags: EvalFlags, open: Open): Promise<void> {
  const { gate, golden, updateGolden: reason, server } = flags;
  if (golden === undefined) throw bad(`--${gate === undefined ? 'update-golden' : 'gate'}: --golden names the folder.`);
  if (gate === undefined && reason === undefined)
    throw bad('--golden: --gate L0, L1 or L2 compares with it, and --update-golden "why" makes it.');
  if (gate !== undefined && reason !== undefined)
    throw bad(
      '--update-golden: --gate was given too; look at what the gate found first, and then replace the goldens.',
    );
  if (server !== undefined)
    throw bad('--server: a server tells no latents, so goldens are of a bundle: --model or --bundle.');
  if (reason !== undefined) return update(flags, golden, reason, open);
  const asked = ['prompts', 'task', 'preset', 'steps', 'guidance'] as const;
  const odd = asked.find(name => flags[name] !== undefined);
  if (odd !== undefined) throw bad(`--${odd}: the golden folder says what is asked; leave it out.`);
  const level = gateOf(gate!);
  await checkTargets(flags);
  const manifest = await findGolden(golden);
  if (manifest === undefined)
    throw bad(`--golden: there is no golden.json in ${golden}; --update-golden "why" makes one.`);
  const source = await open({ oneThread: level === 'L0' });
  try {
    refuseOther(level, manifest, source.subject);
    await hold(level, flags, { folder: golden, manifest, source });
  } finally {
    await source.close();
  }
}

/** L0 compares one build with itself, L1 one bundle; L2 anything that should look alike. */
function refuseOther(gate: Gate, { subject, arch }: GoldenManifest, now: Subject): void {
  const facts: readonly (readonly [what: string, golden: unknown, now: unknown, gates: readonly Gate[]])[] = [
    ['the model', subject.model, now.model, ['L0', 'L1', 'L2']],
    ['the bundle', subject.bundle?.slice(0, 12), now.bundle?.slice(0, 12), ['L0', 'L1']],
    ['Reelay', subject.engine, now.engine, ['L0']],
    ['ONNX Runtime', subject.ort, now.ort, ['L0']],
    ['the provider', subject.provider, now.provider, ['L0']],
    ['the precision', subject.precision ?? 'not stated', now.precision ?? 'not stated', ['L0']],
    ['the number of threads', subject.threads, now.threads, ['L0']],
    ['the processor', arch, process.arch, ['L0']],
  ];
  const odd = facts.find(([, golden, here, gates]) => gates.includes(gate) && golden !== here);
  if (odd === undefined) return;
  const [what, golden, here] = odd;
  const why = {
    L0: 'the same build on the same kind of machine',
    L1: 'one bundle with itself',
    L2: 'one model with itself',
  };
  const instead =
    gate === 'L2' || what === 'the model'
      ? ''
      : what === 'the bundle'
        ? ' L2 compares others.'
        : ' L1 and L2 compare others.';
  throw new ReelayError(
    'unsupported_operation',
    `--gate ${gate}: ${what} of the golden is ${golden} and here ${here}; ${gate} compares ${why[gate]}.${instead}`,
  );
}

interface Held {
  readonly folder: string;
  readonly manifest: GoldenManifest;
  readonly source: ClipSource;
}

async function hold(gate: Gate, flags: EvalFlags, { folder, manifest, source }: Held): Promise<void> {
  const { count } = flags;
  const most = manifest.prompts.length;
  const wanted = count === undefined ? most : numberOf('count', count, 1, most, true);
  const findings: (GateFinding & { readonly prompt: string })[] = [];
  const sheets = new Map<number, Uint8Array>();
  const bySeed: ClipFigures[][] = [];
  const progress = startProgress(`gate ${gate}`);
  for (const [index, { prompt }] of manifest.prompts.slice(0, wanted).entries()) {
    const golden = await readGoldenClip(folder, manifest, index);
    const ask = await goldenAsk(folder, manifest, index);
    const made = await source.make(ask, { keepLatents: true });
    const finding = judgeAgainstGolden(gate, golden, made);
    findings.push({ prompt, ...finding });
    if (finding.problems.length > 0) sheets.set(index, await sideBySide(golden.clip, made.clip));
    // Of fewer prompts than the golden's the mean is another one, so there is no drift to tell.
    if (gate === 'L2' && wanted === most) await takeSeeds(bySeed, source, ask, made, manifest.seeds);
    progress.tell(`${index + 1} of ${wanted} clips`);
  }
  progress.end();
  const drift = bySeed.length === 0 ? [] : driftProblems(manifest.figures, bySeed);
  await reportGate({ gate, flags, folder, golden: manifest, subject: source.subject, findings, drift, sheets });
}

/** Figures of the clip and of those of the seeds that follow, each into the list of its seed. */
async function takeSeeds(
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

async function update(flags: EvalFlags, folder: string, reason: string, open: Open): Promise<void> {
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
    await source.close();
  }
}
