/**
 * One decision about one request: allow, deny or review, the rules that say so, and the hash of the policy. It is asked at intake and again
 * in the worker, with the same input, and whatever goes wrong in it denies: a request that could not be read was not allowed.
 */
import { applyFloor, type Finding, type Positions } from './apply-rules.ts';
import { type ConsentRecord, consentAnswers, consentFault } from './consent.ts';
import { contentLimits } from './content-limits.ts';
import { findTerms } from './find-terms.ts';
import { floorVersion, type Outcome, outcomes } from './floor-rules.ts';
import type { Sense } from './floor-words.ts';
import { foldName, groupSense, type PreparedPolicy } from './prepare-policy.ts';
import { readNegative, readScene, type Scene } from './read-scene.ts';
import type { TenantPolicy } from './tenant-policy.ts';

/** A reference of the request. What a face detector says of it; `failed` when it should have looked and could not, `not_asked` without one. */
export interface PolicyReference {
  readonly sha256: string;
  readonly faces: 'none' | 'present' | 'failed' | 'not_asked';
}

/** What is decided about. */
export interface PolicyInput {
  readonly tenant: string;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly references: readonly PolicyReference[];
  /** The consent records that the request names, as the store has them; null for an id that it does not have. */
  readonly consents: readonly (ConsentRecord | null)[];
}

/** What is decided with. */
export interface PolicyPorts {
  readonly nowMs: number;
  /** Whether the record's signature or attestation was checked and holds. */
  readonly proven: (record: ConsentRecord) => boolean;
  /** The key of a folded name in consent records. */
  readonly nameKey: (foldedName: string) => string;
}

/** What was decided; it quotes nothing of the request, so that it can go into the job and the audit log. */
export interface PolicyDecision {
  readonly outcome: Outcome;
  /** Ids of the rules that hold, the gravest first: for logs and reviewers, not for the requester. */
  readonly rules: readonly string[];
  /** What the requester is told: a part of the floor, or the tenant's own rule. */
  readonly told: readonly string[];
  /** A live consent record of the person would answer all that stands against the request. */
  readonly consentRequired: boolean;
  /** The consents that answered something: what revoking them lists. */
  readonly consents: readonly string[];
  readonly floor: string;
  readonly policyHash: string;
}

/** One thing that stands against a request. */
interface Objection {
  readonly id: string;
  readonly told: string;
  readonly outcome: Exclude<Outcome, 'allow'>;
  readonly consent: boolean;
}

const strictest = (all: readonly Outcome[]): Outcome =>
  outcomes[Math.max(0, ...all.map(each => outcomes.indexOf(each)))]!;

/** The decision. Pure, total, and linear in the texts. */
export function decide(policy: PreparedPolicy, input: PolicyInput, ports: PolicyPorts): PolicyDecision {
  try {
    return decided(policy, input, ports);
  } catch {
    // The cause may quote the prompt; that something failed is all that may be told, and it denies.
    return denied(policy, 'floor.unreadable');
  }
}

function denied(policy: PreparedPolicy, rule: string): PolicyDecision {
  const decision = { outcome: 'deny', rules: [rule], told: [rule], consentRequired: false, consents: [] } as const;
  return { ...decision, floor: floorVersion, policyHash: policy.hash };
}

