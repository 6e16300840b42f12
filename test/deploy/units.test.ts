import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { DEPLOY, files, textOf, unitOf } from './read-manifests.ts';

const units = ['reelay.service', 'reelay-worker@.service'];
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) console.warn('\n!! systemd-analyze WAS NOT FOUND: the units are read by our own parser only.\n');

/** Keys of podman-systemd.unit(5) that are used here. */
const QUADLET: Readonly<Record<string, readonly string[]>> = {
  Container: [
    ...['Image', 'Pull', 'ContainerName', 'Exec', 'AddDevice', 'Network', 'PublishPort', 'Volume', 'User', 'Group'],
    ...['ReadOnly', 'Tmpfs', 'DropCapability', 'NoNewPrivileges', 'PodmanArgs', 'Environment'],
    ...['HealthCmd', 'HealthInterval', 'HealthTimeout', 'HealthStartPeriod'],
  ],
  Volume: ['VolumeName'],
  Network: ['NetworkName', 'DisableDNS'],
};

describe('quadlets', () => {
  const quadlets = files.filter(file => file.startsWith('quadlet/'));

  test('hold only what Podman knows, and name each other', () => {
    expect(quadlets.length).toBe(5);
    for (const file of quadlets)
      for (const [section, keys] of unitOf(file))
        for (const key of keys.keys())
          if (QUADLET[section] !== undefined) expect(QUADLET[section], `${file}: ${key}`).toContain(key);
          else expect(['Unit', 'Service', 'Install'], `${file}: ${section}`).toContain(section);
    for (const file of quadlets)
      for (const name of textOf(file).matchAll(/^(?:Volume|Network)=([\w-]+\.(?:volume|network))\b/gm))
        expect(quadlets).toContain(`quadlet/${name[1]}`);
  });

  test('give a GPU, come back after a failure, and are stopped by Podman before systemd gives up', () => {
    for (const file of quadlets.filter(one => one.endsWith('.container'))) {
      const unit = unitOf(file);
      const container = unit.get('Container')!;
      expect(container.get('AddDevice')).toEqual(['nvidia.com/gpu=all']);
      for (const key of ['ReadOnly', 'NoNewPrivileges']) expect(container.get(key)).toEqual(['true']);
      expect(container.get('DropCapability')).toEqual(['all']);
      expect(unit.get('Service')?.get('Restart')).toEqual(['always']);
      expect(Number(unit.get('Service')?.get('TimeoutStopSec')?.[0])).toBeGreaterThan(limits.stopTimeoutSeconds);
    }
  });
});

describe('systemd units', () => {
  test('take away what Reelay does not need', () => {
    for (const name of units) {
      const service = unitOf(`systemd/${name}`).get('Service')!;
      for (const [key, value] of Object.entries({
        NoNewPrivileges: 'yes',
        ProtectSystem: 'strict',
        ProtectHome: 'yes',
        PrivateTmp: 'yes',
        CapabilityBoundingSet: '',
        DevicePolicy: 'closed',
        RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6',
      }))
        expect([key, service.get(key)]).toEqual([key, [value]]);
      // V8 makes code as it runs.
      expect(service.has('MemoryDenyWriteExecute')).toBe(false);
      expect(Number(service.get('TimeoutStopSec')?.[0])).toBe(limits.stopTimeoutSeconds);
    }
  });

  test.skipIf(!hasSystemd)('are what systemd calls valid and well closed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'reelay-units-'));
    for (const name of units) {
      const copy = join(folder, name.replace('@', '@pool'));
      // Its user and its program are not on this machine.
      const text = readFileSync(join(DEPLOY, 'systemd', name), 'utf8')
        .replaceAll('/opt/reelay/node_modules/node/bin/node', '/bin/true')
        .replaceAll(/^(User|Group|Documentation)=.*$/gm, '');
      writeFileSync(copy, text);
      execFileSync('systemd-analyze', ['verify', copy], { stdio: 'pipe' });
      const whole = join(folder, `whole-${name}`);
      cpSync(join(DEPLOY, 'systemd', name), whole);
      // Out of 100; a unit that says nothing has 96.
      execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', whole], { stdio: 'pipe' });
      writeFileSync(whole, '[Service]\nExecStart=/bin/true\n');
      const open = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', whole]);
      expect(open.status).not.toBe(0);
    }
    rmSync(folder, { recursive: true });
  });
});

test('the image of all of Reelay brings back what the worker leaves out and the command line loads', () => {
  const root = join(DEPLOY, '..');
  const { globSync } = process.getBuiltinModule('node:fs');
  const sources = globSync('{cli,local,functions}/**/*.ts', { cwd: root }).filter(name => !name.includes('lambda'));
  const imported = sources.flatMap(name =>
    [...readFileSync(join(root, name), 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^'.#][^']*)'/gm)]
      .map(match => match[1]!)
      .filter(specifier => !specifier.startsWith('node:'))
      .map(specifier => specifier.split('/')[0]!),
  );
  const left = /for name in ([\s\S]+?); do/.exec(
    readFileSync(join(root, 'gpu-container', 'install.sh'), 'utf8').slice(
      readFileSync(join(root, 'gpu-container', 'install.sh'), 'utf8').indexOf('vite rolldown') - 20,
    ),
  );
  const pruned = (left?.[1] ?? '').split(/[\s\\]+/);
  expect(pruned).toContain('commander');
  const dockerfile = textOf('Dockerfile');
  const brought = [...dockerfile.matchAll(/node_modules\/(@?[\w-]+)(?= |$)/gm)].map(match => match[1]);
  const missing = [...new Set(imported)].filter(name => pruned.includes(name) && !brought.includes(name));
  expect(new Set(imported)).toContain('@middy');
  expect(missing).toEqual([]);
  for (const room of new Set(sources.map(name => name.split('/')[0])))
    expect(dockerfile).toContain(`COPY ${room} /app/${room}\n`);
});
