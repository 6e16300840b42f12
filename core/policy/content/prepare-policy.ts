/** A policy made ready to decide with: the floor and, on top of it, one tenant's rules; and the hash that names both. */
import { canonicalJson } from '../../placement/canonical-json.ts';
import { floorRules, floorVersion } from './floor-rules.ts';
import { floorLanguages } from './floor-words.ts';
import { foldText } from './fold-text.ts';
import { type Lexicon, lexiconOf, readTerm } from './lexicon.ts';
import { readWords } from './read-words.ts';
import { floorOnly, type TenantPolicy } from './tenant-policy.ts';

/** What `decide` decides with. */
export interface PreparedPolicy {
  readonly tenant: TenantPolicy;
  /** Terms of the tenant's rules; the sense is the group of a rule that a term is in. */
  readonly terms: Lexicon<string>;
  /** The tenant's names as terms; the sense is the folded name. */
  readonly names: Lexicon<string>;
  /** SHA-256 over the floor's version, rules and words and the tenant's file: the same hash decides the same. */
  readonly hash: string;
}

/** The sense of a rule's group of terms: `any` is group -1. */
export const groupSense = (rule: number, group: number): string => `${rule}/${group}`;

/** A name as it is compared: folded, in small letters, one space between words. */
export function foldName(name: string): string {
  return (readWords(foldText(name)) ?? []).map(word => word.text).join(' ');
}

/** A tenant's policy, or the floor alone, made ready; `sha256` gives lower-case hex. */
export function preparePolicy(sha256: (text: string) => string, tenant: TenantPolicy = floorOnly): PreparedPolicy {
  const terms = tenant.rules.flatMap((rule, n) =>
    [rule.any, ...rule.all].flatMap((group, at) => group.flatMap(term => readTerm(groupSense(n, at - 1), term) ?? [])),
  );
  const names = tenant.names.flatMap(name => readTerm(foldName(name), name) ?? []);
  // Half characters may stand in a tenant's terms; they differ from one another, so their hashes do too.
  const text = canonicalJson({ floorVersion, floorRules, floorLanguages, tenant }, 'escaped');
  return { tenant, terms: lexiconOf(terms), names: lexiconOf(names), hash: sha256(text) };
}
