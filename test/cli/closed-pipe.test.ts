import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

test('a reader who leaves early gets no stack trace, and the end is no success', () => {
  // `true` is gone long before the first word is written.
  const script = '{ "$0" "$1" verify --help; echo "code $?" >&2; } | true';
  const { stderr } = spawnSync('sh', ['-c', script, process.execPath, MAIN], { encoding: 'utf8', timeout: 30_000 });
  expect(stderr).toBe('code 141\n');
});
