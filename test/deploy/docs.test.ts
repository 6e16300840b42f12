import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { frontFrom } from '#cli/front-settings.ts';
import { parseJoinFile } from '#cli/join-file.ts';
import { keyCommand } from '#cli/key.ts';
import { modelsCommand } from '#cli/models.ts';
import { serveCommand } from '#cli/serve.ts';
import { tenantCommand } from '#cli/tenant.ts';
import { workerCommand } from '#cli/worker.ts';
import { DEPLOY } from './read-manifests.ts';

const text = readFileSync(join(DEPLOY, '..', 'docs', 'on-premises.md'), 'utf8');
const COMMANDS = { serve: serveCommand, worker: workerCommand, key: keyCommand, tenant: tenantCommand };

/** Reads its words and does nothing. */
function idle(command: Command): Command {
  for (const below of command.commands) idle(below);
  return command.exitOverride().action(() => undefined);
}

test('docs/on-premises.md shows only commands that the command line understands', () => {
  const shown = [...text.matchAll(/npx reelay (\w+)([^`\n]*)/g)];
  expect(shown.length).toBeGreaterThan(6);
  for (const [line, name = '', rest = ''] of shown) {
    const words = (rest.match(/"[^"]*"|\S+/g) ?? []).map(word => word.replaceAll('"', ''));
    if (name === 'models') {
      expect(
        modelsCommand().commands.map(one => one.name()),
        line,
      ).toContain(words[0]);
      continue;
    }
    const command = idle(COMMANDS[name as keyof typeof COMMANDS]());
    expect(() => command.parse(words, { from: 'user' }), line).not.toThrow();
  }
});

test('and only files that are there', () => {
  const named = [...text.matchAll(/\bdeploy\/[\w./@-]+[\w@]/g)].map(match => match[0]);
  expect(named.length).toBeGreaterThan(10);
  const made = 'deploy/secrets';
  for (const path of named) expect(path.startsWith(made) || existsSync(join(DEPLOY, '..', path)), path).toBe(true);
  // What one makes there is a private key.
  expect(readFileSync(join(DEPLOY, '.gitignore'), 'utf8')).toContain('\nsecrets/\n');
  for (const [, path] of text.matchAll(/\]\(([\w./-]+)\)/g))
    expect(existsSync(join(DEPLOY, '..', 'docs', path!)), path).toBe(true);
});

test('its join file has the shape that is read, and its server settings the names', () => {
  const [, example = ''] = /```json\n([\s\S]+?)```/.exec(text) ?? [];
  const filled = example.replaceAll('https://…', 'https://sqs.eu-central-1.amazonaws.com/1/q').replaceAll('…', 'x');
  const file = parseJoinFile(filled.replace('<digest>', 'ab'.repeat(32)), 'the docs');
  expect(Object.keys(file).length).toBe(9);
  const [, settings = ''] = /reelay\.env <<'END'\n([\s\S]+?)END/.exec(text) ?? [];
  const env = Object.fromEntries(
    settings
      .trim()
      .split('\n')
      .map(line => line.trim().split('=')),
  );
  const { REELAY_KEYS: _, REELAY_TLS_CERT: __, REELAY_TLS_KEY: ___, ...rest } = env;
  expect(frontFrom(rest)).toEqual({ host: '0.0.0.0', publicHosts: ['reelay.corp.example'], keySha256s: '' });
});

test('docs/operating.md names every setting of the command line, and none that nothing reads', () => {
  const root = join(DEPLOY, '..');
  const namesIn = (path: string) =>
    new Set([...readFileSync(join(root, path), 'utf8').matchAll(/\bREELAY_[A-Z0-9_]+\b/g)].map(match => match[0]));
  const documented = namesIn('docs/operating.md');
  const read = [...namesIn('cli/settings.ts'), ...namesIn('cli/front-settings.ts')];
  expect(read.length).toBeGreaterThan(15);
  for (const name of read) expect(documented, name).toContain(name);
  const source = globSync('{cli,local,gpu-container,adapters,core,functions}/**/*.ts', { cwd: root });
  const known = new Set(source.flatMap(path => [...namesIn(path)]));
  for (const name of documented) expect(known, name).toContain(name);
});
