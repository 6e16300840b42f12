/** `reelay verify` on videos and pictures: whose they are, whether they were altered, and with what it ends. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCommand } from '#cli/verify.ts';
import { makeImage, makeMp4 } from '#test/media/make-media.ts';
import { JOB, openWorld, type World } from '#test/provenance/verify/world.ts';
import { inProcess } from './in-process.ts';

let world: World;
const at = (name: string) => join(world.folder, 'files', name);
beforeAll(async () => {
  world = await openWorld();
  mkdirSync(at('mixed/deeper'), { recursive: true });
  const ours = await world.make({ frames: 4 });
  const altered = ours.slice();
  altered[ours.length - 900]! ^= 1;
  writeFileSync(at('ours.mp4'), ours);
  cpSync(at('ours.mp4'), at('mixed/deeper/ours.mp4'));
  writeFileSync(at('mixed/altered.mp4'), altered);
  writeFileSync(at('mixed/copy.mp4'), await world.makeMarked({ frames: 3 }));
  writeFileSync(at('mixed/holiday.PNG'), await makeImage('png', 64, 64));
  writeFileSync(at('mixed/notes.txt'), 'not looked at in a folder');
  writeFileSync(at('mixed/empty.mp4'), '');
  writeFileSync(at('foreign.mp4'), await makeMp4(4, 4));
  writeFileSync(at('name-of-no-kind'), ours);
});
afterAll(() => world.close());

const run = (...args: readonly string[]) => inProcess(verifyCommand(), args, { REELAY_DATA: world.folder });

describe('reelay verify of videos and pictures', () => {
  test('ends with 0 for a video of ours that is unaltered, whatever its name, and says why in plain words', async () => {
    const { code, stdout, stderr } = await run(at('ours.mp4'), at('name-of-no-kind'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`ours.mp4: ours, unaltered (${JOB.id})`);
    expect(stdout).toContain('Byte for byte the file is the one that was delivered.');
    expect(stdout).not.toContain(JOB.tenant);
  });

  test('reads a folder to its depth, ends with 1 where one file is not ours or altered, and tells each in a line', async () => {
    const { code, stdout } = await run(at('mixed'));
    expect(code).toBe(1);
    const lines = stdout.split('\n').map(line => line.split(/ {2,}/));
    const verdicts = Object.fromEntries(
      lines.filter(row => row.length > 3).map(row => [row.at(-1)!.split('/').at(-1), row[0]]),
    );
    expect(verdicts).toMatchObject({
      'ours.mp4': 'ours, unaltered',
      'altered.mp4': 'ours, ALTERED',
      'copy.mp4': 'a copy of ours',
      'holiday.PNG': 'unknown',
      'empty.mp4': 'unchecked',
    });
    expect(stdout).not.toContain('notes.txt');
    expect(stdout).toContain('5 files: ');
    expect(stdout).toContain('does not mean that a file was not made by AI');
  });

  test('no name, format or link hides a video in a folder: it does not end with 0', async () => {
    const folder = at('hiding');
    mkdirSync(folder);
    cpSync(at('ours.mp4'), join(folder, 'ours.mp4'));
    cpSync(at('foreign.mp4'), join(folder, 'clip.bin'));
    writeFileSync(join(folder, 'clip.avi'), 'RIFF\0\0\0\0AVI LIST');
    symlinkSync(at('ours.mp4'), join(folder, 'link.mp4'));
    const { code, stdout } = await run('--json', folder);
    const { findings } = JSON.parse(stdout) as { findings: { video: string; holds: boolean }[] };
    expect(findings.map(({ video, holds }) => [video.slice(folder.length + 1), holds])).toEqual([
      ['clip.avi', false],
      ['clip.bin', false],
      ['link.mp4', false],
      ['ours.mp4', true],
    ]);
    expect(code).toBe(1);
  });

  test('a file of somebody else is no proof of anything, and --json says the same', async () => {
    const { code, stdout } = await run('--json', at('foreign.mp4'));
    const { holds, findings } = JSON.parse(stdout);
    expect([code, holds, findings.length]).toEqual([1, false, 1]);
    expect(findings[0].verdict).toMatchObject({ kind: 'unknown', watermark: { state: 'not_found', searched: true } });
    expect(findings[0].verdict.sentences.join(' ')).toContain('does not mean that it was not made by AI');
  });

  test('elsewhere it needs a root to trust a signature and says what it lacks, and makes no folder of its own', async () => {
    const away = { REELAY_DATA: at('nowhere') };
    const blind = await inProcess(verifyCommand(), [at('ours.mp4')], away);
    expect(blind).toMatchObject({ code: 1, stderr: expect.stringContaining('--root takes one') });
    const root = join(world.folder, 'marking', 'root.pem');
    expect((await inProcess(verifyCommand(), ['--root', root, at('ours.mp4')], away)).code).toBe(0);
    // Watermark key and root are all that an archive keeps: what signs has long ended by then.
    const kept = join(world.folder, 'marking');
    mkdirSync(at('archive/marking'), { recursive: true });
    for (const name of ['watermark-key.hex', 'root.pem']) cpSync(join(kept, name), at(`archive/marking/${name}`));
    const archive = await inProcess(verifyCommand(), ['--json', at('mixed/copy.mp4')], { REELAY_DATA: at('archive') });
    expect(JSON.parse(archive.stdout).findings[0].verdict).toMatchObject({
      kind: 'marked_ours',
      registry: { state: 'unchecked' },
    });
    writeFileSync(at('no.pem'), 'none');
    const bad = await inProcess(verifyCommand(), ['--root', at('no.pem'), at('ours.mp4')], away);
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('no certificate') });
    expect(await run(at('nowhere'))).toMatchObject({ code: 2, stderr: expect.stringContaining('no such file') });
  });

  test('a video must have its receipt where --premises-only asks where it was made', async () => {
    expect((await run('--premises-only', at('ours.mp4'))).code).toBe(1);
  });
});
