import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '#test/local/server-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-residency-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const generate = (env: Record<string, string>, ...args: readonly string[]) =>
  cli(['generate', 'a red circle', '--steps', '1', ...args], { REELAY_DATA: join(folder, 'data'), ...env });

describe('reelay generate --residency', () => {
  test('makes a sovereign video on the premises, and its folder says so', async () => {
    const { code, stdout } = await generate({}, '--residency', 'sovereign', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', id: expect.stringMatching(/^video_sovereign_/) });
    expect(await readdir(join(folder, 'data', 'blobs', 'videos', 'local'))).toEqual([JSON.parse(stdout).id]);
  });

  test.each([
    [{}, 'eu', 'residency: got "eu"; this server knows standard, sovereign.'],
    [{ REELAY_SITE: 'cloud' }, 'sovereign', 'residency: no pool of this installation may serve "sovereign"'],
    [{ REELAY_SITE: 'home' }, 'sovereign', 'REELAY_SITE: got "home"; onprem and cloud are allowed.'],
    [{ REELAY_RESIDENCY: '[]' }, 'standard', 'REELAY_RESIDENCY: got []; an object from class to rule is allowed.'],
    [{ REELAY_POOLS: '[]' }, 'standard', 'REELAY_POOLS: a JSON list of at least one'],
  ])('refuses what nobody may serve and settings that cannot be meant: %j %s', async (env, residency, sentence) => {
    const { code, stdout, stderr } = await generate(env, '--residency', residency);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
