import type { StoredBlob } from '../ports.ts';

/** One version of one dropped file. Adapters add what they need to find it again. */
export interface DropSource {
  /** Names this version of this file and nothing else: 64 characters of lower-case hex. */
  readonly identity: string;
  /** Without a folder, as `decodeName` gives it. */
  readonly name: string;
  /** The folder inside the watched place, '' or with a slash at its end: siblings lie in the same. */
  readonly folder: string;
  readonly kind: 'file' | 'folder' | 'link' | 'special';
  readonly bytes: number;
  /** It has other names outside: its bytes may be somebody else's, so it is not read. */
  readonly shared: boolean;
  /** How long this version has been there, as far as is known. */
  readonly ageMs: number;
}

/** What came of reading one version. */
export type DropRead =
  | { readonly state: 'read'; readonly bytes: Uint8Array; readonly sha256: string; readonly own: boolean }
  /** It changed or went while it was read; another look at the folder will tell. */
  | { readonly state: 'again' }
  /** This version is no more and nobody will look again. */
  | { readonly state: 'gone' }
  | { readonly state: 'too_large' };

/** Bytes that were read, for keeping them when their file changed since. */
export type DropContent = Extract<DropRead, { state: 'read' }>;

/**
 * DropFolder is a watched place and the places beside it: sources lie in the first, `out` and `rejected` are written. An adapter never
 * writes into the watched place and never deletes a source. It throws ReelayError only, `store_unavailable` when the outside fails.
 */
export interface DropFolder<S extends DropSource = DropSource> {
  /** The bytes of this version and of no other, at most `maxBytes`; `own` when they carry the mark of things we wrote. */
  read(source: S, maxBytes: number): Promise<DropRead>;
  /** The file of this plain name beside a source, 'unstable' while it is being written. */
  beside(source: S, name: string): Promise<S | 'unstable' | undefined>;
  /** Whether no file of these names lies there. */
  isFree(place: DropPlace, names: readonly string[]): Promise<boolean>;
  /** Writes a text as a whole; false when one of this name was there and not to be replaced. Durable when it resolves. */
  write(place: DropPlace, name: string, text: string, options: { replace: boolean }): Promise<boolean>;
  /** Writes a finished video into `out` unless it is there; throws `store_unavailable` when its hash is not the one given. */
  writeOutput(name: string, blob: OutputBlob): Promise<void>;
  /**
   * Takes a source out of the watched place into `accepted` or `rejected` under its own name or `name`, where that is how the place
   * works. A source that is no longer there is fine; if another version took its place, that one stays and `content` is kept.
   */
  takeAway(source: S, to: 'accepted' | 'rejected', options: { name?: string; content?: DropContent }): Promise<void>;
}

/** The places that are written. */
export type DropPlace = 'out' | 'rejected';

/** A finished video on its way out. */
export interface OutputBlob extends Pick<StoredBlob, 'bytes'> {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly contentType: string;
}
