/**
 * The root over the records of a segment: the tree of RFC 9162 section 2.1.1, over texts in hex: a leaf is SHA-256 of `0` and the record's
 * hash, a node SHA-256 of `1`, its left and its right child.
 */
import type { Sha256 } from './record.ts';

/** A tree that grows leaf by leaf and holds one hash for each of its levels. */
export interface MerkleTree {
  readonly add: (hash: string) => void;
  /** Of the leaves so far; that of none is SHA-256 of the empty text. */
  readonly root: () => string;
}

/** An empty tree. */
export function growMerkleTree(sha256: Sha256): MerkleTree {
  const node = (left: string, right: string) => sha256(`1${left}${right}`);
  /** Roots of full trees, the largest first; a bit of `leaves` each. */
  const full: string[] = [];
  let leaves = 0;
  return {
    add(hash) {
      let top = sha256(`0${hash}`);
      for (let bits = leaves; bits & 1; bits >>= 1) top = node(full.pop()!, top);
      full.push(top);
      leaves++;
    },
    root: () =>
      full.reduceRight<string | undefined>((right, left) => (right ? node(left, right) : left), undefined) ??
      sha256(''),
  };
}
