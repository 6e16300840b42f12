/** The evaluation set and what the floor makes of it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decide, type PolicyDecision, type PolicyInput } from '#core/policy/content/decide.ts';
import { preparePolicy } from '#core/policy/content/prepare-policy.ts';
import { type EvaluationPrompt, type PromptClass, readPrompts } from './make-prompts.ts';

/** A prompt and its language. */
export interface KnownPrompt extends EvaluationPrompt {
  readonly language: string;
}

/** A prompt, what was decided, and whether a floor's prompt was stopped or a harmless one let through. */
export interface Evaluated {
  readonly prompt: KnownPrompt;
  readonly decision: PolicyDecision;
  readonly right: boolean;
}

const FOLDER = join(import.meta.dirname, 'prompts');

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The floor alone. */
export const floor = preparePolicy(sha256);

export const ports = { nowMs: 1_000, proven: () => true, nameKey: (name: string) => sha256(`key ${name}`) };

/** An input with a prompt alone. */
export function asking(prompt: string, more: Partial<PolicyInput> = {}): PolicyInput {
  return { tenant: 'acme', prompt, negativePrompt: '', references: [], consents: [], ...more };
}

/** The committed set. */
export function readSet(): readonly KnownPrompt[] {
  return readdirSync(FOLDER).flatMap(name =>
    readPrompts(readFileSync(join(FOLDER, name), 'utf8')).map(prompt => ({ ...prompt, language: name.slice(0, 2) })),
  );
}

/** Whether a class is to be stopped. */
export const isFloor = (kind: PromptClass) => kind === 'minors' || kind === 'intimate' || kind === 'likeness';

/** What the floor decides of each. */
export function evaluate(prompts: readonly KnownPrompt[]): readonly Evaluated[] {
  return prompts.map(prompt => {
    const decision = decide(floor, asking(prompt.text), ports);
    return { prompt, decision, right: isFloor(prompt.class) === (decision.outcome !== 'allow') };
  });
}

/** One row a class, and one a language: how many were allowed, reviewed, denied. */
export function confusion(results: readonly Evaluated[]) {
  const row = (name: string, of: readonly Evaluated[]) => {
    const count = (outcome: string) => of.filter(({ decision }) => decision.outcome === outcome).length;
    return {
      name,
      prompts: of.length,
      allow: count('allow'),
      review: count('review'),
      deny: count('deny'),
      wrong: of.filter(each => !each.right).length,
    };
  };
  const by = (keyOf: (each: Evaluated) => string) =>
    [...Map.groupBy(results, keyOf)].map(([name, of]) => row(name, of));
  return [
    ...by(({ prompt }) => prompt.class),
    ...by(({ prompt }) => prompt.language),
    ...by(({ prompt }) => `bend ${prompt.bend}`),
    ...by(({ prompt }) => (isFloor(prompt.class) ? 'all floor' : 'all harmless')),
  ];
}
