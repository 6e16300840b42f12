/** Where `reelay eval` may write is known before it renders. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkTargets } from '#cli/eval-targets.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-eval-targets-'));
  await chmod(folder, 0o755);
  await mkdir(at('made'));
  await mkdir(at('closed'));
  await writeFile(at('closed', 'old.json'), 'before');
  await writeFile(at('old.json'), 'before');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Without root's right to write everywhere, which tests in a container have. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

describe('what can be written', () => {
  test('is let through, and neither changed nor made', async () => {
    await checkTargets({ out: at('new', 'deep'), json: at('old.json'), html: at('made', 'page.html') });
    expect(await readFile(at('old.json'), 'utf8')).toBe('before');
    expect((await readdir(folder)).sort()).toEqual(['closed', 'made', 'old.json']);
    expect(await readdir(at('made'))).toEqual([]);
  });

  test('is a file in the folder of --out too, which is made for it', async () => {
    await checkTargets({ out: at('out'), json: at('out', 'eval.json') });
    expect(await readdir(at('out'))).toEqual([]);
  });

  test.runIf(process.platform === 'linux')('is what is no plain file', async () => {
    await checkTargets({ json: '/dev/null', html: '/dev/null' });
  });
});

describe('what cannot be written is refused by flag, what was got, and what is allowed', () => {
  const file = 'a file in a folder that exists is allowed, and';
  const room = 'a folder that files can be written to is allowed, and';
  const cases: readonly (readonly [string, 'out' | 'json' | 'html', string, string])[] = [
    ['a file in no folder', 'json', 'none/eval.json', `${file} @/none does not exist.`],
    ['a file far from any folder', 'html', 'none/far/eval.html', `${file} @/none/far does not exist.`],
    ['a folder in the place of a file', 'json', 'made', `${file} this is a folder.`],
    ['the name of a folder', 'html', 'page/', `${file} this is a folder.`],
    ['a file in a file', 'json', 'old.json/eval.json', `${file} @/old.json is a file.`],
    [
      'a name too long',
      'json',
      `${'a'.repeat(300)}`,
      `${file} @/${'a'.repeat(300)} cannot be looked at (ENAMETOOLONG).`,
    ],
    ['a file in the place of a folder', 'out', 'old.json', `${room} @/old.json is a file.`],
    ['a folder in a file', 'out', 'old.json/a/b', `${room} @/old.json is a file.`],
  ];
  test.each(cases)('%s', async (_, flag, path, why) => {
    const found = checkTargets({ [flag]: `${folder}/${path}` });
    await expect(found).rejects.toMatchObject({
      code: 'invalid_request',
      message: `--${flag}: got "${folder}/${path}"; ${why.replaceAll('@', folder)}`,
    });
  });

  test('no name at all', async () => {
    await expect(checkTargets({ out: '' })).rejects.toThrow(`--out: got ""; ${room} this is no name.`);
    await expect(checkTargets({ json: '' })).rejects.toThrow(`--json: got ""; ${file} this is a folder.`);
  });

  test.skipIf(process.platform === 'win32')('where there is no right to write', async () => {
    await chmod(at('closed', 'old.json'), 0o444);
    await chmod(at('closed'), 0o555);
    const said = (flags: Parameters<typeof checkTargets>[0]) =>
      asNobody(() =>
        checkTargets(flags).then(
          () => 'nothing',
          (error: Error) => error.message,
        ),
      );
    expect(await said({ out: at('closed', 'new') })).toMatch(/^--out: got .* and .*closed is none \(EACCES\)\.$/);
    const none = /^--json: got .* and this one cannot be written \(EACCES\)\.$/;
    expect(await said({ json: at('closed', 'new.json') })).toMatch(none);
    expect(await said({ json: at('closed', 'old.json') })).toMatch(none);
    expect(await said({ json: at('made', 'new.json') })).toMatch(process.getuid?.() === 0 ? none : /^nothing$/);
    await chmod(at('closed'), 0o755);
  });
});
