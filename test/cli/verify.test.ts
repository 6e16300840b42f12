/** `reelay verify` on receipts from anywhere. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newReceiptKey, publicKeyFile, receiptKeysFrom } from '#adapters/receipt-keys.ts';
import { receiptsCommand } from '#cli/receipts.ts';
import { verifyCommand } from '#cli/verify.ts';
import { MAX_RECEIPT_BYTES } from '#core/placement/read-receipt.ts';
import { type Receipt, receiptDocument, signedText } from '#core/placement/receipt.ts';
import { cli } from '#test/local/server-process.ts';
import { artifacts, cloud, documentOf, home, keys, ranAt, receiptOf } from '#test/placement/receipt-world.ts';
import { inProcess } from './in-process.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const VIDEO = Buffer.from('the bytes of a video');
const video = { ...artifacts.video, bytes: VIDEO.length, sha256: createHash('sha256').update(VIDEO).digest('hex') };
const good = documentOf(receiptOf(ranAt('sovereign', [home]), 'home', { artifacts: { ...artifacts, video } }));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-verify-'));
  await writeFile(at('keys.json'), publicKeyFile(keys.publicKeys));
  await writeFile(at('good.json'), good);
  await writeFile(at('video.mp4'), VIDEO);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const verify = (args: readonly string[], REELAY_DATA = at('no')) => inProcess(verifyCommand(), args, { REELAY_DATA });
const run = (...args: readonly string[]) => verify(['--keys', at('keys.json'), ...args]);

/** Some texts in one run: of each whether it holds, and the sentence of what fails first. */
async function verdicts(texts: Readonly<Record<string, string | Uint8Array>>): Promise<Record<string, string>> {
  const paths: string[] = [];
  for (const [name, text] of Object.entries(texts)) {
    paths.push(at(`${name}.case`));
    await writeFile(at(`${name}.case`), text);
  }
  const { code, stdout, stderr } = await run('--json', ...paths);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const { holds, findings } = JSON.parse(stdout);
  expect(holds).toBe(false);
  return Object.fromEntries(
    Object.keys(texts).map((name, n) => {
      const failed = findings[n].checks.find((one: { outcome: string }) => one.outcome === 'fails');
      return [name, failed === undefined ? 'holds' : failed.sentence];
    }),
  );
}

