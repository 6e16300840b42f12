/**
 * The floor as data. A rule asks for concepts that stand in one request together; what it says holds for every tenant. Texts inside a
 * prompt are one scene, so distance counts only where a rule says `within`: filler words must not make a request harmless.
 */
import type { Concept } from './vocabulary.ts';

/** What becomes of a request; the later one is the stricter one. */
export const outcomes = ['allow', 'review', 'deny'] as const;

/** One of allow, review, deny. */
export type Outcome = (typeof outcomes)[number];

/** The three parts of the floor, as clients are told them. */
export type FloorFamily = 'floor.minors' | 'floor.intimate' | 'floor.likeness';

/** When a rule holds and what it does. */
export interface FloorRule {
  readonly id: string;
  readonly family: FloorFamily;
  readonly outcome: 'review' | 'deny';
  /** One concept of each group must be there. */
  readonly all: readonly (readonly Concept[])[];
  /** Words between the first two groups at most. */
  readonly within?: number;
  /** It does not hold where one of these is there. */
  readonly unless?: readonly Concept[];
  /**
   * Medicine, art, teaching and news: beside the first group (`bound` words) and closer than the second one they end it, but never where the
   * second group stands within `guard` words; anywhere else in the text they make a review of it.
   */
  readonly softened?: { readonly bound: number; readonly guard: number };
  /** Whether consent of the person answers it. */
  readonly consent?: true;
}

/** Changes with every change of a rule, a list or the reading of texts that can change a decision. */
export const floorVersion = 'floor/2';

/** The rules, the gravest first. */
export const floorRules: readonly FloorRule[] = [
  { id: 'minors.coded', family: 'floor.minors', outcome: 'deny', all: [['coded']] },
  { id: 'minors.sexual', family: 'floor.minors', outcome: 'deny', all: [['explicit'], ['minor']] },
  { id: 'minors.suggestive', family: 'floor.minors', outcome: 'deny', all: [['suggestive'], ['minor']] },
  {
    id: 'minors.nudity',
    family: 'floor.minors',
    outcome: 'deny',
    all: [['nudity', 'undress', 'undressCommand'], ['minor']],
    softened: { bound: 4, guard: 2 },
  },
  {
    id: 'minors.maybe',
    family: 'floor.minors',
    outcome: 'review',
    all: [['explicit', 'nudity', 'undress', 'suggestive'], ['maybeMinor']],
    unless: ['adult'],
    softened: { bound: 4, guard: 2 },
  },
  { id: 'intimate.abuse', family: 'floor.intimate', outcome: 'deny', all: [['abuseImagery']] },
  {
    id: 'intimate.undressing',
    family: 'floor.intimate',
    outcome: 'deny',
    all: [['undressCommand']],
  },
  {
    id: 'intimate.unasked',
    family: 'floor.intimate',
    outcome: 'deny',
    all: [['unasked'], ['explicit', 'nudity', 'undress', 'privatePlace', 'suggestive']],
    within: 60,
  },
  {
    id: 'intimate.leaked',
    family: 'floor.intimate',
    outcome: 'deny',
    all: [['leaked'], ['explicit', 'nudity', 'undress']],
  },
  {
    id: 'intimate.real-person',
    family: 'floor.intimate',
    outcome: 'deny',
    all: [
      ['explicit', 'nudity', 'undress', 'suggestive'],
      ['realPerson', 'namedPerson', 'imitation'],
    ],
  },
  {
    id: 'likeness.imitation',
    family: 'floor.likeness',
    outcome: 'deny',
    all: [['imitation'], ['realPerson', 'namedPerson']],
    consent: true,
  },
  { id: 'likeness.named', family: 'floor.likeness', outcome: 'review', all: [['namedPerson']], consent: true },
];
