import { describe, expect, test } from 'vitest';
import { discloseVideo, parseDisclosure, usualDisclosure } from '#core/audit/disclose.ts';
import { disclosureProfiles } from '#core/audit/disclosure.ts';

const by = { operator: 'Example Studio', jobId: 'video_1' };

describe('what a video discloses', () => {
  test('is nothing more than its marks in the EU unless a label is asked for', () => {
    expect(discloseVideo(usualDisclosure, by)).toEqual({ profiles: ['eu'], label: null, tags: {}, provider: null });
    expect(discloseVideo({ profiles: ['eu'], label: true }, by).label).toEqual({ text: 'AI-generated', leastShare: 0 });
  });

  test('is a label on every video where a law wants that, asked for or not', () => {
    expect(discloseVideo({ profiles: ['in'], label: false }, by).label?.text).toBe('AI-generated');
    expect(discloseVideo({ profiles: ['eu', 'cn'], label: false }, by).label).toEqual({
      text: 'AI生成',
      leastShare: 0.05,
    });
    expect(discloseVideo({ profiles: ['in', 'cn'], label: false }, by).label).toEqual({
      text: 'AI生成',
      leastShare: 0.05,
    });
  });

  test('has the seven fields of GB 45438 in China', () => {
    expect(JSON.parse(discloseVideo({ profiles: ['cn'], label: false }, by).tags.AIGC ?? '')).toEqual({
      Label: '1',
      ContentProducer: 'Example Studio',
      ProduceID: 'video_1',
      ReservedCode1: '',
      ContentPropagator: 'Example Studio',
      PropagateID: 'video_1',
      ReservedCode2: '',
    });
  });

  test('names the provider where a law wants the name, and is refused where nobody said it', () => {
    for (const id of disclosureProfiles) {
      const wantsName = id === 'us-ca' || id === 'cn';
      const choice = { profiles: [id], label: false };
      expect(discloseVideo(choice, by).provider, id).toBe(wantsName ? 'Example Studio' : null);
      const nameless = () => discloseVideo(choice, { ...by, operator: undefined });
      if (wantsName) expect(nameless).toThrow(`the disclosure profile "${id}" names the provider: REELAY_OPERATOR`);
      else expect(nameless).not.toThrow();
    }
  });

  test.each([
    ['eu', ': an object with profiles and label'],
    [{ profiles: [] }, 'profiles: a list of some of eu, us-ca, cn, in, each once, is needed.'],
    [{ profiles: ['eu', 'eu'] }, 'profiles: a list'],
    [{ profiles: ['mars'] }, 'profiles: a list'],
    [{ label: 'yes' }, 'label: true or false is needed.'],
    [{ watermark: false }, 'watermark: unknown field; known fields: profiles, label.'],
  ])('%j is refused in a sentence: no choice switches a mark off', (input, sentence) => {
    const problems: string[] = [];
    expect(parseDisclosure(input, (path, text) => problems.push(`${path}: ${text}`))).toBeUndefined();
    expect(problems.join(' ')).toContain(sentence);
  });

  test('may be said in part', () => {
    expect(parseDisclosure({ label: true }, () => undefined)).toEqual({ profiles: ['eu'], label: true });
    expect(parseDisclosure({ profiles: ['cn', 'in'] }, () => undefined)).toEqual({
      profiles: ['cn', 'in'],
      label: false,
    });
  });
});
