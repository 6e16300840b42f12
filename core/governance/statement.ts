/**
 * What the makers of a bundle say of it, as data: a model card, where its training data came from, and what its license allows. It stands
 * in bundle.json under `governance`. Nothing in it is proven; it is a statement that somebody answers for.
 */
import { z } from 'zod';

const sentence = z.string().trim().min(1).max(2_000);
const sentences = z.array(sentence).max(50);
/** ISO 3166-1 alpha-2. */
const territory = z.string().regex(/^[A-Z]{2}$/, 'two capital letters as in ISO 3166-1 are allowed, DE for one');

/** The model card's part that a machine reads. */
const card = z.strictObject({
  summary: sentence,
  intendedUse: sentences.min(1),
  outOfScope: sentences,
  knownLimits: sentences.min(1),
  /** Where measured figures stand: a path inside the bundle or an address. */
  evaluation: sentence.optional(),
});

/** Where the training data came from. */
const dataset = z.strictObject({
  sources: sentences.min(1),
  /** Share of it that a program made, 0 to 1; null: not known. */
  syntheticShare: z.number().min(0).max(1).nullable(),
  personalData: z.enum(['none', 'present', 'unknown']),
  thirdPartyWorks: z.enum(['none', 'licensed', 'unlicensed', 'unknown']),
  /** How rights holders could opt out (Directive (EU) 2019/790, Art. 4(3)), or why nobody needs to. */
  optOuts: sentence,
});

/** What the license of the weights allows. */
const licenseTerms = z.strictObject({
  /** SPDX identifier, or `LicenseRef-` and a name. */
  spdx: z.string().regex(/^[A-Za-z0-9.+-]{1,100}$/, 'an SPDX identifier is allowed, Apache-2.0 for one'),
  url: z
    .url({ protocol: /^https$/ })
    .max(500)
    .optional(),
  commercialUse: z.boolean(),
  /** Only there it may be used; left out: everywhere but in `exceptTerritories`. */
  onlyTerritories: z.array(territory).min(1).max(250).optional(),
  exceptTerritories: z.array(territory).max(250).default([]),
  /** What the license forbids to use it for. */
  prohibitedUses: sentences,
});

/** The form of `governance` in bundle.json; each of its three parts may be missing, and then the gate says so. */
export const governanceSchema = z.strictObject({
  card: card.optional(),
  dataset: dataset.optional(),
  license: licenseTerms.optional(),
});

/** The statements of one bundle. */
export type Governance = z.infer<typeof governanceSchema>;
/** What its license allows. */
export type LicenseTerms = z.infer<typeof licenseTerms>;

/** The three statements, in words. */
export const statementNames = {
  card: 'a model card',
  dataset: 'a dataset statement',
  license: 'license terms',
} as const satisfies Record<keyof Governance, string>;

/** Those that a bundle lacks, in the order of the table. */
export function missingStatements(governance: Governance | undefined): (keyof Governance)[] {
  const names = Object.keys(statementNames) as (keyof Governance)[];
  return names.filter(name => governance?.[name] === undefined);
}
