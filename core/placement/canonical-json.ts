/**
 * The one text of a JSON value, as RFC 8785 (JSON Canonicalization Scheme) has it: names in the order of their UTF-16 units, numbers and
 * strings as ECMAScript writes them, no space between them. Equal values have equal texts, so that a text can be hashed and signed.
 */

/**
 * The canonical text. Throws a RangeError for what JSON cannot say: NaN, infinities, functions, and half characters (lone surrogates)
 * unless they are to be `escaped`, which RFC 8785 does not have and which keeps different texts different.
 */
export function canonicalJson(value: unknown, halfCharacters: 'refused' | 'escaped' = 'refused'): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError(`JSON has no number ${value}.`);
    return JSON.stringify(value); // section 3.2.2.3 is ECMAScript's own Number::toString
  }
  const textOf = (text: string) => {
    if (halfCharacters === 'refused' && !text.isWellFormed()) throw new RangeError('the text has half a character.');
    return JSON.stringify(text); // section 3.2.2.2: what ECMAScript escapes, as it escapes it
  };
  if (typeof value === 'string') return textOf(value);
  const partOf = (part: unknown) => canonicalJson(part, halfCharacters);
  if (Array.isArray(value)) return `[${value.map(partOf).join(',')}]`;
  if (typeof value !== 'object') throw new RangeError(`JSON has no ${typeof value}.`);
  // Comparing strings compares their UTF-16 units (section 3.2.3).
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, part]) => `${textOf(name)}:${partOf(part)}`).join(',')}}`;
}
