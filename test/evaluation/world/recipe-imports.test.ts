/** What the Python of the recipe needs, read from its imports: no Python runs here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const recipe = join(import.meta.dirname, '..', '..', '..', 'exporter', 'train', 'scenes');
const modules = new Map(
  readdirSync(recipe)
    .filter(name => name.endsWith('.py'))
    .map(name => [name.slice(0, -3), importsOf(readFileSync(join(recipe, name), 'utf8'))] as const),
);

/** Names of a file that are imported as soon as it is: those at the beginning of a line. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/^(?:from (\.?)(\w*)[\w.]* import (.*)|import (\w+))/gm)].flatMap(
    ([, dot, from, names = '', whole]) => {
      if (dot === '.' && from === '') return names.split(',').map(name => name.trim());
      return [from ?? whole ?? ''];
    },
  );
}

function needs(module: string, sought: string, seen = new Set<string>()): boolean {
  if (seen.has(module)) return false;
  seen.add(module);
  return (modules.get(module) ?? []).some(name => name === sought || needs(name, sought, seen));
}

test('Pillow is needed where pictures are drawn, and not to read clips, choose settings or train', () => {
  expect(needs('tune', 'numpy')).toBe(true); // by way of others: the imports are followed
  expect([...modules.keys()].filter(module => needs(module, 'PIL'))).toEqual(['show']);
});
