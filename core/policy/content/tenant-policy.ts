/**
 * A tenant's own rules, as a JSON file. Its words can only add findings: there is no field that ends one, so a tenant can be stricter than
 * the floor and never laxer. JSON is read, which is a subset of YAML 1.2: `policy.yaml` may hold it, anchors and tags may not be in it.
 */
import { ReelayError } from '../../errors.ts';
import { contentLimits } from './content-limits.ts';
import { foldText } from './fold-text.ts';
import { readTerm } from './lexicon.ts';
import { readWords } from './read-words.ts';

/** One rule of a tenant: any of the terms, or one of each list of `all`, or both. */
export interface TenantRule {
  readonly id: string;
  readonly outcome: 'review' | 'deny';
  readonly any: readonly string[];
  readonly all: readonly (readonly string[])[];
}

/** What a tenant's file says. */
export interface TenantPolicy {
  readonly v: 1;
  readonly rules: readonly TenantRule[];
  /** People whose likeness needs a consent record wherever they are named. */
  readonly names: readonly string[];
  /** What the floor and the rules would have reviewed is denied: for a tenant that has no reviewers. */
  readonly reviewMeansDeny: boolean;
  /** Sexual content with adults, which the floor allows. */
  readonly adultContent: 'allow' | 'review' | 'deny';
  /** Which references need a consent record: those with a face, or all. */
  readonly consentFor: 'faces' | 'references';
  /** Longer prompts are denied; null: as long as the API takes. */
  readonly maxPromptChars: number | null;
}

/** The policy of a tenant that has no file: the floor alone. */
export const floorOnly: TenantPolicy = {
  v: 1,
  rules: [],
  names: [],
  reviewMeansDeny: false,
  adultContent: 'allow',
  consentFor: 'faces',
  maxPromptChars: null,
};

const RULE_ID = /^[a-z][a-z0-9-]{0,39}$/;

/** A tenant's file. Throws a ReelayError whose problems say, each in a sentence, where it has what and what is allowed. */
export function parseTenantPolicy(text: string): TenantPolicy {
  const problems: string[] = [];
  const say = (where: string, got: unknown, allowed: string) =>
    void problems.push(`policy: ${where}: got ${shown(got)}; ${allowed}.`);
  const done = (policy: TenantPolicy): TenantPolicy => {
    if (problems.length === 0) return policy;
    const told = problems.slice(0, 20);
    throw new ReelayError('invalid_request', told.join(' '), {
      problems: told.map(message => ({ path: 'policy', message })),
    });
  };
  if (text.length > contentLimits.maxTenantFileBytes) {
    say('the file', `${text.length} characters`, `up to ${contentLimits.maxTenantFileBytes} are allowed`);
    return done(floorOnly);
  }
  const value = parsed(text);
  if (!isObject(value)) {
    say('the file', value === undefined ? 'no JSON' : value, 'one JSON object is allowed');
    return done(floorOnly);
  }
  const { v, rules, names, reviewMeansDeny, adultContent, consentFor, maxPromptChars, ...others } = value;
  for (const name of Object.keys(others))
    say(name.slice(0, 40), 'a field that nobody reads', `the fields are ${Object.keys(floorOnly).join(', ')}`);
  if (v !== 1) say('v', v, '1 is allowed');
  return done({
    v: 1,
    rules: readRules(rules, say),
    names: readNames(names, say),
    reviewMeansDeny: oneOf('reviewMeansDeny', reviewMeansDeny, [false, true], say),
    adultContent: oneOf('adultContent', adultContent, ['allow', 'review', 'deny'], say),
    consentFor: oneOf('consentFor', consentFor, ['faces', 'references'], say),
    maxPromptChars: readMax(maxPromptChars, say),
  });
}

type Say = (where: string, got: unknown, allowed: string) => void;

