/** Which dropped files belong together. */
import type { DropSource } from './drop-folder.ts';
import { isMediaName, kindOfName, sameSpelling, skippedName, stemOf } from './names.ts';

/** Files that get one outcome together. */
export interface DropUnit<S extends DropSource = DropSource> {
  readonly main: S;
  /** Sidecars of the main file, and files that its request names. */
  readonly parts: readonly S[];
  /** `x.ready`: whoever made it says that every file of this stem is whole. */
  readonly marker: S | undefined;
  /** Several images or sidecars claim the same stem, so none of them can be told to belong to another. */
  readonly ambiguous: boolean;
}

/** Whether a source can only be skipped, and why. */
export function skipReason(source: DropSource): string | undefined {
  if (source.kind !== 'file') return source.kind;
  const byName = skippedName(source.name);
  if (byName !== undefined) return byName;
  return source.bytes === 0 && kindOfName(source.name) !== 'marker' ? 'empty' : undefined;
}

/**
 * The units of the files of a place. Images and videos come last: a request that names one takes it along before it is taken for a drop
 * of its own. A marker on its own waits for its files.
 */
export function groupSources<S extends DropSource>(sources: readonly S[]): DropUnit<S>[] {
  const units: DropUnit<S>[] = [];
  const stems = new Map<string, S[]>();
  for (const source of sources) {
    if (skipReason(source) !== undefined) units.push(alone(source, undefined));
    else {
      const key = `${source.folder}/${sameSpelling(stemOf(source.name))}`;
      const there = stems.get(key);
      if (there === undefined) stems.set(key, [source]);
      else there.push(source);
    }
  }
  for (const members of stems.values()) units.push(...unitsOfStem(members));
  const isMedia = ({ main }: DropUnit<S>) => isMediaName(main.name);
  return [...units.filter(unit => !isMedia(unit)), ...units.filter(isMedia)];
}

function unitsOfStem<S extends DropSource>(members: readonly S[]): DropUnit<S>[] {
  const of = (...kinds: string[]) => members.filter(({ name }) => kinds.includes(kindOfName(name)));
  const marker = of('marker')[0];
  const media = members.filter(({ name }) => isMediaName(name));
  const sidecars = of('json', 'text');
  const others = of('batch', 'unknown').map(source => alone(source, marker));
  const [main, ...rest] = media;
  if (main === undefined) return [...sidecars.map(source => alone(source, marker)), ...others];
  const ambiguous = rest.length > 0 || of('json').length > 1 || of('text').length > 1;
  return [{ main, parts: [...rest, ...sidecars], marker, ambiguous }, ...others];
}

function alone<S extends DropSource>(main: S, marker: S | undefined): DropUnit<S> {
  return { main, parts: [], marker, ambiguous: false };
}