function decided(policy: PreparedPolicy, input: PolicyInput, ports: PolicyPorts): PolicyDecision {
  if (input.consents.length > contentLimits.maxConsentsPerRequest) return denied(policy, 'floor.unreadable');
  const [scene, turned] = [readScene(input.prompt), readNegative(input.negativePrompt)];
  if (scene === null || turned === null) return denied(policy, 'floor.unreadable');
  const named = [...new Set([...scene.names, ...namesListed(policy, scene)])];
  const checked = { tenant: input.tenant, nowMs: ports.nowMs };
  const live = input.consents
    .filter(record => record !== null)
    .filter(record => consentFault(record, { ...checked, proven: ports.proven(record) }) === undefined);
  // The floor's objections are answered by what the floor asks for: a name that a tenant adds must not give consent something to hold on to.
  const answers = (consentFor: TenantPolicy['consentFor'], names: readonly string[]) => {
    const references = referencesInNeed(consentFor, input, somebodyIn(scene)).map(reference => reference.sha256);
    return consentAnswers({ references, nameKeys: names.map(ports.nameKey) }, live);
  };
  const byFloor = { answered: answers('faces', scene.names) };
  const byTenant = { answered: answers(policy.tenant.consentFor, named) };
  const objections = [
    ...applyFloor(joined(scene.at, turned)).map(finding => ({ ...floorObjection(finding), ...byFloor })),
    ...referenceObjections('faces', input).map(each => ({ ...each, ...byFloor })),
    ...referenceObjections(policy.tenant.consentFor, input).map(each => ({ ...each, ...byTenant })),
    ...tenantObjections(policy, input, scene, named).map(each => ({ ...each, ...byTenant })),
  ];
  const standing = objections.filter(({ consent, answered }) => !(consent && answered));
  const raised = policy.tenant.reviewMeansDeny
    ? standing.length > 0
      ? (['deny'] as const)
      : []
    : standing.map(each => each.outcome);
  return {
    outcome: strictest(raised),
    rules: [...new Set(standing.map(each => each.id))],
    told: [...new Set(standing.map(each => each.told))],
    consentRequired: standing.length > 0 && standing.every(each => each.consent),
    consents: objections.some(each => each.consent && each.answered) ? live.map(record => record.id) : [],
    floor: floorVersion,
    policyHash: policy.hash,
  };
}

function floorObjection({ rule, outcome }: Finding): Objection {
  return { id: rule.id, told: rule.family, outcome, consent: rule.consent === true };
}

function joined(at: Positions, more: Positions): Positions {
  if (more.size === 0) return at;
  const all = new Map(at);
  for (const [sense, positions] of more) all.set(sense, [...positions, ...(at.get(sense) ?? [])]);
  return all;
}

/** A text that means somebody makes every reference that may have a face a picture of them. */
function somebodyIn({ at }: Scene): boolean {
  return at.has('realPerson') || at.has('namedPerson') || at.has('imitation');
}

function referencesInNeed(consentFor: TenantPolicy['consentFor'], { references }: PolicyInput, somebody = false) {
  return references.filter(({ faces }) => {
    if (faces === 'failed') return false;
    return faces === 'present' || consentFor === 'references' || (somebody && faces === 'not_asked');
  });
}

/** A face in a reference is somebody's likeness; a detector that could not look has seen one, and no consent answers that. */
function referenceObjections(consentFor: TenantPolicy['consentFor'], input: PolicyInput): readonly Objection[] {
  const told = 'floor.likeness';
  const failed = input.references.some(({ faces }) => faces === 'failed');
  return [
    ...(failed ? [{ id: 'likeness.unread', told, outcome: 'deny', consent: false } as const] : []),
    ...(referencesInNeed(consentFor, input).length > 0
      ? [{ id: 'likeness.reference', told, outcome: 'deny', consent: true } as const]
      : []),
  ];
}

function namesListed({ names }: PreparedPolicy, scene: Scene): readonly string[] {
  return findTerms(names, scene.words, scene.languages).map(mark => mark.sense);
}

function tenantObjections(
  policy: PreparedPolicy,
  input: PolicyInput,
  scene: Scene,
  named: readonly string[],
): readonly Objection[] {
  const { tenant } = policy;
  const senses = new Set(findTerms(policy.terms, scene.words, scene.languages).map(mark => mark.sense));
  const objections: Objection[] = tenant.rules.flatMap(({ id, outcome, any, all }, n) => {
    const anyHolds = any.length === 0 || senses.has(groupSense(n, -1));
    const holds = anyHolds && all.every((_, group) => senses.has(groupSense(n, group)));
    return holds ? [{ id: `tenant.${id}`, told: `tenant.${id}`, outcome, consent: false }] : [];
  });
  const add = (rule: string, outcome: Outcome, consent = false) => {
    if (outcome !== 'allow') objections.push({ id: rule, told: rule, outcome, consent });
  };
  const listed = new Set(tenant.names.map(foldName));
  if (named.some(name => listed.has(name))) add('tenant.names', 'deny', true);
  const adult: readonly Sense[] = ['explicit', 'nudity', 'undress'];
  if (adult.some(sense => scene.at.has(sense))) add('tenant.adult-content', tenant.adultContent);
  const { maxPromptChars } = tenant;
  if (maxPromptChars !== null && input.prompt.length > maxPromptChars) add('tenant.prompt-length', 'deny');
  return objections;
}