function readRules(value: unknown, say: Say): readonly TenantRule[] {
  if (value === undefined) return [];
  const most = contentLimits.maxTenantRules;
  if (!Array.isArray(value) || value.length > most) {
    say('rules', value, `a list of up to ${most} rules is allowed`);
    return [];
  }
  const rules = value.map((rule: unknown, n) => readRule(rule, `rules[${n}]`, say));
  const ids = rules.map(rule => rule.id);
  const twice = ids.find((id, n) => ids.indexOf(id) !== n);
  if (twice !== undefined) say('rules', `${twice} twice`, 'an id of its own for each rule is allowed');
  const terms = rules.reduce((sum, rule) => sum + rule.any.length + rule.all.flat().length, 0);
  if (terms > contentLimits.maxTenantTerms)
    say('rules', `${terms} terms`, `up to ${contentLimits.maxTenantTerms} in all rules are allowed`);
  return rules;
}

function readRule(value: unknown, where: string, say: Say): TenantRule {
  const nothing: TenantRule = { id: where, outcome: 'deny', any: [], all: [] };
  if (!isObject(value)) {
    say(where, value, '{"id", "outcome", "any", "all"} is allowed');
    return nothing;
  }
  const { id, outcome, any, all, ...others } = value;
  for (const name of Object.keys(others))
    say(`${where}.${name.slice(0, 40)}`, 'a field that nobody reads', 'id, outcome, any and all are');
  if (typeof id !== 'string' || !RULE_ID.test(id))
    say(`${where}.id`, id, 'up to 40 lower-case letters, digits and dashes that start with a letter are allowed');
  if (any === undefined && all === undefined) say(where, 'neither any nor all', 'at least one of them is allowed');
  const groups = all === undefined ? [] : all;
  const fits = Array.isArray(groups) && groups.length <= 4 && !(any === undefined && groups.length === 0);
  if (!fits) say(`${where}.all`, all, 'a list of one to four lists of terms is allowed');
  return {
    id: typeof id === 'string' ? id : where,
    outcome: outcome === undefined ? 'deny' : oneOf(`${where}.outcome`, outcome, ['review', 'deny'], say),
    any: any === undefined ? [] : readTerms(any, `${where}.any`, say),
    all: fits ? (groups as unknown[]).map((group, n) => readTerms(group, `${where}.all[${n}]`, say)) : [],
  };
}

function readTerms(value: unknown, where: string, say: Say): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.some(term => typeof term !== 'string')) {
    say(where, value, 'a list of at least one term is allowed');
    return [];
  }
  for (const [n, term] of (value as string[]).entries()) {
    const read = term.length > contentLimits.maxTermChars ? null : readTerm('term', term);
    if (read === null || read.words.length > contentLimits.maxTermWords)
      say(`${where}[${n}]`, term, `up to ${contentLimits.maxTermWords} words, with * after a stem, are allowed`);
  }
  return value;
}

function readNames(value: unknown, say: Say): readonly string[] {
  if (value === undefined) return [];
  const most = contentLimits.maxTenantNames;
  if (!Array.isArray(value) || value.length > most) {
    say('names', value, `a list of up to ${most} names is allowed`);
    return [];
  }
  for (const [n, name] of value.entries()) {
    const words =
      typeof name === 'string' && name.length <= contentLimits.maxTermChars ? (readWords(foldText(name)) ?? []) : [];
    // One word is the name of a thousand people.
    if (words.length < 2 || words.length > contentLimits.maxTermWords)
      say(`names[${n}]`, name, `a name of two to ${contentLimits.maxTermWords} words is allowed`);
  }
  return value;
}

function readMax(value: unknown, say: Say): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  say('maxPromptChars', value, 'a whole number from 1 on is allowed');
  return null;
}

function oneOf<T>(where: string, value: unknown, allowed: readonly [T, ...T[]], say: Say): T {
  if (value === undefined) return allowed[0];
  if (allowed.includes(value as T)) return value as T;
  say(where, value, `${allowed.join(', ')} are allowed`);
  return allowed[0];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch {
    // The parser's own words quote the file.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** What was got, short enough for a sentence. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `a text of ${value.length} characters` : `"${value}"`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return value === undefined ? 'nothing' : typeof value === 'object' && value !== null ? 'an object' : String(value);
}
