/**
 * What a video discloses under the profiles that its tenant or the installation chose (disclosure.ts has the profiles). The watermark and
 * the signed metadata are in every video whatever is chosen; here is what comes on top.
 */
import type { Problem } from '../errors.ts';
import { type Disclosure, type DisclosureProfile, disclosureProfiles, disclosures } from './disclosure.ts';

/** What a tenant chose; an installation's own choice holds for tenants that chose nothing. */
export interface DisclosureChoice {
  readonly profiles: readonly DisclosureProfile[];
  /** A label in the picture although no chosen profile wants one on every video. */
  readonly label: boolean;
}

/** Of an installation of which nobody said anything. */
export const usualDisclosure: DisclosureChoice = { profiles: ['eu'], label: false };

/** What goes into one video beside its marks. */
export interface VideoDisclosure {
  readonly profiles: readonly DisclosureProfile[];
  /** Drawn into every frame; `leastShare`: height of the text by the shorter side. */
  readonly label: { readonly text: string; readonly leastShare: number } | null;
  /** Fields of the container's own metadata, by key. */
  readonly tags: Readonly<Record<string, string>>;
  /** Who provides the system, where a profile wants that in the signed metadata. */
  readonly provider: string | null;
}

/** What makes a choice a video's. */
export interface Discloser {
  /** Name of whoever runs the installation; undefined: nobody said. */
  readonly operator: string | undefined;
  readonly jobId: string;
}

/** A sentence: the chosen profiles want something that nobody said. Whoever gets it must not deliver the video. */
export class CannotDisclose extends Error {}

/** Whether a chosen profile names the provider. */
export function namesProvider({ profiles }: Pick<DisclosureChoice, 'profiles'>): boolean {
  return profiles.some(id => namedIn(disclosures[id]));
}

const namedIn = ({ metadata }: Disclosure) => Object.values(metadata.fields).includes('provider');

/** The disclosure of one video. Throws CannotDisclose where a profile names the provider and there is no name. */
export function discloseVideo({ profiles, label }: DisclosureChoice, { operator, jobId }: Discloser): VideoDisclosure {
  const chosen = profiles.map(id => disclosures[id]);
  const namers = chosen.filter(namedIn);
  if (namers[0] !== undefined && operator === undefined)
    throw new CannotDisclose(
      `the disclosure profile "${namers[0].id}" names the provider: REELAY_OPERATOR is to say who runs this installation.`,
    );
  const must = chosen.filter(one => one.label.rule === 'must');
  const shown = must.length > 0 ? must : label ? chosen : [];
  // GB 45438-2025, annex E: one field with a JSON object; "1" says that it is generated. The two reserved ones are for whoever signs.
  const aigc = chosen.find(one => one.metadata.carrier === 'aigc');
  return {
    profiles,
    label:
      shown[0] === undefined
        ? null
        : {
            text: (shown.find(one => one.label.leastTextShare !== null) ?? shown[0]).label.text,
            leastShare: Math.max(0, ...shown.map(one => one.label.leastTextShare ?? 0)),
          },
    tags:
      aigc === undefined
        ? {}
        : { AIGC: JSON.stringify(fieldsOf(aigc.metadata.fields, { provider: operator ?? '', unique_id: jobId })) },
    provider: namers.length > 0 ? (operator ?? null) : null,
  };
}

function fieldsOf(fields: Readonly<Record<string, string>>, facts: { provider: string; unique_id: string }) {
  const values: Readonly<Record<string, string>> = { generated: '1', reserved: '', ...facts };
  return Object.fromEntries(Object.entries(fields).map(([name, fact]) => [name, values[fact] ?? '']));
}

/** A choice as a tenant's record or a setting names it: `{profiles: ["eu","cn"], label: true}`. Problems go to `complain`. */
export function parseDisclosure(
  input: unknown,
  complain: (path: Problem['path'], text: string) => void,
): DisclosureChoice | undefined {
  if (input === null || typeof input !== 'object' || Array.isArray(input))
    return void complain('', 'an object with profiles and label, or null for what the installation does, is needed.');
  const { profiles = usualDisclosure.profiles, label = false, ...others } = input as Record<string, unknown>;
  let isRight = true;
  const refuse = (path: string, text: string) => {
    isRight = false;
    complain(path, text);
  };
  for (const field of Object.keys(others)) refuse(field.slice(0, 64), 'unknown field; known fields: profiles, label.');
  if (typeof label !== 'boolean') refuse('label', 'true or false is needed.');
  const isList = Array.isArray(profiles) && profiles.length > 0 && new Set(profiles).size === profiles.length;
  if (!isList || !profiles.every(one => (disclosureProfiles as readonly unknown[]).includes(one)))
    refuse('profiles', `a list of some of ${disclosureProfiles.join(', ')}, each once, is needed.`);
  return isRight ? { profiles: profiles as readonly DisclosureProfile[], label: label as boolean } : undefined;
}
