import type { DropFolder, DropSource } from './drop-folder.ts';

/** One version of one object. */
export interface ObjectSource extends DropSource {
  readonly key: string;
  readonly etag: string;
  /** undefined in a bucket that keeps no versions. */
  readonly versionId: string | undefined;
  readonly modifiedSeconds: number;
}

/** An object as a list shows it: its newest version. */
export interface ListedObject {
  readonly key: string;
  readonly etag: string;
  readonly modifiedSeconds: number;
}

/** A version of an object, as far as it is known. */
export interface ObjectPin {
  readonly etag?: string | undefined;
  readonly versionId?: string | undefined;
}

/** A drop folder in an object store: sources stay where they are, what is written goes under other prefixes. */
export interface ObjectFolder extends DropFolder<ObjectSource> {
  readonly bucket: string;
  /** Whether a key lies in the watched place: only then is it looked at. */
  watches(key: string): boolean;
  /** The object's name and folder inside the watched place. */
  partsOf(key: string): { readonly name: string; readonly folder: string };
  /** What a version is known by, also when it is no more. */
  identityOf(key: string, pin: ObjectPin): string;
  /** That version, or the newest; undefined when it is not there. */
  find(key: string, pin: ObjectPin): Promise<ObjectSource | undefined>;
  /** Keys of the same folder whose names start with this stem and a dot. */
  alike(folder: string, stem: string): Promise<readonly string[]>;
  /** The watched place in the order of its keys. */
  list(after: string | undefined, limit: number): Promise<readonly ListedObject[]>;
}
