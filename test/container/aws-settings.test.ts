import { describe, expect, test } from 'vitest';
import { newReceiptKey } from '#adapters/receipt-keys.ts';
import { awsWorkerSettingsFrom } from '#gpu-container/aws-settings.ts';
import { markingSettings } from '#test/worker/marks-for.ts';

const DIGEST = 'a'.repeat(64);
const good = {
  REELAY_QUEUE_URL: 'http://127.0.0.1/queue',
  REELAY_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1/dead',
  REELAY_TABLE: 'jobs',
  REELAY_BUCKET: 'bucket',
  REELAY_EVENT_BUS: 'bus',
  REELAY_BUNDLES: 'mini=/models/mini',
  REELAY_POOL: 'cloud-spot',
  REELAY_SITE: 'cloud',
  REELAY_REGION: 'eu-central-1',
  REELAY_RECEIPT_KEY: newReceiptKey(),
  REELAY_MASTER_KEY: 'ab'.repeat(32),
  ...markingSettings,
};

describe('the settings of a deployed worker', () => {
  test('are read as they are meant', () => {
    const settings = awsWorkerSettingsFrom({
      ...good,
      REELAY_BUNDLE_DIGESTS: `wan=${DIGEST},ltx=${DIGEST}:${'b'.repeat(64)}`,
      REELAY_PROVIDER: 'cuda',
      REELAY_THREADS: '3',
      REELAY_LOADED_BYTES: '80000000000',
      REELAY_SPOT: '1',
      ECS_AGENT_URI: '',
    });
    expect(settings).toMatchObject({ provider: 'cuda', threads: 3, loadedBytes: 8e10, ecsAgentUri: undefined });
    expect(settings.spotMetadataUri).toBe('http://169.254.169.254');
    expect([...settings.bundles, ...settings.digests]).toEqual([
      ['mini', '/models/mini'],
      ['wan', DIGEST],
      ['ltx', DIGEST],
    ]);
    expect([...settings.manifests]).toEqual([['ltx', 'b'.repeat(64)]]);
    expect(awsWorkerSettingsFrom(good)).toMatchObject({ provider: 'cpu', spotMetadataUri: undefined });
  });

  test.each([
    ['REELAY_THREADS', '0', 'REELAY_THREADS: got "0"; a whole number from 1 to 256 is allowed.'],
    ['REELAY_THREADS', '1e2', 'REELAY_THREADS: got "1e2"; a whole number from 1 to 256 is allowed.'],
    ['REELAY_THREADS', '257', 'REELAY_THREADS: got "257"; a whole number from 1 to 256 is allowed.'],
    ['REELAY_PROVIDER', 'auto', 'REELAY_PROVIDER: got "auto"; cpu and cuda are allowed.'],
    ['REELAY_BUNDLES', 'mini', 'REELAY_BUNDLES: got "mini"; id=folder,id=folder is allowed.'],
    ['REELAY_BUNDLES', 'a=/x,a=/y', 'REELAY_BUNDLES: got "a=/y"; each id is named once.'],
    ['REELAY_BUNDLES', '../a=/x', 'REELAY_BUNDLES: got "../a=/x"; id=folder,id=folder is allowed.'],
    ['REELAY_BUNDLE_DIGESTS', 'a=ABC', 'REELAY_BUNDLE_DIGESTS: got "a=ABC"; a digest is 64 lower-case hex digits, and'],
    ['REELAY_BUNDLE_DIGESTS', `a=${DIGEST}:b`, 'after a colon may come those of bundle.json.'],
    ['REELAY_LOADED_BYTES', '2GB', 'REELAY_LOADED_BYTES: got "2GB"; a whole number of bytes from 1 is allowed.'],
    ['REELAY_SPOT', 'yes', 'REELAY_SPOT: got "yes"; 1 and 0 are allowed.'],
    ['REELAY_SITE', '', 'REELAY_SITE: it is not set, and without it this worker may serve nobody.'],
    ['REELAY_SITE', 'home', 'REELAY_SITE: got "home"; onprem and cloud are allowed.'],
    ['REELAY_STORE_SITE', 'home', 'REELAY_STORE_SITE: got "home"; cloud and onprem are allowed.'],
    [
      'REELAY_WATERMARK_KEY',
      '',
      'REELAY_WATERMARK_KEY: it is not set; 64 hex digits, or the path of a file with them, is needed: no video leaves unmarked.',
    ],
    [
      'REELAY_WATERMARK_KEY',
      'abc',
      'REELAY_WATERMARK_KEY: it is neither 64 hex digits nor the path of a file with them.',
    ],
    ['REELAY_C2PA_KEY', '', 'REELAY_C2PA_KEY: it is not set; a private ECDSA P-256 key in PEM, or the path of a file'],
    ['REELAY_C2PA_KEY', newReceiptKey(), 'the private key is not that of the leaf certificate.'],
    [
      'REELAY_C2PA_CERTIFICATES',
      'here',
      'REELAY_C2PA_CERTIFICATES: it is neither certificates in PEM, the leaf first and',
    ],
    [
      'REELAY_C2PA_KMS_KEY',
      'alias/a',
      'REELAY_C2PA_KMS_KEY: REELAY_C2PA_KEY is set as well; one of the two is allowed.',
    ],
    [
      'REELAY_RECEIPT_KEY',
      '',
      'REELAY_RECEIPT_KEY: it is not set; a private Ed25519 key in PEM, or the path of a file with one, is needed.',
    ],
    [
      'REELAY_RECEIPT_KEY',
      '/no/such/file',
      'REELAY_RECEIPT_KEY: it is neither a key in PEM nor the path of a file that can be read.',
    ],
    ['REELAY_RESIDENCY', '{', 'REELAY_RESIDENCY: it is not valid JSON.'],
    ['REELAY_TABLE', '', 'The environment variable REELAY_TABLE is not set.'],
    ['REELAY_BUNDLES', '', 'REELAY_BUNDLES and REELAY_BUNDLE_DIGESTS: neither is set'],
  ])('a wrong %s (%j) is refused in a sentence', (name, value, sentence) => {
    const start = () => awsWorkerSettingsFrom({ ...good, [name]: value });
    expect(start).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(start).toThrow(sentence);
  });

  test('certificates without their root are refused: a worker could not check what it has signed', () => {
    const end = '-----END CERTIFICATE-----';
    const leaf = `${good.REELAY_C2PA_CERTIFICATES.split(end)[0]}${end}\n`;
    expect(() => awsWorkerSettingsFrom({ ...good, REELAY_C2PA_CERTIFICATES: leaf })).toThrow(
      'the last certificate is no root; needed are the leaf, those between, and last the root.',
    );
  });
});
