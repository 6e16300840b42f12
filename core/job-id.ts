/** The ids of jobs: made, told apart, sorted; a residency class is part of them. */
import { limits } from './limits.ts';
import { defaultResidency, residencyNamePattern } from './policy/residency.ts';

const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * `video_` + 10 characters of time + 16 of randomness, Crockford base 32 in lower case, so ids of one class sort by creation; a class
 * other than the standard one stands before them: `video_sovereign_…`. `random`: 10 bytes.
 */
export function newJobId(nowMs: number, random: Uint8Array, residency: string = defaultResidency): string {
  let time = '';
  for (let i = 0, rest = nowMs; i < 10; i++, rest = Math.floor(rest / 32)) time = CROCKFORD[rest % 32] + time;
  let tail = '';
  let bits = 0n;
  for (const byte of random.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  for (let i = 0; i < 16; i++, bits >>= 5n) tail = CROCKFORD[Number(bits & 31n)] + tail;
  return idOf(residency, `${time}${tail}`);
}

/** A wire id that could be ours; anything else (path tricks, other lengths) is answered as unknown without asking the store. */
export function isJobId(text: string): boolean {
  return partsOf(text) !== undefined;
}

/** The residency class that an id says; undefined for what is none of our ids. */
export function residencyOf(id: string): string | undefined {
  return partsOf(id)?.residency;
}

/** A text that sorts ids of all classes by creation: of the standard class it is the id itself. What is none of our ids stays itself. */
export function idOrder(id: string): string {
  const parts = partsOf(id);
  if (parts === undefined || parts.residency === defaultResidency) return id;
  return `video_${parts.moment}_${parts.residency}`;
}

/** The id of the same moment in another class: a cursor for that class's jobs. What is none of our ids stays itself. */
export function idInClass(id: string, residency: string): string {
  const parts = partsOf(id);
  return parts === undefined ? id : idOf(residency, parts.moment);
}

const JOB_ID = new RegExp(`^video_(?:(${residencyNamePattern})_)?([0-9a-hjkmnp-tv-z]{26})$`);

/** A name for the standard class would make two ids of one job. */
function partsOf(id: string): { residency: string; moment: string } | undefined {
  const [, named, moment] = id.length > limits.maxIdChars ? [] : (JOB_ID.exec(id) ?? []);
  if (moment === undefined || named === defaultResidency) return undefined;
  return { residency: named ?? defaultResidency, moment };
}

function idOf(residency: string, moment: string): string {
  return residency === defaultResidency ? `video_${moment}` : `video_${residency}_${moment}`;
}
