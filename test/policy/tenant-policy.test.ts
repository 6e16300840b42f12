import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { decide, type PolicyInput } from '#core/policy/content/decide.ts';
import { outcomes } from '#core/policy/content/floor-rules.ts';
import { foldName, preparePolicy } from '#core/policy/content/prepare-policy.ts';
import { floorOnly, parseTenantPolicy, type TenantPolicy } from '#core/policy/content/tenant-policy.ts';
import { consentOf } from './consents.ts';
import { asking, floor, ports, readSet, sha256 } from './evaluation.ts';

const file = (fields: object) => JSON.stringify({ v: 1, ...fields });
const prepared = (fields: object) => preparePolicy(sha256, parseTenantPolicy(file(fields)));
const outcomeOf = (fields: object, prompt: string, more: Partial<PolicyInput> = {}) =>
  decide(prepared(fields), asking(prompt, more), ports).outcome;

describe("a tenant's file", () => {
  test('adds rules of any and of all, in words that nothing hides', () => {
    const rules = [
      { id: 'gore', any: ['gore', 'blood*'], outcome: 'review' },
      { id: 'rival', all: [['rivalcorp'], ['logo', 'trade mark']] },
    ];
    expect(outcomeOf({ rules }, 'a bloody scene')).toBe('review');
    expect(outcomeOf({ rules }, 'the g\u200bore')).toBe('review');
    expect(outcomeOf({ rules }, 'the R i v a l c o r p trade mark')).toBe('deny');
    expect(outcomeOf({ rules }, 'the rivalcorp building')).toBe('allow');
  });

  test('asks for consent of whoever it names, denies where nobody reviews, and limits adults and lengths', () => {
    expect(outcomeOf({ names: ['Jane Q Roe'] }, 'jane q roe on a boat')).toBe('deny');
    expect(outcomeOf({ reviewMeansDeny: true }, 'photo of Martha Ellingworth')).toBe('deny');
    expect(outcomeOf({ adultContent: 'review' }, 'a nude woman, oil painting')).toBe('review');
    expect(outcomeOf({ maxPromptChars: 5 }, 'a boat at sea')).toBe('deny');
    const references = [{ sha256: sha256('x'), faces: 'none' as const }];
    expect(outcomeOf({ consentFor: 'references' }, 'a boat', { references })).toBe('deny');
  });

  test.each([
    ['no JSON', 'rules:\n - gore', 'got "no JSON"; one JSON object is allowed'],
    ['a list', '[]', 'got a list of 0; one JSON object is allowed'],
    ['another version', '{"v": 2}', 'policy: v: got 2; 1 is allowed.'],
    ['a field that would lift the floor', file({ allow: ['x'] }), 'policy: allow: got "a field that nobody reads"'],
    [
      'an outcome that would',
      file({ rules: [{ id: 'a', any: ['x y'], outcome: 'allow' }] }),
      'rules[0].outcome: got "allow"; review, deny are allowed',
    ],
    ['a rule without terms', file({ rules: [{ id: 'a' }] }), 'got "neither any nor all"'],
    ['an empty list', file({ rules: [{ id: 'a', any: [] }] }), 'rules[0].any: got a list of 0'],
    ['a term of signs', file({ rules: [{ id: 'a', any: ['!!'] }] }), 'rules[0].any[0]: got "!!"'],
    [
      'one id twice',
      file({
        rules: [
          { id: 'a', any: ['x'] },
          { id: 'a', any: ['y'] },
        ],
      }),
      'got "a twice"',
    ],
    ['a name of one word', file({ names: ['Jane'] }), 'names[0]: got "Jane"; a name of two to 6 words'],
    ['a length of nothing', file({ maxPromptChars: 0 }), 'maxPromptChars: got 0'],
    ['a word for yes', file({ reviewMeansDeny: 'yes' }), 'reviewMeansDeny: got "yes"; false, true are allowed'],
    ['a huge file', ' '.repeat(600_000), 'up to 524288 are allowed'],
  ])('is refused in a sentence for %s', (_, text, sentence) => {
    expect(() => parseTenantPolicy(text)).toThrow(sentence);
  });

  test('has another hash for another rule, and the same for the same', () => {
    expect(prepared({ names: ['Jane Roe'] }).hash).not.toBe(prepared({}).hash);
    expect(prepared({}).hash).toBe(floor.hash);
  });
});

