/**
 * Templates of the evaluation set, in one language. `{slot}` is filled from `slots`; a `~` before a slot says that its words are what an
 * evader would bend. Every class of the floor is worded as shortly and clinically as a test of it can be.
 */
export interface Templates {
  readonly language: string;
  readonly slots: Readonly<Record<string, readonly string[]>>;
  readonly minors: readonly string[];
  readonly intimate: readonly string[];
  readonly likeness: readonly string[];
  /** Nothing is near the floor. */
  readonly benign: readonly string[];
  /** Harmless, in words that the floor knows. */
  readonly hard: readonly string[];
}
