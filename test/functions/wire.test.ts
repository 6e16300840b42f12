import { expect, test } from 'vitest';
import { toVideo } from '#functions/wire.ts';
import { makeJob } from '#test/contracts/make-job.ts';

test('a Video says what it leaves out of its prompt, in words and as data', () => {
  const warnings = [
    { code: 'unknown_words', words: ['Zeppelin', 'quokka'] },
    { code: 'prompt_truncated', tokens: 52, maxTokens: 37 },
  ] as const;
  expect(toVideo(makeJob()).warnings).toEqual([]);
  expect(toVideo(makeJob({ warnings })).warnings).toEqual([
    {
      code: 'unknown_words',
      message: 'The model does not know these words of the prompt: Zeppelin, quokka.',
      words: ['Zeppelin', 'quokka'],
    },
    {
      code: 'prompt_truncated',
      message: 'The model reads 37 tokens of a prompt and this one has 52: its end was left out.',
    },
  ]);
});
