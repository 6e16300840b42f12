import { ReelayError } from '#core/errors.ts';
import { GATES } from '#gpu-container/evaluation/gates/gate-limits.ts';
import { QUICK_PROMPTS } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { evalLimits } from './eval-limits.ts';
import { type EvalPrompt, firstFixedPrompts, readPrompts } from './eval-prompts.ts';
import type { EvalChoice } from './eval-run.ts';
import { numberOf, oneOf } from './flag-values.ts';

/** Flags as commander gives them. */
export interface EvalFlags {
  readonly model?: string;
  readonly bundle?: string;
  readonly server?: string;
  readonly prompts?: string;
  readonly count?: string;
  readonly task?: string;
  readonly preset?: string;
  readonly steps?: string;
  readonly guidance?: string;
  readonly out?: string;
  readonly json?: string;
  readonly html?: string;
  readonly gate?: string;
  readonly golden?: string;
  readonly updateGolden?: string;
}

/** The settings that the flags ask for, checked by their form. */
export function choiceOf({ task = 't2v', preset, steps, guidance }: EvalFlags): EvalChoice {
  return {
    task: oneOf('task', task, ['t2v', 'i2v', 'v2v']),
    preset,
    steps: steps === undefined ? undefined : numberOf('steps', steps, 1, 1_000, true),
    guidance: guidance === undefined ? undefined : numberOf('guidance', guidance, 0, 100),
  };
}

/** The prompts that the flags name; `usual` of the fixed ones where no number is said. */
export async function promptsOf(
  { prompts: file, count }: EvalFlags,
  usual: { readonly fixed: number; readonly most: number } = { fixed: QUICK_PROMPTS, most: evalLimits.maxPrompts },
): Promise<readonly EvalPrompt[]> {
  const wanted = count === undefined ? undefined : numberOf('count', count, 1, usual.most, true);
  const all = file === undefined ? firstFixedPrompts(wanted ?? usual.fixed) : await readPrompts(file);
  const found = all.slice(0, wanted ?? usual.most);
  if (wanted !== undefined && found.length < wanted) {
    const where = file === undefined ? 'fixed prompts' : `prompts in ${file}`;
    throw new ReelayError('invalid_request', `--count: got ${wanted}; there are ${found.length} ${where}.`);
  }
  return found;
}

/** The words of --gate. */
export const gateOf = (text: string) => oneOf('gate', text, GATES);
