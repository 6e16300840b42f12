import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

/** Output of a tool of node_modules, run by this Node; '' when it found nothing. */
async function complaints(script: string, args: string[]): Promise<string> {
  try {
    await run(process.execPath, [resolve(ROOT, 'node_modules', script), ...args], { cwd: ROOT, maxBuffer: 1 << 24 });
    return '';
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}` || String(error);
  }
}

describe('the toolchain agrees', () => {
  test.each(['tsconfig.json', 'core/tsconfig.json', 'gpu-container/engine/tsconfig.json', 'studio/tsconfig.json'])(
    'types check under %s',
    async project => {
      expect(await complaints('typescript/bin/tsc', ['-p', project])).toBe('');
    },
  );

  test('process, fetch and Buffer do not resolve in the engine', async () => {
    const probe = resolve(ROOT, 'test/fixtures/impure-engine/tsconfig.json');
    const said = await complaints('typescript/bin/tsc', ['-p', probe]);
    for (const name of ['process', 'fetch', 'Buffer']) expect(said).toContain(`'${name}'`);
  });

  test('lint and format are clean', async () => {
    expect(await complaints('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.'])).toBe('');
  });
});
