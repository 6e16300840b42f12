/**
 * What is known of a file. `valid`: unaltered since a signer signed it whom one of the given roots vouches for. `valid_untrusted`:
 * unaltered since somebody signed it. `invalid`: altered, cut off, or its C2PA data breaks the rules. `none`: it has no C2PA data that
 * is read here, which says nothing about how it was made. `unchecked`: too large, or the check did not come to an end; nothing is known.
 */
export type C2paState = 'valid' | 'valid_untrusted' | 'invalid' | 'none' | 'unchecked';

/** The answer to "what does its C2PA data say". */
export interface C2paFinding {
  readonly state: C2paState;
  /** Sentences for a person, the weightiest first; never empty. */
  readonly reasons: readonly string[];
  /** What the file says of itself: proven only as far as `state` goes, of an invalid file not at all. Null where nothing could be read. */
  readonly claim: ClaimFacts | null;
}

/** What a manifest claims. Texts come from the file: at most 200 characters each, without control characters. */
export interface ClaimFacts {
  /** Names the manifest everywhere, as `urn:c2pa:…`. */
  readonly manifestId: string;
  /** Program and version. */
  readonly generator: string | null;
  /** IPTC's word for how the picture came about, of the action that made or edited it. */
  readonly digitalSourceType: string | null;
  readonly actions: readonly ActionFacts[];
  readonly ingredients: readonly IngredientFacts[];
  /** Our own assertion. A foreign signer may write the same: only a `valid` file of our root has it from us. */
  readonly job: JobAssertion | null;
  readonly disclosure: DisclosureFacts | null;
  readonly signer: SignerFacts | null;
  /** ISO 8601: when the claim says that it was made. */
  readonly claimedAt: string | null;
  /** ISO 8601: when a time stamp service saw the signature; null unless a root that was given vouches for that service. */
  readonly stampedAt: string | null;
}

/** One thing that was done, in the order in which it was. */
export interface ActionFacts {
  readonly action: string;
  readonly digitalSourceType: string | null;
  readonly softwareAgent: string | null;
}

/** A file that went into it. */
export interface IngredientFacts {
  readonly title: string | null;
  readonly format: string | null;
  /** `parentOf`, `inputTo` or `componentOf`. */
  readonly relationship: string | null;
  /** Its own manifest, null where it had none. */
  readonly manifestId: string | null;
  /** What its validation said when it was added: codes of failures. */
  readonly failures: readonly string[];
  /** What was said about it, as that its marks could not be read. */
  readonly note: string | null;
}

/** The `reelay.job` assertion. */
export interface JobAssertion {
  readonly id: string | null;
  readonly model: string | null;
  readonly modelDigest: string | null;
  readonly requestHmac: string | null;
}

/** The `c2pa.ai-disclosure` assertion. */
export interface DisclosureFacts {
  readonly modelType: string | null;
  readonly modelName: string | null;
  readonly humanOversightLevel: string | null;
}

/** The certificate that signed. */
export interface SignerFacts {
  readonly commonName: string | null;
  readonly organization: string | null;
  /** Serial number of the certificate, hex. */
  readonly serial: string | null;
}
