import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe('the lockfile', () => {
  const { packages } = JSON.parse(readFileSync(resolve(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };

  test('names no host', () => {
    expect(Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  });

  test('has an entry for every platform, also those that the registry it was written against did not carry', () => {
    const wanted = Object.entries(packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).map(name => ({ path, name })),
    );
    // As Node looks for it: beside the package's own dependencies, then one folder of modules further up each time.
    const isFound = (path: string, name: string): boolean =>
      `${path === '' ? '' : `${path}/`}node_modules/${name}` in packages ||
      (path !== '' && isFound(path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)), name));
    const missing = wanted.filter(({ path, name }) => !isFound(path, name));
    expect(missing).toEqual([]);
  });

  test('holds exact versions of what package.json asks for', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'));
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('the toolchain agrees', () => {
  test.each([
    'tsconfig.json',
    'core/tsconfig.json',
    'gpu-container/engine/tsconfig.json',
    'gpu-container/provenance/watermark/tsconfig.json',
    'studio/tsconfig.json',
  ])('types check under %s', async project => {
    expect(await complaints('typescript/bin/tsc', ['-p', project])).toBe('');
  });

  test('process, fetch and Buffer do not resolve in the engine', async () => {
    const probe = resolve(ROOT, 'test/fixtures/impure-engine/tsconfig.json');
    const said = await complaints('typescript/bin/tsc', ['-p', probe]);
    for (const name of ['process', 'fetch', 'Buffer']) expect(said).toContain(`'${name}'`);
  });

  test('lint and format are clean', async () => {
    expect(await complaints('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.'])).toBe('');
  });
});
