import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type BuildOptions, buildApp, readSettings } from '#infra/app.ts';
import { CHECKOUT } from '#infra/model-cards.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelay-synth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As little as a process can have: no home, no credentials, a proxy that refuses every connection, no Docker, no npm. */
const POISONED = {
  PATH: folder,
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  AWS_ACCESS_KEY_ID: '',
  HTTP_PROXY: 'http://127.0.0.1:1',
  HTTPS_PROXY: 'http://127.0.0.1:1',
  DOCKER_HOST: 'tcp://127.0.0.1:1',
  CDK_DOCKER: '/nonexistent',
};

/** Has the process say at its end what it took of the CPU. */
const TELL_CPU = 'process.on("exit",()=>{const{user,system}=process.cpuUsage();console.log("cpu "+(user+system))})';

const run = (env: Record<string, string>) =>
  spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${TELL_CPU}`,
      '--disable-warning=ExperimentalWarning',
      join(CHECKOUT, 'infra', 'app.ts'),
    ],
    {
      cwd: folder,
      env: { ...POISONED, CDK_OUTDIR: join(folder, 'out'), ...env },
      encoding: 'utf8',
      timeout: 170_000,
    },
  );

describe('node infra/app.ts', () => {
  test('writes every template without credentials, Docker or a network, in seconds', { timeout: 180_000 }, () => {
    const { status, stdout, stderr } = run({});
    expect(stderr.replaceAll(/^warning: .*\n/gm, '')).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/ReelayCore -> .*\nReelayGpu -> /);
    for (const name of ['manifest.json', 'ReelayCore.template.json', 'ReelayGpu.assets.json'])
      expect(existsSync(join(folder, 'out', name))).toBe(true);
    // In CPU seconds, because tests run beside others: alone, its clock shows hardly more.
    const [, microseconds] = /^cpu (\d+)$/m.exec(stdout) ?? [];
    expect(Number(microseconds) / 1e6).toBeLessThan(15);
  });

  test('a setting that cannot be stops it with a sentence and no stack of calls', () => {
    const path = join(folder, 'settings.json');
    writeFileSync(path, JSON.stringify({ '*': { fleet: { workerImage: 'worker:latest' } } }));
    const { status, stderr } = run({ REELAY_SETTINGS: path });
    expect(status).toBe(1);
    expect(stderr).toBe(
      'fleet.workerImage: got "worker:latest"; an image by its digest (repository@sha256:...) is allowed, or "parameter".\n',
    );
  });
});

describe('what is refused before anything is built', () => {
  test.each<[string, BuildOptions, string]>([
    [
      'a region that is not the one deployed to',
      { deployRegion: 'eu-west-1' },
      'region: the settings say us-east-1, and the deployment goes to eu-west-1.',
    ],
    [
      'a bundle that is not there',
      { settings: { '*': { models: ['models/none'] } } },
      'models: the bundle folder "models/none" cannot be offered: it has no bundle.json.',
    ],
    [
      'one bundle twice',
      { settings: { '*': { models: ['models/reelay-mini', 'models/reelay-mini'] } } },
      'models: two of the bundles have the id "reelay-mini".',
    ],
    [
      'a speed of a model that is not offered',
      { settings: { '*': { modelSpeed: { 'reelay-maxi': 2 } } } },
      'modelSpeed.reelay-maxi: the models that are offered are reelay-mini.',
    ],
  ])('%s', (_, options, sentence) => {
    expect(() => buildApp({ outdir: join(folder, 'none'), ...options })).toThrow(sentence);
  });

  test('a settings file that is not there or no JSON', () => {
    expect(() => readSettings('/nonexistent.json')).toThrow(
      'REELAY_SETTINGS: the file "/nonexistent.json": it cannot be read.',
    );
    expect(() => readSettings(join(CHECKOUT, 'LICENSE'))).toThrow('it is not valid JSON.');
    expect(readSettings('')).toEqual({});
  });
});
