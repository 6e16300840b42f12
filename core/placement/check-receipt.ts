/**
 * @file What `verify` looks at. Each check says whether its promise holds, does not, or was not looked at for want of something; what
 * marks a video (C2PA, a watermark) becomes further checks of the same kind.
 */

import type { SignedReceipt } from './read-receipt.ts';
import { leftPremises, type Receipt, type ReceiptFile, signedText } from './receipt.ts';
import { allowsSite } from './route.ts';
import type { Residency, Site } from './types.ts';

/** The outcome of one check, with a sentence. */
export interface Check {
  readonly check: 'signature' | 'agreement' | 'residency' | 'premises' | 'video' | 'request';
  readonly outcome: 'holds' | 'fails' | 'not_checked';
  readonly sentence: string;
}

/** Whether a signature over a text's UTF-8 bytes is that of a key; undefined for a key that is not known. */
export type VerifySignature = (key: string, text: string, signature: string) => boolean | undefined;

/** What a receipt is held against. */
export interface Evidence {
  readonly verify: VerifySignature;
  /** Of the video that is said to be the receipt's; undefined where none is at hand. */
  readonly video?: ReceiptFile | undefined;
  /** The HMAC of the request that is said to be the receipt's, lower-case hex. */
  readonly requestHmac?: string | undefined;
  /** Whether nothing at all may have left the premises, whatever the rule says. */
  readonly premisesOnly?: boolean;
}

/** All checks of one receipt, in the order in which a person wants to know. */
export function checkReceipt(signed: SignedReceipt, evidence: Evidence): readonly Check[] {
  const { receipt } = signed;
  return [
    checkSignature(signed, evidence.verify),
    checkAgreement(receipt),
    checkResidency(receipt),
    checkPremises(receipt, evidence.premisesOnly === true),
    checkVideo(receipt, evidence.video),
    checkRequest(receipt, evidence.requestHmac),
  ];
}

const holds = (check: Check['check'], sentence: string): Check => ({ check, outcome: 'holds', sentence });
const fails = (check: Check['check'], sentence: string): Check => ({ check, outcome: 'fails', sentence });

function checkSignature({ receipt, signature }: SignedReceipt, verify: VerifySignature): Check {
  const good = verify(receipt.key, signedText(receipt), signature);
  if (good === undefined)
    return fails('signature', `It names the key ${receipt.key}, which is none of the public keys that were given.`);
  return good
    ? holds('signature', `It was signed with the key ${receipt.key}, and nothing was changed since.`)
    : fails('signature', `It was changed after it was signed, or was never signed with the key ${receipt.key}.`);
}

/** What the receipt says twice must agree: a signature does not make a contradiction true. */
function checkAgreement({ attempts, accepted, prompt, references, latents, output }: Receipt): Check {
  const doors = [accepted.place];
  const items = [
    { name: 'the prompt', item: prompt, doors },
    ...references.map(item => ({ name: 'the reference', item, doors })),
    { name: 'the latents', item: latents, doors: [] },
    { name: 'the output', item: output, doors: [] },
  ];
  const wrong = items.find(
    ({ item, doors }) => item.left_premises !== leftPremises({ attempts, doors, kept: item.kept }),
  );
  if (wrong !== undefined)
    return fails('agreement', `What it says of whether ${wrong.name} left the premises is not what its places say.`);
  if (prompt.kept.length === 0 || output.kept.length === 0)
    return fails('agreement', 'It does not say where the prompt or the output was kept.');
  if (attempts.some((one, n) => n > 0 && one.attempt !== attempts[n - 1]!.attempt + 1))
    return fails('agreement', 'An attempt is missing between two others.');
  return holds('agreement', 'Its parts agree with one another.');
}

/** The rule says where a job may run, so it is held against every attempt; one that is not told may have been anywhere. */
function checkResidency({ residency, attempts }: Receipt): Check {
  const { sites, regions } = residency;
  const rule: Residency = { sites, ...(regions === null ? {} : { regions }) };
  const told = `the rule of "${residency.class}" (${describeRule(rule)})`;
  const outside = attempts.filter(attempt => !allowsSite(rule, attempt));
  const all = attempts.map(one => `attempt ${one.attempt} ${describePlace(one)}`).join(', ');
  if (outside.length > 0) {
    const named = outside.map(one => `attempt ${one.attempt} ran ${describePlace(one)}`).join(', ');
    return fails('residency', `BREACH: ${told} does not allow that ${named}.`);
  }
  if (attempts[0]!.attempt !== 1)
    return fails(
      'residency',
      `Where it ran before attempt ${attempts[0]!.attempt} is not told, so ${told} is not shown.`,
    );
  return holds('residency', `It ran where ${told} allows it: ${all}.`);
}

/** A rule is about where a job runs: what passed a front door or lies in a store elsewhere is told, and a breach only where asked. */
function checkPremises({ prompt, references, latents, output }: Receipt, only: boolean): Check {
  const items = { 'the prompt': prompt, 'the reference': references[0], 'the latents': latents, 'the output': output };
  const named = (left: boolean) =>
    Object.entries(items).flatMap(([name, item]) => (item?.left_premises === left ? [name] : []));
  const [gone, stayed] = [named(true), named(false)];
  const parts = [
    ...(gone.length > 0 ? [`left the premises: ${gone.join(', ')}`] : []),
    ...(stayed.length > 0 ? [`stayed on the premises: ${stayed.join(', ')}`] : []),
  ];
  const sentence = `${parts.join('; ')}.`;
  const told = sentence[0]!.toUpperCase() + sentence.slice(1);
  return only && gone.length > 0 ? fails('premises', `BREACH: ${told}`) : holds('premises', told);
}

function checkVideo({ output, job }: Receipt, video: ReceiptFile | undefined): Check {
  if (video === undefined)
    return { check: 'video', outcome: 'not_checked', sentence: 'No video was given to compare with.' };
  const { sha256, bytes } = output.files.video;
  const same = video.sha256 === sha256 && video.bytes === bytes;
  return same
    ? holds('video', `The video is that of ${job}, byte for byte.`)
    : fails('video', `The video is not that of ${job}: it has ${video.bytes} bytes and sha256 ${video.sha256}.`);
}

function checkRequest({ request, job }: Receipt, hmac: string | undefined): Check {
  if (hmac === undefined)
    return { check: 'request', outcome: 'not_checked', sentence: 'No request was given to compare with.' };
  return hmac === request.hmac_sha256
    ? holds('request', `The request is the one that ${job} was made of.`)
    : fails('request', `The request is not the one that ${job} was made of.`);
}

const SITES: Readonly<Record<Site, string>> = { onprem: 'on the premises', cloud: 'in the cloud' };

function describePlace(place: { readonly pool: string; readonly site: Site; readonly region: string }): string {
  return `${SITES[place.site]} (pool ${place.pool}, region ${place.region})`;
}

function describeRule({ sites, regions }: Residency): string {
  const where = sites.length === 0 ? 'nowhere' : sites.map(site => SITES[site]).join(' or ');
  return regions === undefined ? where : `${where}, regions ${regions.join(', ')}`;
}
