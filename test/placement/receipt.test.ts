import { describe, expect, test } from 'vitest';
import { newReceiptKey, publicKeyFile, readPublicKeys, receiptKeysFrom, verifierOf } from '#adapters/receipt-keys.ts';
import { limits } from '#core/limits.ts';
import { type Check, checkReceipt } from '#core/placement/check-receipt.ts';
import { readReceipt } from '#core/placement/read-receipt.ts';
import { type Receipt, receiptDocument, requestText, signedText } from '#core/placement/receipt.ts';
import { signReceipt } from '#core/placement/sign-receipt.ts';
import { MAX_RULE_REGIONS, parseResidency } from '#core/policy/residency.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { artifacts, cloud, documentOf, home, keys, ranAt, receiptOf } from './receipt-world.ts';

const { verify } = keys;
const checksOf = (document: string, evidence = {}): readonly Check[] =>
  checkReceipt(readReceipt(document), { verify, ...evidence });
const failing = (checks: readonly Check[]) => checks.filter(({ outcome }) => outcome === 'fails').map(one => one.check);
/** Signed by our key although no worker of ours would sign it. */
const forced = (receipt: Receipt) => receiptDocument(receipt, keys.sign(signedText(receipt)));

describe('a receipt', () => {
  test('of a sovereign job that stayed at home holds, and says that nothing left', () => {
    const checks = checksOf(documentOf(receiptOf(ranAt('sovereign', [home]))), { video: artifacts.video });
    expect(failing(checks)).toEqual([]);
    expect(checks.find(one => one.check === 'premises')?.sentence).toBe(
      'Stayed on the premises: the prompt, the latents, the output.',
    );
  });

  test('lists every attempt of a job that another pool went on with', () => {
    const job = ranAt('standard', [home, cloud], { furthestStep: 3 });
    const { receipt } = readReceipt(documentOf(receiptOf(job, 'cloud', { resumedAtStep: 3 })));
    expect(receipt.attempts).toMatchObject([
      { attempt: 1, pool: 'onprem-a', site: 'onprem', region: 'cellar', from_step: 0 },
      { attempt: 2, pool: 'cloud-spot', site: 'cloud', region: 'eu-central-1', from_step: 3 },
    ]);
    expect(receipt.latents).toEqual({
      kept: [{ store: 'objects', site: 'cloud', region: 'eu-central-1' }],
      left_premises: true,
    });
  });

  test('of a redriven job names the dead one, and of any other job names none', () => {
    const redriveOf = 'video_00000000000000000000000dead';
    const receipt = receiptOf(ranAt('standard', [home], { redriveOf }));
    const read = readReceipt(documentOf(receipt));
    expect(read.receipt.redrive_of).toBe(redriveOf);
    expect(failing(checkReceipt(read, { verify, video: artifacts.video }))).toEqual([]);
    expect(documentOf(receiptOf(ranAt('standard', [home])))).not.toContain('redrive_of');
    // What was signed without it is still read; what is no id there is not.
    const nobody = forced({ ...receipt, redrive_of: '' });
    expect(() => readReceipt(nobody)).toThrow('redrive_of');
  });

  test('says that the prompt of a sovereign job passed a front door in the cloud, and nothing else did', () => {
    const { receipt } = readReceipt(documentOf(receiptOf(ranAt('sovereign', [home], { acceptedAt: cloud }))));
    expect(receipt.accepted.place).toEqual(cloud);
    expect([receipt.prompt, receipt.latents, receipt.output].map(item => item.left_premises)).toEqual([
      true,
      false,
      false,
    ]);
    const signed = readReceipt(documentOf(receipt));
    expect(failing(checkReceipt(signed, { verify }))).toEqual([]);
    expect(failing(checkReceipt(signed, { verify, premisesOnly: true }))).toEqual(['premises']);
  });

  test('says that what is kept in the cloud has left, also when it was made at home', () => {
    const { prompt, output, latents } = receiptOf(ranAt('sovereign', [home]), 'cloud');
    expect([prompt, output, latents].map(item => item.left_premises)).toEqual([true, true, false]);
  });

  test('is given for a job of which a worker of before this version ran one attempt in between, and says no place for it', () => {
    const job = ranAt('sovereign', [home, home, home, home]);
    const { receipt } = readReceipt(documentOf(receiptOf({ ...job, placements: job.placements.toSpliced(1, 1) })));
    expect(receipt.attempts.map(({ attempt }) => attempt)).toEqual([3, 4]);
    expect(receipt.output.left_premises).toBe(true);
    expect(failing(checksOf(documentOf(receipt)))).toEqual(['residency']);
  });

  test('is given under any rule that the settings allow, with sites said twice and as many regions as may be', () => {
    const regions = Array.from({ length: MAX_RULE_REGIONS }, (_, n) => `r${n}`.padEnd(63, '-'));
    const rules = { twice: { sites: ['onprem', 'onprem', 'cloud'] }, wide: { sites: ['cloud'], regions } };
    const classes = parseResidency(JSON.stringify(rules));
    const attempts = (region: string) => Array(limits.maxPlacements).fill({ ...cloud, region });
    for (const name of Object.keys(rules)) {
      const receipt = receiptOf(ranAt(name, attempts(regions[0]!)), 'home', { rule: classes[name]! });
      expect(failing(checksOf(documentOf(receipt)))).toEqual([]);
    }
    const more = { wide: { sites: ['cloud'], regions: [...regions, 'one-more'] } };
    expect(() => parseResidency(JSON.stringify(more))).toThrow(`up to ${MAX_RULE_REGIONS} are allowed`);
  });

  test('does not say that something stayed when an attempt or the front door was not noted', () => {
    const late = ranAt('sovereign', [home, home]);
    const unnoted = receiptOf({ ...late, placements: late.placements.slice(1) });
    expect(unnoted.output.left_premises).toBe(true);
    expect(failing(checkReceipt(readReceipt(documentOf(unnoted)), { verify }))).toEqual(['residency']);
    expect(receiptOf(ranAt('sovereign', [home], { acceptedAt: null })).prompt.left_premises).toBe(true);
  });

  test('of a sovereign job in the cloud is a breach, whoever signed it', () => {
    for (const places of [[cloud], [cloud, home], [home, cloud]]) {
      const checks = checksOf(forced(receiptOf(ranAt('sovereign', places))));
      expect(failing(checks)).toEqual(['residency']);
      expect(checks.find(one => one.check === 'residency')?.sentence).toMatch(
        /^BREACH: .*in the cloud \(pool cloud-spot/,
      );
    }
    const elsewhere = receiptOf(ranAt('eu', [cloud]), 'cloud', { rule: { sites: ['cloud'], regions: ['eu-west-1'] } });
    expect(failing(checksOf(forced(elsewhere)))).toEqual(['residency']);
  });

  test('that contradicts itself does not hold, whoever signed it', () => {
    const receipt = receiptOf(ranAt('standard', [cloud]), 'cloud');
    const claims = { ...receipt, output: { ...receipt.output, left_premises: false } };
    expect(failing(checksOf(forced(claims)))).toEqual(['agreement']);
    const gap = { ...receipt, attempts: [receipt.attempts[0]!, { ...receipt.attempts[0]!, attempt: 3 }] };
    expect(failing(checksOf(forced(gap)))).toEqual(['agreement']);
    const nowhere = { ...receipt, output: { ...receipt.output, kept: [] } };
    expect(failing(checksOf(forced(nowhere)))).toEqual(['agreement']);
  });

  test('is not signed by a worker at a place that the rule does not allow', () => {
    expect(() => signReceipt(keys, receiptOf(ranAt('sovereign', [home, cloud])))).toThrow(/does not allow the place/);
    expect(() => signReceipt(keys, receiptOf(ranAt('nobody-knows', [home])))).toThrow(/does not allow the place/);
    expect(signReceipt(keys, receiptOf(ranAt('sovereign', [cloud, home]))).breached).toBe(true);
  });

  test('is not signed when what comes back from the signing does not verify', () => {
    const receipt = receiptOf(ranAt('standard', [home]));
    const other = receiptKeysFrom(newReceiptKey(), 'another');
    expect(() => signReceipt({ ...keys, sign: other.sign }, receipt)).toThrow(/was changed after it was signed/);
    expect(() => signReceipt({ ...keys, sign: () => 'ab' }, receipt)).toThrow(/signature/);
  });

  test('belongs to one video, byte for byte, and to one request', () => {
    const document = documentOf(receiptOf(ranAt('standard', [home])));
    const { video } = artifacts;
    expect(failing(checksOf(document, { video, requestHmac: 'ab'.repeat(32) }))).toEqual([]);
    expect(failing(checksOf(document, { video: { ...video, bytes: 7 } }))).toEqual(['video']);
    expect(failing(checksOf(document, { video: { ...video, sha256: 'f'.repeat(64) } }))).toEqual(['video']);
    expect(failing(checksOf(document, { requestHmac: 'ac'.repeat(32) }))).toEqual(['request']);
  });

  test('holds nothing by which a prompt or a tenant could be known', () => {
    const job = ranAt('standard', [home], { tenant: 'acme-pictures' });
    const text = documentOf(receiptOf(job, 'home', { pseudonym: () => 'cd'.repeat(32) }));
    for (const secret of ['acme', job.request.prompt, 'worker-0', 'metadata', 'seed'])
      expect(text).not.toContain(secret);
  });

  test('tells requests apart that differ in anything but where their reference lies', () => {
    const { request } = makeJob();
    const reference = { key: 'references/a/b/c', sha256: 'a'.repeat(64), bytes: 3, contentType: 'image/png' };
    const texts = [
      request,
      { ...request, prompt: 'a red ball roll\ud800' },
      { ...request, prompt: 'a red ball roll\ud801' },
      { ...request, seed: 1 },
      { ...request, reference },
    ].map(requestText);
    expect(new Set(texts).size).toBe(texts.length);
    expect(requestText({ ...request, reference: { ...reference, key: 'elsewhere' } })).toBe(texts[4]);
  });
});

describe('keys', () => {
  test('verify what earlier ones signed, once they are among the given', () => {
    const old = receiptKeysFrom(newReceiptKey(), 'old');
    const document = signReceipt(old, { ...receiptOf(ranAt('standard', [home])), key: old.key }).document;
    expect(failing(checksOf(document))).toEqual(['signature']);
    const both = readPublicKeys(publicKeyFile([...keys.publicKeys, ...old.publicKeys]), 'keys.json');
    expect(failing(checkReceipt(readReceipt(document), { verify: verifierOf(both) }))).toEqual([]);
  });

  test('have the name that RFC 8037 gives the key of its example', () => {
    // RFC 8037 appendix A.2 and A.3
    const [key] = readPublicKeys(
      '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
      'keys.json',
    );
    expect(key?.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  test('that are none are told in a sentence that holds nothing of them', () => {
    const rsa = '-----BEGIN PRIVATE KEY-----\nMIIEv-secret\n-----END PRIVATE KEY-----\n';
    for (const pem of ['', 'secret', rsa]) {
      expect(() => receiptKeysFrom(pem, 'REELAY_RECEIPT_KEY')).toThrow(/^REELAY_RECEIPT_KEY: /);
      expect(() => receiptKeysFrom(pem, 'REELAY_RECEIPT_KEY')).not.toThrow(/secret/);
    }
    const { publicKeys } = keys;
    const other = { ...publicKeys[0]!, x: receiptKeysFrom(newReceiptKey(), 'other').publicKeys[0]!.x };
    for (const file of ['', '[]', 'null', '{"keys":[]}', '{"keys":[null]}', publicKeyFile([other])])
      expect(() => readPublicKeys(file, 'keys.json')).toThrow(/^keys\.json: /);
  });
});
