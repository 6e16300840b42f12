import { afterAll, expect, test } from 'vitest';
import { budgetCommand } from '#cli/budget.ts';
import { generateCommand } from '#cli/generate.ts';
import { quoteCommand } from '#cli/quote.ts';
import { usageCommand } from '#cli/usage.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { MINI_DEFAULTS } from '#test/render/child.ts';
import { inProcess } from './in-process.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const list = { version: 'v1', prices: { 'reelay-mini': { unit: 'output_second', rates: { '*': '0.5' } } } };
/** USD of one video of the model's defaults. */
const PRICE = (0.5 * MINI_DEFAULTS.frames) / MINI_DEFAULTS.fps;
const env = { REELAY_DATA: folder.path, REELAY_DROP: 'off', REELAY_PRICES: JSON.stringify(list) };

test('a budget that is set stops what would pass it, before anything is made; a quote says so and usage stays empty', async () => {
  const set = await inProcess(budgetCommand(), ['set', '--tenant', 'local', '--month', '0.25'], env);
  // The first to open the folder says that its keys were made, and nothing else.
  expect(set).toMatchObject({ code: 0, stderr: expect.stringMatching(/^reelay: made the keys .*\n$/) });
  expect(set.stdout).toMatch(
    /^local {2}\d{4}-\d\d-\d\d {2}no limit.*\nlocal {2}\d{4}-\d\d {2}0\.25 {2}0\.00 spent, 0\.00 held/,
  );
  const quoted = await inProcess(quoteCommand(), ['a', 'red', 'circle'], env);
  expect(quoted).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(`^${PRICE.toFixed(2)} USD \\(0\\.50 for each output second, .*refused`),
  });
  const refused = await inProcess(generateCommand(), ['a red circle', '--quiet'], env);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("The tenant's budget for the month") });
  const usage = await inProcess(usageCommand(), ['--csv'], env);
  expect(usage.stdout).toBe('day,key,model,completed,uncharged,output_seconds,gpu_seconds,cost_usd\r\n');
});

test('a price list that cannot be meant stops every command with a sentence', async () => {
  const wrong = JSON.stringify({ version: 'v1', prices: { a: { unit: 'video' } } });
  expect(await inProcess(quoteCommand(), ['x'], { ...env, REELAY_PRICES: wrong })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^reelay: REELAY_PRICES: prices\.a: .*is needed/),
  });
  expect((await inProcess(quoteCommand(), ['x'], { ...env, REELAY_PRICES: 'none.json' })).stderr).toContain(
    'REELAY_PRICES: none.json: it cannot be read (ENOENT).',
  );
});
