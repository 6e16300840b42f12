/** Codes of C2PA 2.2 section 15.2.1 that our readers meet, in words. */
const WORDS: Readonly<Record<string, string>> = {
  'assertion.bmffHash.mismatch':
    'Its picture, sound or index is not what was signed: the file was altered after it was signed.',
  'assertion.bmffHash.malformed': 'The hash that binds its C2PA data to the file cannot be read.',
  'assertion.dataHash.mismatch': 'Its bytes are not what was signed: the file was altered after it was signed.',
  'assertion.required.missing': 'A statement that its C2PA data must have is missing or cannot be read.',
  'assertion.hashedURI.mismatch':
    'A statement in its C2PA data is not what was signed: it was altered after it was signed.',
  'assertion.missing': 'A statement that was signed is missing from its C2PA data.',
  'assertion.undeclared': 'Its C2PA data holds a statement that was not signed.',
  'assertion.multipleHardBindings': 'Its C2PA data is bound to the file more than once, which C2PA forbids.',
  'assertion.cbor.invalid': 'A statement in its C2PA data cannot be read.',
  'assertion.json.invalid': 'A statement in its C2PA data cannot be read.',
  'assertion.action.malformed': 'Its list of actions breaks the rules of C2PA.',
  'assertion.ingredient.malformed': 'What it says of a file that it was made from cannot be read.',
  'claim.missing': 'Its C2PA data holds no claim.',
  'claim.multiple': 'Its C2PA data holds more than one claim in one manifest.',
  'claim.malformed': 'Its claim cannot be read.',
  'claim.cbor.invalid': 'Its claim cannot be read.',
  'claim.hardBindings.missing': 'Its C2PA data is not bound to the file: it may have been copied from another one.',
  'claimSignature.missing': 'Its claim is not signed.',
  'claimSignature.mismatch':
    'Its signature does not match its claim: the claim was altered, or the signature is of another one.',
  'claimSignature.outsideValidity': 'It was signed at a time at which the certificate was not valid.',
  'signingCredential.expired':
    'The certificate that signed it is no longer valid, and no time stamp shows that it was then.',
  'signingCredential.invalid': 'The certificate that signed it is none that C2PA allows.',
  'signingCredential.revoked': 'The certificate that signed it was revoked.',
  'ingredient.unknownProvenance': 'It was made from a file whose C2PA data is missing.',
  'ingredient.manifest.mismatch': 'The C2PA data of a file that it was made from was altered.',
  'ingredient.manifest.missing': 'The C2PA data of a file that it was made from is missing.',
  'ingredient.claimSignature.mismatch': 'The signature in a file that it was made from does not match.',
  'manifest.multipleParents': 'It names more than one parent, which C2PA forbids.',
  'manifest.inaccessible': 'Its C2PA data lies elsewhere, and nothing is fetched here.',
  'algorithm.unsupported': 'It was signed or hashed in a way that C2PA does not allow.',
  'timeStamp.mismatch': 'Its time stamp belongs to another signature.',
  'timeStamp.untrusted': 'No root that was given vouches for the service that stamped its time.',
};

/** A sentence for a failure of the library's; one that has none here is named by its code. */
export function reasonFor(code: string): string {
  return Object.hasOwn(WORDS, code) ? WORDS[code]! : `A check of its C2PA data failed: ${code}.`;
}

/** How the library begins when it gives a file up before it can say what fails. */
const REFUSALS: readonly (readonly [string, string])[] = [
  ['JumbfNotFound', 'Its C2PA box holds no C2PA data.'],
  ['Jumbf', 'Its C2PA data is damaged: its boxes cannot be taken apart, or are packed to unfold without end.'],
  ['InvalidAsset', 'Its boxes cannot be taken apart.'],
  ['InvalidClaim', 'Its manifest lacks a part that every manifest has.'],
  ['ClaimDecoding', 'Its claim cannot be read.'],
  ['Claim', 'Its C2PA data breaks the rules of C2PA.'],
  ['Assertion', 'A statement in its C2PA data cannot be read.'],
  ['Cose', 'Its signature cannot be read.'],
];

/** A sentence for what the library says when it gives a file up, as `C2pa(ClaimDecoding(…))`; its own words may quote the file. */
export function reasonForRefusal(said: string): string {
  const name = /^C2pa\(([A-Za-z]{1,60})/.exec(said)?.[1] ?? '';
  const known = REFUSALS.find(([start]) => name.startsWith(start));
  return known ? known[1] : `Its C2PA data cannot be read${name && `: ${name}`}.`;
}
