/** Bundles that an operator took on although statements about them are missing; each is in the audit ledger as `bundle.accept`. */
import { z } from 'zod';
import { ReelayError } from '../errors.ts';
import type { Governing } from './gate.ts';

const acceptance = z.strictObject({
  id: z.string().min(1).max(64),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Why, in the words of whoever took it on. */
  reason: z.string().min(1).max(500),
  missing: z.array(z.enum(['card', 'dataset', 'license'])),
  /** Unix milliseconds. */
  acceptedAtMs: z.int().min(0),
});

const acceptances = z.strictObject({ v: z.literal(1), accepted: z.array(acceptance).max(1_000) });

/** One bundle that was taken on. */
export type Acceptance = z.infer<typeof acceptance>;

/** The list in a file's text. Throws `bundle_invalid` in a sentence for any other text: what was accepted must not be guessed. */
export function parseAcceptances(text: string, name: string): readonly Acceptance[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    document = undefined;
  }
  const parsed = acceptances.safeParse(document);
  if (parsed.success) return parsed.data.accepted;
  throw new ReelayError('bundle_invalid', `${name} is no list of accepted bundles; reelay models accept writes it.`);
}

/** A list with one more; of the same digest the newer one stays. */
export function withAcceptance(list: readonly Acceptance[], added: Acceptance): string {
  const accepted = [...list.filter(one => one.digest !== added.digest), added];
  return `${JSON.stringify({ v: 1, accepted }, null, 2)}\n`;
}

/** The settings that say more: what is left out is as in `base`. Throws `invalid_request` naming the setting. */
export function parseGoverning(
  settings: {
    readonly REELAY_COMMERCIAL?: string | undefined;
    readonly REELAY_TERRITORY?: string | undefined;
    readonly REELAY_ACCEPT_BUNDLES?: string | undefined;
  },
  base: Governing,
): Governing {
  const {
    REELAY_COMMERCIAL: commercial = '',
    REELAY_TERRITORY: places = '',
    REELAY_ACCEPT_BUNDLES: list = '',
  } = settings;
  const territories = places
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '');
  const digests = list
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '');
  const odd = territories.find(one => !/^[A-Z]{2}$/.test(one));
  if (odd !== undefined) throw refused('REELAY_TERRITORY', odd, 'codes of ISO 3166-1 are allowed, "DE,FR" for one');
  const wrong = digests.find(one => !/^[0-9a-f]{64}$/.test(one));
  if (wrong !== undefined)
    throw refused('REELAY_ACCEPT_BUNDLES', wrong, 'digests of bundles are allowed, 64 lower-case hex digits each');
  if (!['', 'yes', 'no'].includes(commercial)) throw refused('REELAY_COMMERCIAL', commercial, 'yes and no are allowed');
  return {
    commercial: commercial === '' ? base.commercial : commercial === 'yes',
    territories: territories.length === 0 ? base.territories : territories,
    acceptedDigests: new Set([...base.acceptedDigests, ...digests]),
  };
}

function refused(name: string, got: string, allowed: string): ReelayError {
  return new ReelayError('invalid_request', `${name}: got "${got.slice(0, 80)}"; ${allowed}.`);
}
