/** JSON of strangers, without what it could do to us. */

/** No request needs more than three; walking through thousands would end the stack. */
export const MOST_LEVELS = 16;

/** What `parseJson` gives for a text that is nested deeper than that. */
export const TOO_DEEP = Symbol('too deep');

/** The value; undefined for what is no JSON. The parser's own words quote the text, which may hold a prompt, and stay here. */
export function parseJson(text: string): unknown {
  if (levelsOf(text) > MOST_LEVELS) return TOO_DEEP;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How deep its brackets go, strings left out; in one pass, whatever the text. */
function levelsOf(text: string): number {
  let [level, deepest, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString && character === '\\') at++;
    else if (character === '"') inString = !inString;
    else if (!inString && (character === '[' || character === '{')) deepest = Math.max(deepest, ++level);
    else if (!inString && (character === ']' || character === '}')) level--;
  }
  return deepest;
}

/** An object and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
