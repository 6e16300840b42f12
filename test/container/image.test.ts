import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dockerfileProblems, parseDockerfile } from './dockerfile-rules.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'gpu-container');
const dockerfile = readFileSync(join(FOLDER, 'Dockerfile'), 'utf8');
const pins = Object.fromEntries(
  [...readFileSync(join(FOLDER, 'pins.sh'), 'utf8').matchAll(/^([A-Z_0-9]+)=(\S+)$/gm)].map(match => [
    match[1],
    match[2],
  ]),
);
const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;

/** As the Dockerfile writes it. */
const BASE = `\${CUDA_BASE}`;

describe('the Dockerfile', () => {
  test('keeps the rules', () => {
    expect(dockerfileProblems(dockerfile)).toEqual([]);
  });

  test.each([
    [
      'a tag as base',
      `FROM ${BASE} AS worker`,
      'FROM nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04 AS worker',
      'is a tag',
    ],
    ['a base with a default', 'ARG CUDA_BASE\n\nFROM', 'ARG CUDA_BASE=nvidia/cuda:13\n\nFROM', 'has a default'],
    ['a tag that nothing refuses', `CUDA_BASE "${BASE}"`, 'CUDA_BASE ""', 'nothing refuses a tag in CUDA_BASE'],
    ['root', 'USER 10001:10001', 'USER root', 'runs as root'],
    ['no user', 'USER 10001:10001', '', 'runs as root'],
    ['a named user', 'USER 10001:10001', 'USER reelay', 'the user is a name'],
    ['the shell form', 'CMD ["/app/gpu-container/main.ts"]', 'CMD node main.ts', 'shell form'],
    ['no tini', '"/usr/bin/tini", "--", ', '', 'tini is first'],
    ['another stop signal', 'STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL', 'STOPSIGNAL is SIGTERM'],
    ['no health check', /HEALTHCHECK[^\n]*\n[^\n]*\n/, '', 'HEALTHCHECK is missing'],
    ['nothing to write to', 'VOLUME ["/tmp", "/cache"]', '', 'VOLUME is missing'],
    ['a secret', 'ENV NODE_ENV', 'ENV AWS_SECRET_ACCESS_KEY=x NODE_ENV', 'a secret in a layer'],
    ['everything copied', 'COPY core core', 'COPY . .', 'the whole folder is copied'],
    ['a piped script', 'RUN gpu-container/install.sh packages', 'RUN curl -s x | sh', 'run unseen'],
    ['npm install', 'RUN gpu-container/install.sh packages', 'RUN npm install', 'npm ci does'],
  ])('would not pass with %s', (_, from, to, sentence) => {
    const changed = dockerfile.replace(from, to);
    expect(changed).not.toBe(dockerfile);
    expect(dockerfileProblems(changed).join('\n')).toContain(sentence);
  });

  test('copies only what is there and what its ignore file lets through', () => {
    const ignore = readFileSync(join(FOLDER, 'Dockerfile.dockerignore'), 'utf8').split('\n');
    const allowed = ignore.filter(line => line.startsWith('!')).map(line => line.slice(1));
    expect(ignore.filter(line => line !== '' && !line.startsWith('#'))[0]).toBe('*');
    const copied = parseDockerfile(dockerfile)
      .filter(one => one.name === 'COPY' && !one.text.startsWith('--from'))
      .flatMap(one => one.text.split(/\s+/).slice(0, -1));
    for (const path of copied) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(
        allowed.some(one => path === one || path.startsWith(`${one}/`)),
        path,
      ).toBe(true);
    }
  });

  test('copies every folder that the worker’s program imports', () => {
    const copied = parseDockerfile(dockerfile)
      .filter(one => one.name === 'COPY')
      .map(one => one.text.split(/\s+/)[0]);
    const rooms = new Set<string>();
    const seen = new Set<string>();
    const follow = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(file, 'utf8');
      for (const [, specifier = ''] of text.matchAll(/(?:from|import\()\s*'([#.][^']+)'/g)) {
        const path = specifier.startsWith('#') ? join(ROOT, specifier.slice(1)) : join(file, '..', specifier);
        rooms.add(path.slice(ROOT.length + 1).split('/')[0]!);
        follow(path);
      }
    };
    for (const program of ['main.ts', 'doctor.ts', 'health.ts', 'probe.ts', 'render/render-process.ts'])
      follow(join(FOLDER, program));
    expect(seen.size).toBeGreaterThan(100);
    expect([...rooms].filter(room => !copied.includes(room))).toEqual([]);
  });

  test('ships all that was copied, the packages first and the code last, so that new code is a small layer', () => {
    const all = parseDockerfile(dockerfile);
    const shipped = all
      .filter(one => one.name === 'COPY' && one.text.startsWith('--from=build'))
      .flatMap(one => one.text.split(/\s+/).slice(1, -1))
      .map(path => path.slice('/app/'.length));
    expect([shipped[0], shipped.at(-1)]).toEqual(['node_modules', 'gpu-container']);
    const copied = all
      .filter(one => one.name === 'COPY' && !one.text.startsWith('--from'))
      .flatMap(one => one.text.split(/\s+/).slice(0, -1))
      .filter(path => !/\.sh$|package-lock\.json$/.test(path));
    expect(copied.filter(path => !shipped.includes(path))).toEqual([]);
    const steps = all.filter(one => one.name === 'RUN' || (one.name === 'COPY' && !one.text.startsWith('--from')));
    const at = (text: string) => steps.findIndex(one => one.text.includes(text));
    expect(at('install.sh prune')).toBe(at('install.sh packages'));
    expect(at('install.sh prune')).toBeLessThan(at('core core'));
  });

  test('names programs that are there', () => {
    for (const [path] of dockerfile.matchAll(/\/app\/gpu-container\/[\w-]+\.(ts|sh)/g))
      expect(existsSync(join(ROOT, path.slice('/app/'.length))), path).toBe(true);
    for (const name of readdirSync(FOLDER).filter(one => one.endsWith('.sh') && one !== 'pins.sh'))
      expect(statSync(join(FOLDER, name)).mode & 0o111, `${name} is executable`).toBe(0o111);
  });
});

