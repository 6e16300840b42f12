/** A component's config.json, read key by key: what is missing or of another kind is a sentence naming file and key. */
export interface ConfigReader {
  /** A whole number of at least 1. */
  count(key: string, fallback?: number): number;
  number(key: string, fallback?: number): number;
  flag(key: string, fallback: boolean): boolean;
  /** `length` numbers, all finite. */
  numbers(key: string, length: number): Float32Array;
  /** null where it is null or missing. */
  optionalCount(key: string): number | null;
  optionalNumber(key: string): number | null;
}

/** `file` opens each sentence: "transformer/config.json". Errors are RangeErrors. */
export function readConfigOf(file: string, config: Readonly<Record<string, unknown>> | undefined): ConfigReader {
  if (config === undefined)
    throw new RangeError(`${file}: the bundle has no such file; this family reads its sizes there.`);
  const bad = (key: string, wanted: string) =>
    new RangeError(`${file}: ${key}: got ${JSON.stringify(config[key]) ?? 'nothing'}; ${wanted} is needed.`);
  const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1;
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  return {
    count(key, fallback) {
      const value = config[key] ?? fallback;
      if (!isCount(value)) throw bad(key, 'a whole number of 1 or more');
      return value;
    },
    number(key, fallback) {
      const value = config[key] ?? fallback;
      if (!isNumber(value)) throw bad(key, 'a number');
      return value;
    },
    flag(key, fallback) {
      const value = config[key] ?? fallback;
      if (typeof value !== 'boolean') throw bad(key, 'true or false');
      return value;
    },
    numbers(key, length) {
      const value = config[key];
      if (!Array.isArray(value) || value.length !== length || !value.every(isNumber))
        throw bad(key, `a list of ${length} numbers`);
      return Float32Array.from(value);
    },
    optionalCount(key) {
      const value = config[key] ?? null;
      if (value !== null && !isCount(value)) throw bad(key, 'null or a whole number of 1 or more');
      return value;
    },
    optionalNumber(key) {
      const value = config[key] ?? null;
      if (value !== null && !isNumber(value)) throw bad(key, 'null or a number');
      return value;
    },
  };
}
