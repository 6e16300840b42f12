import { createAnimateDiff } from './animatediff.ts';
import { createCogVideoX } from './cogvideox.ts';
import type { Family, FamilySource } from './family.ts';
import { createLtx } from './ltx.ts';
import { createWan } from './wan.ts';

/** Family name in bundle.json -> its maker. reelay-mini is made by render/open-family.ts: its shapes are in bundle.json itself. */
const makers: Readonly<Record<string, (source: FamilySource) => Family>> = {
  wan: createWan,
  animatediff: createAnimateDiff,
  ltx: createLtx,
  cogvideox: createCogVideoX,
};

/** The family of a bundle; RangeError naming the file and key whose value does not fit it. */
export function createFamily(name: string, source: FamilySource): Family {
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make === undefined) throw new RangeError(`family: got ${name}; known: ${Object.keys(makers).join(', ')}.`);
  return make(source);
}
