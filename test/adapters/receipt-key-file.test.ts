import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  openReceiptKeys,
  readReceiptKeys,
  receiptKeyPath,
  rotateReceiptKey,
} from '#adapters/local/receipt-key-file.ts';

const ADAPTER = resolve(import.meta.dirname, '..', '..', 'adapters', 'local', 'receipt-key-file.ts');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the receipt key of a data folder', () => {
  test('is one, however many first starts there are at once, and leaves nothing beside it', async () => {
    const script = `const { openReceiptKeys } = await import(${JSON.stringify(ADAPTER)});
      process.stdout.write(openReceiptKeys(${JSON.stringify(folder)}).key);`;
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    const said = await Promise.all([start(), start(), start(), start()]);
    expect(new Set(said.map(({ stdout }) => stdout))).toEqual(new Set([openReceiptKeys(folder).key]));
    expect(await readdir(folder)).toEqual(['receipt-key.pem']);
    expect((await stat(receiptKeyPath(folder))).mode & 0o777).toBe(0o600);
  });

  test('stays through rotations: of the old ones only the public half', () => {
    const [first, second, third] = [openReceiptKeys(folder), rotateReceiptKey(folder), rotateReceiptKey(folder)];
    expect(openReceiptKeys(folder).key).toBe(third.key);
    expect(third.publicKeys.map(key => key.kid)).toEqual([third.key, second.key, first.key]);
    expect(third.verify(first.key, 'text', first.sign('text'))).toBe(true);
    expect(third.verify(second.key, 'text', first.sign('text'))).toBe(false);
  });

  test('that others may read, or that is no key, stops the start with a sentence', async () => {
    openReceiptKeys(folder);
    await chmod(receiptKeyPath(folder), 0o640);
    expect(() => openReceiptKeys(folder)).toThrow(/others than its owner may read .*mode 640.*chmod 600/);
    await rm(receiptKeyPath(folder));
    expect(readReceiptKeys(folder)).toBeUndefined();
    await writeFile(receiptKeyPath(folder), '', { mode: 0o600 });
    expect(() => openReceiptKeys(folder)).toThrow(/receipt-key\.pem: it has no private key/);
  });
});