describe('what the image is pinned to', () => {
  test('is what the lockfile says', () => {
    expect(locked['node_modules/node'].version).toBe(pins.NODE_VERSION);
    expect(locked['node_modules/onnxruntime-node'].version).toBe(pins.ORT_VERSION);
  });

  test.runIf(process.platform === 'linux' && process.arch === 'x64')('is the Node that the tests run on', () => {
    const binary = readFileSync(join(ROOT, 'node_modules', 'node', 'bin', 'node'));
    expect(createHash('sha256').update(binary).digest('hex')).toBe(pins.NODE_SHA256);
  });
});

describe('the scripts behind it', () => {
  test('name the packages inside packages too', () => {
    const program = join(FOLDER, 'list-notices.ts');
    const listed = spawnSync(process.execPath, [program], { encoding: 'utf8' }).stdout.split('\n');
    const inner = readdirSync(join(ROOT, 'node_modules'), { recursive: true, withFileTypes: true }).filter(
      one => one.name === 'package.json' && /\/node_modules\/.*\/node_modules\/[^/]+$/.test(one.parentPath),
    );
    expect(inner.length).toBeGreaterThan(0);
    for (const { parentPath } of inner) {
      const { name, version } = JSON.parse(readFileSync(join(parentPath, 'package.json'), 'utf8'));
      expect(
        listed.some(line => line.startsWith(`${name} ${version}: `)),
        `${name} ${version}`,
      ).toBe(true);
    }
  });

  const run = (script: string, ...args: string[]) => spawnSync(join(FOLDER, script), args, { encoding: 'utf8' });

  test('refuse a base that is a tag, in a sentence', () => {
    const digest = `registry.example/cuda:13@sha256:${'a'.repeat(64)}`;
    expect(run('require-digest.sh', 'CUDA_BASE', digest).status).toBe(0);
    for (const wrong of ['', 'nvidia/cuda:13', 'cuda@sha256:abc', `${digest} x`, `${digest}0`])
      expect(run('require-digest.sh', 'CUDA_BASE', wrong)).toMatchObject({
        status: 2,
        stderr: `CUDA_BASE: got "${wrong}"; an image by digest is allowed: name@sha256:<64 hex digits>.\n`,
      });
  });

  test.each([
    ['install.sh', ['packages'], 'a step and the folder that has package-lock.json'],
    ['install.sh', ['paint', ROOT], 'packages, prune, notices and check are allowed'],
    ['install-cuda.sh', [ROOT === '/' ? '/x' : '/'], 'a folder with an installed onnxruntime-node'],
  ])('%s %j is refused in a sentence, before it changes anything', (script, args, sentence) => {
    const { status, stderr } = run(script, ...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  });

  test('what the image brings is found well on this machine', () => {
    const doctor = spawnSync(process.execPath, [join(FOLDER, 'doctor.ts'), '--image', '--json'], { encoding: 'utf8' });
    expect(JSON.parse(doctor.stdout).filter((finding: { ok: boolean }) => !finding.ok)).toEqual([]);
    expect(doctor.status).toBe(0);
    expect(spawnSync(process.execPath, [join(FOLDER, 'doctor.ts'), '--nope']).status).toBe(2);
  });
});

test('the worker of a container fetches its model, is healthy, renders a job and ends on SIGTERM', () => {
  const args = [join(import.meta.dirname, 'run-worker.ts'), ROOT, '--fetch'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 110_000 });
  expect(JSON.parse(stdout || '{}'), stderr).toMatchObject({
    healthy: true,
    completed: true,
    code: 0,
    unhealthyAfter: true,
  });
}, 120_000);
