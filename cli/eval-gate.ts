/** @file `reelay eval --gate` and `--update-golden`: which of the two the flags ask for, and clips held to the sets of a golden folder. */
import { ReelayError } from '#core/errors.ts';
import type { Gate } from '#gpu-container/evaluation/gates/gate-limits.ts';
import { driftProblems, judgeAgainstGolden } from '#gpu-container/evaluation/gates/judge-gate.ts';
import type { ClipFigures } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import type { Subject } from '#gpu-container/evaluation/report.ts';
import { type EvalFlags, gateOf } from './eval-flags.ts';
import { type NamedFinding, reportGate, type SetOutcome } from './eval-gate-report.ts';
import { goldenAsk, readGoldenClip } from './eval-golden.ts';
import { findGoldenSets, type GoldenSet } from './eval-golden-sets.ts';
import { sideBySide } from './eval-run.ts';
import type { ClipSource, OpenSource } from './eval-source.ts';
import { takeGolden, takeSeeds } from './eval-take-golden.ts';
import { checkTargets } from './eval-targets.ts';
import { numberOf } from './flag-values.ts';
import { startProgress } from './plan-progress.ts';

const bad = (message: string) => new ReelayError('invalid_request', message);

/** A gate, or new goldens, as the flags say; `invalid_request` where they contradict one another. */
export async function runGate(flags: EvalFlags, open: OpenSource): Promise<void> {
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
  if (reason !== undefined) return takeGolden(flags, golden, reason, open);
  const asked = ['prompts', 'task', 'preset', 'steps', 'guidance'] as const;
  const odd = asked.find(name => flags[name] !== undefined);
  if (odd !== undefined) throw bad(`--${odd}: the golden folder says what is asked; leave it out.`);
  const level = gateOf(gate!);
  await checkTargets(flags);
  const sets = await findGoldenSets(golden);
  const source = await open({ oneThread: level === 'L0' });
  try {
    for (const set of sets) refuseOther(level, set, source.subject);
    await hold(level, flags, sets, source);
  } finally {
    await source.close();
  }
}

/** L0 compares one build with itself, L1 one bundle; L2 anything that should look alike. */
function refuseOther(gate: Gate, { name, manifest: { subject, arch } }: GoldenSet, now: Subject): void {
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
  const which = name === null ? 'the golden' : `the golden in ${name}`;
  throw new ReelayError(
    'unsupported_operation',
    `--gate ${gate}: ${what} of ${which} is ${golden} and here ${here}; ${gate} compares ${why[gate]}.${instead}`,
  );
}

/** Of each set as many prompts as --count says, and all where it says nothing or more than there are. */
async function hold(gate: Gate, flags: EvalFlags, sets: readonly GoldenSet[], source: ClipSource): Promise<void> {
  const { count } = flags;
  const most = Math.max(...sets.map(({ manifest }) => manifest.prompts.length));
  const wanted = count === undefined ? most : numberOf('count', count, 1, most, true);
  const of = sets.reduce((sum, { manifest }) => sum + Math.min(wanted, manifest.prompts.length), 0);
  const progress = startProgress(`gate ${gate}`);
  let done = 0;
  const outcomes: SetOutcome[] = [];
  try {
    for (const set of sets) {
      const onClip = () => progress.tell(`${++done} of ${of} clips`);
      outcomes.push(await holdSet(gate, set, { source, wanted, onClip }));
    }
  } finally {
    progress.end();
  }
  await reportGate({ gate, flags, subject: source.subject, sets: outcomes });
}

interface Held {
  readonly source: ClipSource;
  readonly wanted: number;
  readonly onClip: () => void;
}

async function holdSet(gate: Gate, set: GoldenSet, { source, wanted, onClip }: Held): Promise<SetOutcome> {
  const { folder, manifest } = set;
  const findings: NamedFinding[] = [];
  const sheets = new Map<number, Uint8Array>();
  const bySeed: ClipFigures[][] = [];
  for (const [index, { prompt }] of manifest.prompts.slice(0, wanted).entries()) {
    const golden = await readGoldenClip(folder, manifest, index);
    const ask = await goldenAsk(folder, manifest, index);
    const made = await source.make(ask, { keepLatents: true });
    const finding = judgeAgainstGolden(gate, golden, made);
    findings.push({ prompt, ...finding });
    if (finding.problems.length > 0) sheets.set(index, await sideBySide(golden.clip, made.clip));
    // Of fewer prompts than the golden's the mean is another one, so there is no drift to tell.
    if (gate === 'L2' && wanted >= manifest.prompts.length) await takeSeeds(bySeed, source, ask, made, manifest.seeds);
    onClip();
  }
  const drift = bySeed.length === 0 ? [] : driftProblems(manifest.figures, bySeed);
  return { ...set, findings, drift, sheets };
}