describe('reelay verify', () => {
  test('says in plain words what holds, and ends with 0', async () => {
    const words = ['verify', '--keys', at('keys.json'), at('good.json'), at('video.mp4')];
    const { code, stdout, stderr } = await cli(words, {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')[0]).toMatch(/good\.json: holds \(video_/);
    expect(stdout).toContain('  ok  residency: It ran where the rule of "sovereign" (on the premises) allows it');
    expect(stdout).toContain('  ok  video: The video is that of video_');
    expect(stdout).toContain('  -   request: No request was given');
  });

  test('ends with 1 for a breach, a strange key, another video and what it cannot vouch for', async () => {
    const forced = (receipt: Receipt) => receiptDocument(receipt, keys.sign(signedText(receipt)));
    const other = receiptKeysFrom(newReceiptKey(), 'other');
    const strange = { ...receiptOf(ranAt('standard', [home])), key: other.key };
    const said = await verdicts({
      breach: forced(receiptOf(ranAt('sovereign', [home, cloud]))),
      strange: receiptDocument(strange, other.sign(signedText(strange))),
      forged: receiptDocument(strange, keys.sign(signedText(strange))).replace(other.key, keys.key),
      fine: good,
    });
    expect(said.breach).toMatch(/^BREACH: the rule of "sovereign" .* attempt 2 ran in the cloud \(pool cloud-spot/);
    expect(said.strange).toMatch(/none of the public keys that were given/);
    expect(said.forged).toMatch(/was changed after it was signed/);
    expect(said.fine).toBe('holds');

    await writeFile(at('other.mp4'), 'another video');
    expect((await run(at('good.json'), at('other.mp4'))).code).toBe(1);
    expect((await run(at('other.mp4'))).stdout).toContain('There is no receipt of this video.');
  });

  test('--premises-only makes a breach of a front door in the cloud', async () => {
    await writeFile(at('door.json'), documentOf(receiptOf(ranAt('sovereign', [home], { acceptedAt: cloud }))));
    const told = await run(at('door.json'));
    expect([told.code, told.stdout]).toEqual([0, expect.stringContaining('Left the premises: the prompt; stayed on')]);
    expect((await run('--premises-only', at('door.json'))).code).toBe(1);
  });

  test('reads a folder: receipts and videos that belong together, those without the other, no links', async () => {
    await mkdir(at('tree/attempt=1'), { recursive: true });
    await writeFile(at('tree/attempt=1/receipt.json'), good);
    await writeFile(at('tree/attempt=1/video.mp4'), VIDEO);
    await writeFile(at('tree/x.video_1.receipt.json'), '{"a receipt of":"the drop folder"}');
    await symlink(at('tree'), at('tree/loop'));
    const fine = await run('--json', at('tree'));
    expect([fine.code, JSON.parse(fine.stdout).findings.length]).toEqual([0, 1]);
    await writeFile(at('tree/bare.mp4'), 'nobody signed this');
    const bare = await run('--json', at('tree'));
    expect([bare.code, JSON.parse(bare.stdout).findings.map((one: { holds: boolean }) => one.holds)]).toEqual([
      1,
      [true, false],
    ]);
    await mkdir(at('empty'));
    expect(await run(at('empty'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no receipt and no video'),
    });
  });

  test('answers hostile files with a sentence each', async () => {
    const said = await verdicts({
      empty: '',
      huge: ' '.repeat(MAX_RECEIPT_BYTES + 1),
      deep: '['.repeat(50_000),
      deepObject: '{"receipt":'.repeat(5_000),
      text: 'not JSON \u001b[2J\u0007',
      nan: good.replace(/"bytes":\d+/, '"bytes":NaN'),
      infinite: good.replace(/"bytes":\d+/, '"bytes":1e999'),
      negative: good.replace(/"bytes":\d+/, '"bytes":-1'),
      part: good.replace(/"bytes":\d+/, '"bytes":1.5'),
      doubled: good.replace('{"receipt":', '{"receipt":1,"receipt":'),
      doubledInside: good.replace('"left_premises":false', '"left_premises":true,"left_premises":false'),
      types: good.replace('"attempts":[', '"attempts":[[],'),
      wrong: '{"receipt":[],"signature":{}}',
      nothing: 'null',
      list: '[]',
      extra: good.replace('{"receipt":', '{"\\u202eextra":1,"receipt":'),
      proto: good.replace('{"receipt":', '{"__proto__":{"polluted":1},"receipt":'),
      spaced: good.replace('{"receipt":', '{ "receipt":'),
      newline: `${good}\n`,
      mark: `\ufeff${good}`,
      bidi: good.replace('"pool":"onprem-a"', '"pool":"onprem\u202ea"'),
      homoglyph: good.replace('"pool":"onprem-a"', '"pool":"onprem-\u0430"'),
      escaped: good.replace('"pool":"onprem-a"', '"pool":"\\u006fnprem-a"'),
      surrogate: good.replace('"pool":"onprem-a"', '"pool":"\\ud800"'),
      nul: good.replace('"pool":"onprem-a"', '"pool":"a\\u0000"'),
      bytes: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      utf16: Buffer.from(good, 'utf16le'),
      capital: good.replace(/"signature":"(.*)"/, (_, hex: string) => `"signature":"${hex.toUpperCase()}"`),
    });
    expect(Object.entries(said).filter(([, sentence]) => !/^[\x20-\x7e]+\.$/.test(sentence))).toEqual([]);
    expect(new Set(Object.values(said)).has('holds')).toBe(false);
    expect(said.huge).toMatch(/more than the 131072 bytes/);
    expect(said.deep).toMatch(/nested too deep/);
    expect(said.doubled).toMatch(/not the one that was signed/);
    expect(said.extra).toMatch(/a field that no receipt has: one with a strange name/);
  });

  test('says what is missing before it looks at anything', async () => {
    const none = await verify([at('good.json')]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--keys: a file of public keys is needed') });
    expect(await run(at('nowhere.json'))).toMatchObject({ code: 2, stderr: expect.stringContaining('no such file') });
    expect(await run(at('good.json'), '--request', at('good.json'))).toMatchObject({ code: 2 });
    await writeFile(at('bad-keys.json'), '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}');
    const bad = await verify(['--keys', at('bad-keys.json'), at('good.json')]);
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('is no Ed25519 public key') });
  });
});

const receipts = (args: readonly string[], REELAY_DATA: string) =>
  inProcess(receiptsCommand(), args, { REELAY_DATA, REELAY_RECEIPT_KEY: '' });

describe('reelay receipts', () => {
  test('rotate puts a new key before the others, and what the old one signed still verifies', async () => {
    const REELAY_DATA = at('data');
    await mkdir(REELAY_DATA);
    expect(await receipts(['keys'], REELAY_DATA)).toMatchObject({ code: 2 });
    const pem = newReceiptKey();
    await writeFile(join(REELAY_DATA, 'receipt-key.pem'), pem, { mode: 0o644 });
    const open = await receipts(['keys'], REELAY_DATA);
    expect(open).toMatchObject({ code: 2, stderr: expect.stringContaining('chmod 600') });
    await rm(join(REELAY_DATA, 'receipt-key.pem'));
    await writeFile(join(REELAY_DATA, 'receipt-key.pem'), pem, { mode: 0o600 });
    const old = receiptKeysFrom(pem, 'old');
    const receipt = { ...receiptOf(ranAt('standard', [home])), key: old.key };
    await writeFile(at('old.json'), receiptDocument(receipt, old.sign(signedText(receipt))));
    expect((await receipts(['rotate'], REELAY_DATA)).code).toBe(0);
    const after = JSON.parse((await receipts(['keys', '--also', at('keys.json')], REELAY_DATA)).stdout);
    expect(after.keys).toHaveLength(3);
    expect(after.keys.map((key: { kid: string }) => key.kid).slice(1)).toEqual([old.key, keys.key]);
    expect((await verify([at('old.json')], REELAY_DATA)).code).toBe(0);
  });
});
