/**
 * Makes the evaluation set from its templates: `node_modules/node/bin/node test/policy/make-prompts.ts` writes test/policy/prompts. A template,
 * not a prompt, belongs to one part: every third by a hash of its text is held out, with all that is made of it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { type Bend, bendsFor } from './bend-words.ts';
import { de } from './templates/de.ts';
import { en } from './templates/en.ts';
import { es } from './templates/es.ts';
import { fr } from './templates/fr.ts';
import { it } from './templates/it.ts';
import { nl } from './templates/nl.ts';
import { pt } from './templates/pt.ts';
import { ru } from './templates/ru.ts';
import type { Templates } from './templates/types.ts';

/** What a prompt was made as. */
export type PromptClass = 'minors' | 'intimate' | 'likeness' | 'benign' | 'hard';

/** One prompt of the set. */
export interface EvaluationPrompt {
  readonly class: PromptClass;
  readonly part: 'development' | 'held-out';
  /** How its words were bent; plain for none. */
  readonly bend: string;
  readonly text: string;
}

const LANGUAGES: readonly Templates[] = [en, de, fr, es, pt, it, nl, ru];
const CLASSES: readonly PromptClass[] = ['minors', 'intimate', 'likeness', 'benign', 'hard'];
const FILLS = 7;
const BENT_FILLS = 3;

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function fill(template: string, slots: Templates['slots'], draw: () => number, bend: Bend): string {
  return template.replace(/(~?)\{(\w+)\}/g, (_, mark: string, slot: string) => {
    const words = slots[slot]!;
    const word = words[Math.floor(draw() * words.length)]!;
    return mark === '' ? word : bend.apply(word);
  });
}

function promptsOf(templates: Templates, kind: PromptClass): readonly EvaluationPrompt[] {
  const made = new Map<string, EvaluationPrompt>();
  for (const template of templates[kind]) {
    const hash = hashOf(`${templates.language} ${template}`);
    const draw = mulberry32(hash);
    const part = hash % 3 === 0 ? 'held-out' : 'development';
    const plain = { name: 'plain', apply: (word: string) => word };
    const bends = bendsFor(templates.language);
    const add = (bend: Bend) => {
      const text = fill(template, templates.slots, draw, bend);
      if (!made.has(text)) made.set(text, { class: kind, part, bend: bend.name, text });
    };
    for (let n = 0; n < FILLS; n++) add(plain);
    if (template.includes('~')) for (let n = 0; n < BENT_FILLS; n++) add(bends[Math.floor(draw() * bends.length)]!);
  }
  return [...made.values()];
}

/** The set by language. */
export function makePrompts(): ReadonlyMap<string, readonly EvaluationPrompt[]> {
  return new Map(LANGUAGES.map(each => [each.language, CLASSES.flatMap(kind => promptsOf(each, kind))]));
}

/** ROT13: what is about minors is not to be read by accident. */
export function turned(text: string): string {
  return text.replace(/[a-zA-Z]/g, letter => {
    const first = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - first + 13) % 26) + first);
  });
}

/** A language's file: one prompt a line, `class part bend: text`; texts of the class `minors` are turned. */
export function promptFile(prompts: readonly EvaluationPrompt[]): string {
  const lines = prompts.map(({ class: kind, part, bend, text }) =>
    JSON.stringify(`${kind} ${part} ${bend}: ${kind === 'minors' ? turned(text) : text}`),
  );
  return `[\n  ${lines.join(',\n  ')}\n]\n`;
}

/** The prompts of a file. */
export function readPrompts(file: string): readonly EvaluationPrompt[] {
  return (JSON.parse(file) as string[]).map(line => {
    const [head, text] = [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)];
    const [kind, part, bend] = head.split(' ') as [PromptClass, EvaluationPrompt['part'], string];
    return { class: kind, part, bend, text: kind === 'minors' ? turned(text) : text };
  });
}

if (import.meta.main)
  for (const [language, prompts] of makePrompts())
    writeFileSync(join(import.meta.dirname, 'prompts', `${language}.json`), promptFile(prompts));
