/** The floor's rules against a scene. Linear in the number of marks. */
import { type FloorRule, floorRules, type Outcome } from './floor-rules.ts';
import type { Sense } from './floor-words.ts';
import type { Concept } from './vocabulary.ts';

/** Where concepts stand, in rising order of words. */
export type Positions = ReadonlyMap<Sense, readonly number[]>;

/** A rule that holds, and what it says here. */
export interface Finding {
  readonly rule: FloorRule;
  readonly outcome: Exclude<Outcome, 'allow'>;
}

function positionsOf(at: Positions, group: readonly Concept[]): readonly number[] {
  const lists = group.flatMap(concept => at.get(concept) ?? []);
  return group.length === 1 ? lists : lists.toSorted((a, b) => a - b);
}

/** How far each of `from` is from the nearest of `to`, both rising; Infinity when there is none. */
function distances(from: readonly number[], to: readonly number[]): readonly number[] {
  let next = 0;
  return from.map(at => {
    while (next < to.length && to[next]! < at) next++;
    const after = next < to.length ? to[next]! - at : Number.POSITIVE_INFINITY;
    const before = next > 0 ? at - to[next - 1]! : Number.POSITIVE_INFINITY;
    return Math.min(after, before);
  });
}

function softenedOutcome(rule: FloorRule, at: Positions, first: readonly number[], second: readonly number[]) {
  const context = at.get('context');
  if (rule.softened === undefined || context === undefined) return rule.outcome;
  const { bound, guard } = rule.softened;
  const [toContext, toSecond] = [distances(first, context), distances(first, second)];
  const ended = first.every((_, n) => toContext[n]! <= bound && toContext[n]! < toSecond[n]! && toSecond[n]! > guard);
  return ended ? 'allow' : 'review';
}

function outcomeOf(rule: FloorRule, at: Positions): Outcome {
  const groups = rule.all.map(group => positionsOf(at, group));
  if (groups.some(group => group.length === 0)) return 'allow';
  if (rule.unless?.some(concept => at.has(concept))) return 'allow';
  const [first, second] = [groups[0]!, groups[1] ?? []];
  const reach = rule.within ?? Number.POSITIVE_INFINITY;
  if (second.length > 0 && !distances(first, second).some(distance => distance <= reach)) return 'allow';
  return softenedOutcome(rule, at, first, second);
}

/** Every rule of the floor that holds. */
export function applyFloor(at: Positions): readonly Finding[] {
  return floorRules.flatMap(rule => {
    const outcome = outcomeOf(rule, at);
    return outcome === 'allow' ? [] : [{ rule, outcome }];
  });
}
