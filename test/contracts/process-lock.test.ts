import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cleanDeadLocks, holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { temporaryFolder } from './local-folder.ts';
import { startChild } from './start-child.ts';

describe('a process lock', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'owners', 'me.lock');
  });
  afterEach(() => folder.remove());

  test('is held by its process, which sees so itself, and leaves nothing when released', () => {
    expect(isHeld(path)).toBe(false);
    const lock = holdLock(path);
    expect(lock).toBeDefined();
    expect(isHeld(path)).toBe(true);
    lock?.release();
    lock?.release();
    expect(isHeld(path)).toBe(false);
    expect(readdirSync(join(folder.path, 'owners'))).toEqual([]);
  });

  test('is not given twice, and survives the second try and many looks', async () => {
    const lock = holdLock(path);
    expect(holdLock(path)).toBeUndefined();
    for (let n = 0; n < 20; n++) expect(isHeld(path)).toBe(true);
    expect(await startChild('hold', path).result()).toBe(false);
    expect(await startChild('look', path).result()).toBe(true);
    lock?.release();
    const again = holdLock(path);
    expect(again).toBeDefined();
    again?.release();
  });

  test('leaves no file behind but the lock itself, not even while it is held', () => {
    const lock = holdLock(path);
    expect(readdirSync(join(folder.path, 'owners'))).toEqual(['me.lock']);
    isHeld(join(folder.path, 'owners', 'nobody.lock'));
    expect(readdirSync(join(folder.path, 'owners'))).toEqual(['me.lock']);
    lock?.release();
  });

  test('of another process is seen while it lives and free the moment it is killed', async () => {
    const child = startChild('hold', path);
    await child.printed(1);
    expect(isHeld(path)).toBe(true);
    expect(holdLock(path)).toBeUndefined();
    expect(await startChild('look', path).result()).toBe(true);
    await child.kill();
    expect(isHeld(path)).toBe(false);
    expect(readdirSync(join(folder.path, 'owners'))).toEqual(['me.lock']);
    const lock = holdLock(path);
    expect(lock).toBeDefined();
    lock?.release();
  });

  test('of a dead process is cleaned away, the living ones stay', async () => {
    const owners = join(folder.path, 'owners');
    const [dead, living] = [
      startChild('hold', join(owners, 'dead.lock')),
      startChild('hold', join(owners, 'living.lock')),
    ];
    await Promise.all([dead.printed(1), living.printed(1)]);
    const mine = holdLock(path);
    await dead.kill();
    expect(cleanDeadLocks(owners)).toEqual(['dead']);
    expect(readdirSync(owners).sort()).toEqual(['living.lock', 'me.lock']);
    expect([isHeld(path), isHeld(join(owners, 'living.lock'))]).toEqual([true, true]);
    await living.kill();
    mine?.release();
    expect(cleanDeadLocks(owners)).toEqual(['living']);
    expect(cleanDeadLocks(join(folder.path, 'no-such-folder'))).toEqual([]);
  });

  test('that cannot be made is store_unavailable and names the file', () => {
    writeFileSync(join(folder.path, 'file'), '');
    expect(() => holdLock(join(folder.path, 'file', 'x.lock'))).toThrow(join(folder.path, 'file'));
    mkdirSync(join(folder.path, 'folder.lock'));
    expect(() => holdLock(join(folder.path, 'folder.lock'))).toThrow(join(folder.path, 'folder.lock'));
    expect(existsSync(join(folder.path, 'folder.lock'))).toBe(true);
  });
});
