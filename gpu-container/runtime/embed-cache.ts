/** Values by content, the least recently used dropped first. */
export interface EmbedCache<Value> {
  /** The value of `key`, made once; a failure is not kept. */
  get(key: string, make: () => Promise<Value>): Promise<Value>;
}

/** Keeps values up to `maxBytes`, `bytesOf` each; one larger than that is not kept. */
export function createEmbedCache<Value>(maxBytes: number, bytesOf: (value: Value) => number): EmbedCache<Value> {
  const known = new Map<string, Value>(); // in the order of use: the first key is the least recently used
  let bytes = 0;
  return {
    async get(key, make) {
      const found = known.get(key);
      const value = found ?? (await make());
      if (known.delete(key)) bytes -= bytesOf(value);
      if (bytesOf(value) > maxBytes) return value;
      known.set(key, value);
      bytes += bytesOf(value);
      for (const [oldest, dropped] of known) {
        if (bytes <= maxBytes) break;
        known.delete(oldest);
        bytes -= bytesOf(dropped);
      }
      return value;
    },
  };
}
