import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PROBE = join(ROOT, 'gpu-container', 'probe.ts');

/** What a process leaves in its folder for temporary files; its telemetry, where there is one, begins with a file of sessions there. */
async function leftBy(args: readonly string[], more: Record<string, string> = {}): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-telemetry-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // Nothing of CI's environment: ONNX Runtime is silent there by itself.
  const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder, ...more };
  expect(spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' })).toMatchObject({ status: 0 });
  return readdir(folder);
}

test('ONNX Runtime reports to nobody what is rendered, however the process is started', async () => {
  expect(await leftBy(['--disable-warning=ExperimentalWarning', PROBE, 'cpu'])).toEqual([]);
  expect(await leftBy([PROBE, 'cpu'], { ORT_DISABLE_TELEMETRY: '0' })).toEqual([]);
});

test('it is loaded at one place, which forbids the reports', async () => {
  const folder = join(ROOT, 'gpu-container', 'runtime');
  const loading: string[] = [];
  for (const name of await readdir(folder))
    if (/(?<!typeof )import\('onnxruntime-node'\)/.test(await readFile(join(folder, name), 'utf8'))) loading.push(name);
  expect(loading).toEqual(['load-ort.ts']);
});

test('the exporter forbids them too, before any of its modules loads', () => {
  const set = 'import os, reelay_export; print(os.environ["ORT_DISABLE_TELEMETRY"])';
  const found = spawnSync('python3', ['-B', '-c', set], { cwd: join(ROOT, 'exporter'), encoding: 'utf8' });
  if (found.error !== undefined) return; // no Python here; the exporter cannot run either
  expect(found.stdout.trim()).toBe('1');
});

test('scripts that make models and fixtures forbid them before they load it', async () => {
  const loading: string[] = [];
  for (const name of await readdir(join(ROOT, 'exporter'), { recursive: true })) {
    if (!name.endsWith('.py') || name.startsWith('reelay_export')) continue;
    const text = await readFile(join(ROOT, 'exporter', name), 'utf8');
    const at = text.search(/^\s*(?:import|from) onnxruntime/m);
    if (at === -1) continue;
    loading.push(name);
    expect(text.slice(0, at), name).toMatch(/^os\.environ\["ORT_DISABLE_TELEMETRY"\] = "1"$/m);
  }
  expect(loading).not.toEqual([]);
});
