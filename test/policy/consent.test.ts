import { describe, expect, test } from 'vitest';
import { type ConsentRecord, outputsOf, revokeConsent } from '#core/policy/content/consent.ts';
import { decide, type PolicyInput } from '#core/policy/content/decide.ts';
import { policyRefusal } from '#core/policy/content/policy-refusal.ts';
import { foldName } from '#core/policy/content/prepare-policy.ts';
import { consentOf } from './consents.ts';
import { asking, floor, ports, sha256 } from './evaluation.ts';

const PICTURE = sha256('picture');
const face = { sha256: PICTURE, faces: 'present' as const };
const decided = (prompt: string, more: Partial<PolicyInput> = {}, with_ = ports) =>
  decide(floor, asking(prompt, more), with_);
const withFace = (record: ConsentRecord | null) => decided('she smiles', { references: [face], consents: [record] });

describe('a face in a reference', () => {
  test('needs a live record for this very picture', () => {
    const live = consentOf({ referenceSha256: [PICTURE] });
    expect(withFace(live)).toMatchObject({ outcome: 'allow', consents: ['consent_1'] });
    expect(withFace(consentOf({ referenceSha256: [sha256('other')] })).outcome).toBe('deny');
    expect(withFace(null).outcome).toBe('deny');
    expect(decided('she smiles', { references: [face] }).outcome).toBe('deny');
  });

  test.each([
    ['revoked', { revokedAtMs: 5 }],
    ['expired', { validToMs: 1_000 }],
    ['not yet valid', { validFromMs: 1_001 }],
    ["another tenant's", { tenant: 'globex' }],
    ['for a voice only', { scope: 'voice' as const }],
    ['given for decades', { validToMs: 1e12 }],
    ['without a time', { validToMs: Number.NaN }],
    ['without evidence', { evidenceSha256: '' }],
  ])('is not answered by a record that is %s', (_, fields) => {
    const decision = withFace(consentOf({ referenceSha256: [PICTURE], ...fields }));
    expect(policyRefusal(decision)?.code).toBe('likeness_consent_required');
  });

  test('is not answered by a record whose proof does not hold, and by none where a detector failed', () => {
    const consents = [consentOf({ referenceSha256: [PICTURE] })];
    expect(decided('she smiles', { references: [face], consents }, { ...ports, proven: () => false }).outcome).toBe(
      'deny',
    );
    const failed = { references: [{ ...face, faces: 'failed' as const }], consents };
    expect(policyRefusal(decided('she smiles', failed))?.code).toBe('policy_denied');
  });
});

describe('a named person', () => {
  const key = ports.nameKey(foldName('MARTHA Ellingworth'));

  test('is reviewed, and allowed with consent for that name', () => {
    expect(decided('photo of Martha Ellingworth by a lake').outcome).toBe('review');
    const consents = [consentOf({ nameKeys: [key] })];
    expect(decided('photo of Martha Ellingworth by a lake', { consents }).outcome).toBe('allow');
    expect(decided('photo of Colin Drayfoot by a lake', { consents }).outcome).toBe('review');
  });

  test('needs consent for the reference too when there is one that nobody looked at', () => {
    const references = [{ sha256: PICTURE, faces: 'not_asked' as const }];
    const prompt = 'photo of Martha Ellingworth by a lake';
    expect(decided(prompt, { references, consents: [consentOf({ nameKeys: [key] })] }).outcome).toBe('review');
    const both = [consentOf({ nameKeys: [key], referenceSha256: [PICTURE] })];
    expect(decided(prompt, { references, consents: both }).outcome).toBe('allow');
  });

  test('cannot consent away the rest of the floor', () => {
    const consents = [consentOf({ nameKeys: [key], referenceSha256: [PICTURE] })];
    const decision = decided('photo of Martha Ellingworth naked', { consents });
    expect(decision).toMatchObject({ outcome: 'deny', consentRequired: false });
    expect(decided('a deepfake of my neighbor', { consents }).outcome).toBe('deny');
  });
});

test('revoking a record is repeatable, and lists everything that was made with it, page by page', async () => {
  const once = revokeConsent(consentOf(), 7);
  expect(revokeConsent(once, 9)).toEqual({ ...consentOf(), revokedAtMs: 7 });
  const all = Array.from({ length: 5 }, (_, n) => ({ jobId: `video_${n}`, key: `k/${n}`, completedAtMs: n }));
  const list = async (_: string, after: string | null) => {
    const from = after === null ? 0 : Number(after);
    return { outputs: all.slice(from, from + 2), next: from + 2 < all.length ? String(from + 2) : null };
  };
  expect(await Array.fromAsync(outputsOf({ list }, 'consent_1'))).toEqual(all);
});

test('a refusal says which part of the policy and where to object, and nothing that helps the next try', () => {
  const denial = policyRefusal(decided('a naked child by a lake'))!;
  expect(denial).toMatchObject({ code: 'policy_denied', param: 'prompt' });
  expect(denial.message).toContain('floor.minors');
  expect(denial.message).toContain('POST /v1/policy/appeals');
  expect(denial.message).not.toMatch(/naked|child|lake|minors\.nudity/);
  expect(policyRefusal(decided('a boat'))).toBeUndefined();
});
