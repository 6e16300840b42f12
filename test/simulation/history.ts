/** One thing that happened: who did what, when, to what. */
export interface Happening {
  readonly atMs: number;
  readonly actor: string;
  readonly what: string;
  readonly details: readonly (string | number | boolean | null | undefined)[];
}

/** What happened in a world, in order. */
export interface History {
  note(actor: string, what: string, ...details: Happening['details']): void;
  /** A number of everything noted so far: equal for equal histories. */
  hash(): string;
  /** The newest, in words. */
  last(count: number): readonly string[];
  length(): number;
}

/** Keeps the newest `keep` happenings; `onNote` sees each. */
export function createHistory(
  nowMs: () => number,
  keep: number,
  onNote: (line: () => string) => void = () => undefined,
): History {
  const ring: Happening[] = [];
  let [count, a, b] = [0, 0x811c9dc5, 0x1b873593];
  const mix = (value: number) => {
    a = Math.imul(a ^ value, 0x01000193);
    b = Math.imul(b ^ (value + (a >>> 15)), 0x85ebca6b);
  };
  const mixText = (text: string) => {
    for (let i = 0; i < text.length; i++) mix(text.charCodeAt(i));
    mix(text.length);
  };
  return {
    note: (actor, what, ...details) => {
      const happening = { atMs: nowMs(), actor, what, details };
      ring[count++ % keep] = happening;
      mix(happening.atMs | 0);
      mixText(actor);
      mixText(what);
      for (const detail of details) {
        if (typeof detail === 'number') mix(detail | 0);
        else mixText(String(detail));
      }
      onNote(() => inWords(happening));
    },
    hash: () => `${(a >>> 0).toString(16).padStart(8, '0')}${(b >>> 0).toString(16).padStart(8, '0')}-${count}`,
    last: many =>
      Array.from({ length: Math.min(many, count, keep) }, (_, n) => n)
        .map(n => ring[(count - 1 - n) % keep]!)
        .reverse()
        .map(inWords),
    length: () => count,
  };
}

function inWords({ atMs, actor, what, details }: Happening): string {
  const seconds = (atMs / 1000).toFixed(3).padStart(10);
  return `${seconds}  ${actor.padEnd(14)} ${what.padEnd(22)} ${details.map(String).join(' ')}`;
}