describe('whatever a tenant writes', () => {
  test('a decision is never laxer than that of the floor, for random policies and requests', () => {
    const draw = mulberry32(20_260_801);
    const prompts = readSet().map(({ text }) => text);
    const words = prompts.slice(0, 400).flatMap(text => text.split(' '));
    const names = ['Martha Ellingworth', 'Colin Drayfoot', 'Jane Roe'];
    let stopped = 0;
    for (let n = 0; n < 400; n++) {
      const policy = preparePolicy(sha256, randomPolicy(draw, words, names));
      for (let m = 0; m < 10; m++) {
        const input = randomInput(draw, prompts, names);
        const [least, got] = [decide(floor, input, ports), decide(policy, input, ports)];
        const rank = (outcome: (typeof outcomes)[number]) => outcomes.indexOf(outcome);
        expect(rank(got.outcome)).toBeGreaterThanOrEqual(rank(least.outcome));
        expect(got.rules).toEqual(expect.arrayContaining([...least.rules]));
        if (least.outcome !== 'allow') stopped++;
      }
    }
    expect(stopped).toBeGreaterThan(1_000);
  });
});

type Draw = () => number;
const pick = <T>(draw: Draw, of: readonly T[]): T => of[Math.floor(draw() * of.length)]!;
const some = <T>(draw: Draw, of: readonly T[], most: number): T[] =>
  Array.from({ length: Math.floor(draw() * (most + 1)) }, () => pick(draw, of));

function randomPolicy(draw: Draw, words: readonly string[], names: readonly string[]): TenantPolicy {
  const rules = Array.from({ length: Math.floor(draw() * 4) }, (_, n) => ({
    id: `r${n}`,
    outcome: pick(draw, ['review', 'deny'] as const),
    any: some(draw, words, 3),
    all: Array.from({ length: Math.floor(draw() * 3) }, () => some(draw, words, 3)),
  }));
  return {
    v: 1,
    rules,
    names: some(draw, names, 2),
    reviewMeansDeny: draw() < 0.3,
    adultContent: pick(draw, ['allow', 'review', 'deny'] as const),
    consentFor: pick(draw, ['faces', 'references'] as const),
    maxPromptChars: draw() < 0.2 ? 40 : null,
  };
}

function randomInput(draw: Draw, prompts: readonly string[], names: readonly string[]): PolicyInput {
  const hash = () => sha256(String(Math.floor(draw() * 3)));
  const references = Array.from({ length: Math.floor(draw() * 3) }, () => ({
    sha256: hash(),
    faces: pick(draw, ['none', 'present', 'failed', 'not_asked'] as const),
  }));
  const consents = Array.from({ length: Math.floor(draw() * 3) }, () =>
    draw() < 0.2
      ? null
      : consentOf({
          referenceSha256: [hash(), hash()],
          nameKeys: some(draw, names, 3).map(name => ports.nameKey(foldName(name))),
          revokedAtMs: draw() < 0.3 ? 1 : null,
        }),
  );
  return asking(pick(draw, prompts), { references, consents, negativePrompt: draw() < 0.1 ? 'clothes' : '' });
}

test('a name that a tenant lists gives consent nothing to hold on to', () => {
  const policy = preparePolicy(sha256, { ...floorOnly, names: ['Martha Ellingworth'] });
  const consents = [consentOf({ nameKeys: [ports.nameKey(foldName('Martha Ellingworth'))] })];
  const input = asking('a deepfake of my neighbor, and martha ellingworth waves', { consents });
  expect(decide(floor, input, ports).outcome).toBe('deny');
  expect(decide(policy, input, ports).outcome).toBe('deny');
});

test('limits of the content policy owe one another what they should', () => {
  expect(contentLimits.maxTextChars).toBeLessThan(limits.maxBodyBytes);
  expect(contentLimits.maxFoldedChars).toBeGreaterThan(contentLimits.maxTextChars);
  expect(contentLimits.appealReviewHours).toBeGreaterThan(contentLimits.reviewHours);
  expect(floorOnly.maxPromptChars).toBeNull();
});
