/** @file Reads the text of a scheduler_config.json, which Python may have written with an Infinity in it. */

/**
 * The config in a scheduler_config.json. Python's bare Infinity and -Infinity, of which JSON knows nothing, are read as the
 * numbers (`lambda_min_clipped` has one); NaN stays an error. SyntaxError as of JSON.parse; TypeError where the text is no object.
 */
export function parseSchedulerConfig(text: string): Record<string, unknown> {
  // A string, escapes and all, is skipped as a whole; 1e999 is read as Infinity.
  const json = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b/g, token =>
    token.startsWith('"') ? token : token.startsWith('-') ? '-1e999' : '1e999',
  );
  const config: unknown = JSON.parse(json);
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new TypeError('scheduler: scheduler_config.json should hold an object.');
  return config as Record<string, unknown>;
}
