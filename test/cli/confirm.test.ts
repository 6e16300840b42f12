import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from '#cli/confirm.ts';

test.each<[string, string, boolean]>([
  ['Enter', '\r', true],
  ['a y', 'y\r', true],
  ['a YES', 'YES\r', true],
  ['an n', 'n\r', false],
  ['something else', 'maybe\r', false],
  ['Ctrl-C', '\x03', false],
  ['Ctrl-D', '\x04', false],
])('%s at the question', async (_, typed, meant) => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answer = confirm('Add it? [Y/n] ', input, output);
  input.write(typed);
  expect(await answer).toBe(meant);
  expect(output.read().toString()).toContain('Add it? [Y/n] ');
});

test('a terminal that goes away is a no', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answer = confirm('Add it? [Y/n] ', input, output);
  input.end();
  expect(await answer).toBe(false);
});
