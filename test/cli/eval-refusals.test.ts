/** What `reelay eval` cannot do is said in a sentence, before anything is rendered. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evalCommand } from '#cli/eval.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
import { inProcess } from './in-process.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const evaluate = (...words: readonly string[]) => inProcess(evalCommand(), words, { REELAY_DATA: at('data') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-eval-refusals-'));
  await writeFastBundle(at('fast'));
  await writeFile(at('prompts.jsonl'), '{"prompt": "a red circle"}\n{"prompt": "a blue star"}\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('reelay eval refuses in a sentence', () => {
  const line = (text: string) => async () => {
    await writeFile(at('bad.jsonl'), `{"prompt": "a"}\n${text}\n`);
    return ['--bundle', at('fast'), '--prompts', at('bad.jsonl')];
  };
  const words =
    (...given: string[]) =>
    async () =>
      given.map(word => word.replace('@', folder));
  const cases: readonly (readonly [string, () => Promise<readonly string[]>, string])[] = [
    ['an unknown model', words('--model', 'none'), 'There is no model "none"; there are: reelay-mini'],
    ['a folder that is none', words('--bundle', '@/none'), '/none is no folder.'],
    [
      'another model than the bundle',
      words('--bundle', '@/fast', '--model', 'mini'),
      '--model: got "mini"; the bundle in',
    ],
    ['no prompt at all', words('--count', '0'), '--count: got "0"; allowed: whole numbers from 1 to 1000.'],
    ['half a prompt', words('--count', '1.5'), '--count: got "1.5"'],
    ['more prompts than there are', words('--count', '900'), '--count: got 900; there are 256 fixed prompts.'],
    [
      'more prompts than a file has',
      async () => ['--prompts', at('prompts.jsonl'), '--count', '3'],
      '--count: got 3; there are 2 prompts in',
    ],
    ['an unknown task', words('--task', 'x2v'), '--task: got "x2v"; allowed: t2v, i2v, v2v.'],
    ['an unknown preset', words('--bundle', '@/fast', '--preset', 'slow'), 'prompt 1: preset: got "slow"'],
    ['too many steps', words('--bundle', '@/fast', '--steps', '99'), 'prompt 1: num_inference_steps: got 99'],
    [
      'a task without its picture',
      async () => ['--bundle', at('fast'), '--prompts', at('prompts.jsonl'), '--task', 'i2v'],
      '--task i2v: prompt 1 starts from no image',
    ],
    ['prompts that are not there', words('--prompts', '@/none.jsonl'), '/none.jsonl does not exist.'],
    ['prompts that are a folder', words('--prompts', '@'), 'is no plain file.'],
    [
      'prompts in UTF-16',
      async () => {
        await writeFile(at('wide.jsonl'), Buffer.from('\ufeff{"prompt": "a"}\r\n', 'utf16le'));
        return ['--prompts', at('wide.jsonl')];
      },
      'wide.jsonl is in UTF-16; UTF-8 is allowed.',
    ],
    ['a line that is no JSON', line('{"prompt": '), 'bad.jsonl: line 2: it is not JSON'],
    ['a line without a prompt', line('{"seed": 1}'), 'line 2: prompt: a text that is not empty is needed.'],
    [
      'a line with a field too many',
      line('{"prompt": "a", "sed": 1}'),
      'line 2: "sed" is not known; allowed: prompt, seed',
    ],
    ['a seed that is none', line('{"prompt": "a", "seed": -1}'), 'line 2: seed: whole numbers from 0'],
    [
      'a wish in unknown words',
      line('{"prompt": "a", "want": {"background": "mars", "things": [{}]}}'),
      'line 2: want.background: got "mars"; allowed: black, dark blue',
    ],
    [
      'a thing without a color',
      line('{"prompt": "a", "want": {"background": "sea", "things": [{}]}}'),
      'line 2: want.things[0].color: got nothing; allowed: red',
    ],
    ['a gate without a folder', words('--gate', 'L0'), '--gate: --golden names the folder.'],
    ['an unknown gate', words('--golden', '@/golden', '--gate', 'L3'), '--gate: got "L3"; allowed: L0, L1, L2.'],
    ['a golden folder that is missing', words('--golden', '@/none', '--gate', 'L0'), 'there is no golden.json in'],
    ['a golden folder alone', words('--golden', '@/golden'), '--gate L0, L1 or L2 compares with it'],
    [
      'a gate with other settings',
      words('--golden', '@/golden', '--gate', 'L1', '--steps', '3'),
      '--steps: the golden folder says',
    ],
    [
      'new goldens without a reason',
      words('--golden', '@/new', '--update-golden', ' '),
      '--update-golden: got 0 characters',
    ],
    [
      'a gate and new goldens at once',
      words('--golden', '@/golden', '--gate', 'L0', '--update-golden', 'x'),
      'look at what the gate found first',
    ],
    [
      'goldens of a server',
      words('--golden', '@/golden', '--gate', 'L0', '--server', 'http://127.0.0.1:9'),
      'a server tells no latents',
    ],
    ['a server and a bundle', words('--server', 'http://127.0.0.1:9', '--bundle', '@/fast'), '--bundle was given too'],
    ['a server that is no URL', words('--server', 'localhost'), '--server: got "localhost"; a URL such as'],
    [
      'a file that cannot be written',
      words('--bundle', '@/fast', '--count', '1', '--json', '@/none/eval.json'),
      '/none does not exist.',
    ],
    [
      'a gate whose report cannot be written, before anything is rendered',
      words('--golden', '@/golden', '--gate', 'L1', '--json', '@/none/gate.json'),
      '/none does not exist.',
    ],
    [
      'a gate whose pictures have no room, before anything is rendered',
      words('--golden', '@/golden', '--gate', 'L1', '--out', '@/prompts.jsonl'),
      'prompts.jsonl is a file.',
    ],
    [
      'new goldens where there is no room for them',
      words('--golden', '@/prompts.jsonl/new', '--update-golden', 'x'),
      '--golden: got "',
    ],
    [
      'new goldens with a report, which they have not',
      words('--golden', '@/new', '--update-golden', 'x', '--json', '@/golden.json'),
      'which writes into --golden alone; leave it out.',
    ],
  ];
  test.each(cases)('%s', async (_, make, sentence) => {
    const { code, stderr } = await evaluate(...(await make()));
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^reelay: .*\n$/);
    expect(code).toBe(2);
  });

  test('a folder without a bundle, with 1, as every command does', async () => {
    const { code, stderr } = await evaluate('--bundle', folder);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('there is no bundle.json to read') });
  });
});
