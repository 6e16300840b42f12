/** Every size, count and time of the content policy, each with its reason; test/policy/tenant-policy.test.ts holds what they owe. */
export const contentLimits = {
  /** Characters of a prompt: seven times what the longest text encoder (512 tokens) reads. A longer one is denied unread, in no time. */
  maxTextChars: 16_384,
  /** NFKD makes up to 18 characters of one (U+FDFA); a text that grows past this is an attack and is denied. */
  maxFoldedChars: 32_768,
  /** A word of more characters is no word of any language here: it is searched for terms inside. */
  longestWordChars: 32,
  /** Shorter terms would be found by accident inside other letters. */
  shortestHiddenChars: 4,
  /** Words of one term; the longest of the floor's has five. */
  maxTermWords: 6,
  /** Characters of one term, and terms of one tenant's file: a list that people maintain. */
  maxTermChars: 80,
  maxTenantTerms: 2_000,
  maxTenantRules: 200,
  maxTenantNames: 2_000,
  /** A tenant's file: all of the above with room to spare. */
  maxTenantFileBytes: 524_288,
  /** Consent records that one request may name: people in one clip. */
  maxConsentsPerRequest: 16,
  /** Consent for longer than this is asked for again: people change their minds. */
  maxConsentDays: 1_096,
  /** What nobody reviewed for so long is denied. */
  reviewHours: 48,
  /** A denied item whose job goes on under another policy is looked at again after so long: the job may come back to it. */
  lookAgainMs: 600_000,
  /** And an appeal is open for so long after the decision. */
  appealDays: 30,
  /** An appeal gives the operator more time than a review: it needs a second pair of eyes. */
  appealReviewHours: 336,
  /** A decided item is kept for so long, so that who asks later is told; the audit log keeps what was decided. */
  keptDays: 90,
  /** What a reviewer allowed needs no second look for so long, where who asked sends the same texts and files under the same policy. */
  passDays: 30,
  /** Characters of what an objector says, and of the name of whoever vouches for a consent. */
  maxReasonChars: 2_000,
  maxSubjectChars: 200,
  /** Names and pictures that one consent record is for: one person. */
  maxConsentNames: 16,
  maxConsentPictures: 256,
  /** Outputs that the answer to a revocation lists; the rest comes in pages. */
  outputsListed: 100,
  /** Views that one item of the queue remembers; the audit log has all of them. */
  maxViews: 100,
} as const;
