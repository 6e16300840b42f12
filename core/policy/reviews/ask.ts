/** One question to the content policy, the same at every door and in the worker. */
import type { VideoRequest } from '../../video-request.ts';
import { readConsents } from '../consents/consent-store.ts';
import { decide, type PolicyDecision, type PolicyReference } from '../content/decide.ts';
import type { ContentPorts } from './content-ports.ts';
import { type Keyed, keyedOf } from './installation-key.ts';

/** What is asked about, and for whom. */
export interface Asked {
  readonly tenant: string;
  /** `personOf` whoever asks. */
  readonly requester: string;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly references: readonly PolicyReference[];
  /** Ids of consent records that the request names. */
  readonly consents: readonly string[];
  /** The class that says where the request may be processed, and so its texts. */
  readonly residency: string;
}

/** The question that a request is; `referenceSha256` of what it starts from, or null. No face detector is asked: there is none here. */
export function askedOf(
  request: VideoRequest,
  referenceSha256: string | null,
  { tenant, requester }: Pick<Asked, 'tenant' | 'requester'>,
): Asked {
  return {
    tenant,
    requester,
    prompt: request.prompt,
    negativePrompt: request.negative_prompt,
    references: referenceSha256 === null ? [] : [{ sha256: referenceSha256, faces: 'not_asked' }],
    consents: request.consents ?? [],
    residency: request.residency,
  };
}

/** The answer. Throws `store_unavailable` where consent records cannot be read: nothing is decided then. */
export async function askPolicy(ports: ContentPorts, asked: Asked): Promise<PolicyDecision> {
  const keyed = await keyedOf(ports);
  const consents = await readConsents(ports, asked.tenant, asked.consents);
  const proven = new Set(consents.flatMap(found => (found?.proven === true ? [found.record] : [])));
  const { tenant, prompt, negativePrompt, references } = asked;
  return decide(
    ports.content.policyOf(tenant),
    { tenant, prompt, negativePrompt, references, consents: consents.map(found => found?.record ?? null) },
    { nowMs: ports.now(), proven: record => proven.has(record), nameKey: name => keyed('name', name) },
  );
}

/** The same of the prompt and the files alone: what somebody sends who does not know what else their model added. */
export function promptMarkOf(keyed: Keyed, { prompt, references }: Pick<Asked, 'prompt' | 'references'>): string {
  return keyed('request', JSON.stringify([prompt, references.map(({ sha256 }) => sha256)]));
}

/** What a request is known by without its texts: who sends the same texts and files again has the same. */
export function markOf(keyed: Keyed, { prompt, negativePrompt, references }: Asked): string {
  return keyed('request', JSON.stringify([prompt, negativePrompt, references.map(({ sha256 }) => sha256)]));
}
