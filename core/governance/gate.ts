/**
 * Whether a bundle may be offered here, by what its makers state and what the operator decided. A statement that is missing can be accepted
 * for one bundle by its digest; what a stated license forbids cannot.
 */
import { type Governance, missingStatements, statementNames } from './statement.ts';

/** What the operator decided. */
export interface Governing {
  /** Digests of bundles that are offered although statements are missing. */
  readonly acceptedDigests: ReadonlySet<string>;
  /** Whether videos are made for money here: then a license that forbids that keeps a bundle away. */
  readonly commercial: boolean;
  /** ISO 3166-1 codes of where the installation is used; empty: nobody said. */
  readonly territories: readonly string[];
}

/** Of an installation of which nobody said anything: it earns money, as far as anyone knows. */
export const undecided: Governing = { acceptedDigests: new Set(), commercial: true, territories: [] };

/** A bundle as the gate sees it. */
export interface GovernedBundle {
  readonly id: string;
  readonly digest: string;
  readonly governance?: Governance;
}

/** What keeps a bundle from being offered, as a sentence that says what may be done about it; undefined: nothing. */
export function whyNotOffered(bundle: GovernedBundle, governing: Governing): string | undefined {
  const { id, digest, governance } = bundle;
  const missing = missingStatements(governance).map(name => statementNames[name]);
  if (missing.length > 0 && !governing.acceptedDigests.has(digest))
    return (
      `${id}: its bundle.json has no "governance" with ${inWords(missing)}, so nobody answers for what it is. ` +
      `Add them, or take that on yourself: reelay models accept ${id} --reason "…".`
    );
  const terms = governance?.license;
  if (terms === undefined) return undefined;
  if (!terms.commercialUse && governing.commercial)
    return `${id}: its license (${terms.spdx}) forbids commercial use; REELAY_COMMERCIAL=no says that there is none here.`;
  return whyNotThere(id, terms, governing.territories);
}

function whyNotThere(
  id: string,
  { spdx, onlyTerritories, exceptTerritories }: NonNullable<Governance['license']>,
  territories: readonly string[],
): string | undefined {
  if (onlyTerritories === undefined && exceptTerritories.length === 0) return undefined;
  const bounds =
    onlyTerritories === undefined
      ? `everywhere but in ${exceptTerritories.join(', ')}`
      : `in ${onlyTerritories.filter(one => !exceptTerritories.includes(one)).join(', ') || 'no territory'} only`;
  if (territories.length === 0)
    return `${id}: its license (${spdx}) holds ${bounds}; REELAY_TERRITORY says where this installation is used, DE for one.`;
  const outside = territories.filter(
    one => exceptTerritories.includes(one) || (onlyTerritories !== undefined && !onlyTerritories.includes(one)),
  );
  return outside.length === 0
    ? undefined
    : `${id}: its license (${spdx}) holds ${bounds}; REELAY_TERRITORY says ${outside.join(', ')}.`;
}

function inWords(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
