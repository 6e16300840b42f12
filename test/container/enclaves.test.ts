import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { awsEnclavesFrom, connectAwsFront } from '#adapters/aws/connect-enclaves.ts';
import { newJobId } from '#core/job-id.ts';
import { builtInResidency, parseResidency } from '#core/policy/residency.ts';
import { awsWorkerSettingsFrom } from '#gpu-container/aws-settings.ts';
import { markingSettings } from '#test/worker/marks-for.ts';

const sovereign = {
  queueUrl: 'http://127.0.0.1/sovereign',
  deadLetterQueueUrl: 'http://127.0.0.1/sovereign-dead',
  table: 'sovereign-jobs',
  bucket: 'sovereign-bucket',
};
const env = {
  REELAY_QUEUE_URL: 'http://127.0.0.1/queue',
  REELAY_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1/dead',
  REELAY_TABLE: 'jobs',
  REELAY_BUCKET: 'bucket',
  REELAY_EVENT_BUS: 'bus',
  REELAY_BUNDLES: 'mini=/models/mini',
  REELAY_POOL: 'pool-1',
  REELAY_REGION: 'eu-central-1',
  REELAY_ENCLAVES: JSON.stringify({ sovereign }),
  REELAY_RECEIPT_KEY: String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
  REELAY_MASTER_KEY: 'ab'.repeat(32),
  ...markingSettings,
};

describe('the enclaves of a deployment', () => {
  test('are opened by a worker only where its place may serve them, the most restricted first', () => {
    const opened = (site: string) => [...awsWorkerSettingsFrom({ ...env, REELAY_SITE: site }).enclaves.keys()];
    expect(opened('onprem')).toEqual(['sovereign', 'standard']);
    expect(opened('cloud')).toEqual(['standard']);
  });

  test('a worker that may serve none of them does not start', () => {
    const REELAY_RESIDENCY = '{"standard": {"sites": ["onprem"]}}';
    expect(() => awsWorkerSettingsFrom({ ...env, REELAY_SITE: 'cloud', REELAY_RESIDENCY })).toThrow(
      'REELAY_ENCLAVES: a worker of pool pool-1 (cloud, eu-central-1) may serve none of standard, sovereign.',
    );
  });

  test('a worker that may serve another class but not standard, whose table holds what all share, does not start', () => {
    const REELAY_RESIDENCY = '{"standard": {"sites": ["cloud"]}}';
    expect(() => awsWorkerSettingsFrom({ ...env, REELAY_SITE: 'onprem', REELAY_RESIDENCY })).toThrow(
      'REELAY_RESIDENCY: a worker of pool pool-1 (onprem, eu-central-1) may not serve standard,',
    );
  });

  test.each([
    ['{', 'REELAY_ENCLAVES: it is not valid JSON.'],
    ['[]', 'REELAY_ENCLAVES: an object is expected.'],
    [
      JSON.stringify({ secret: sovereign }),
      'REELAY_ENCLAVES: secret: no residency class has this name; known: standard, sovereign.',
    ],
    [JSON.stringify({ standard: sovereign }), 'REELAY_ENCLAVES: standard: this class has the variables'],
    [
      JSON.stringify({ sovereign: { ...sovereign, table: '' } }),
      'REELAY_ENCLAVES: sovereign.table: it is missing; a text',
    ],
    [JSON.stringify({ sovereign: { ...sovereign, keys: 1 } }), 'REELAY_ENCLAVES: sovereign: got the field "keys"'],
    [
      JSON.stringify({ sovereign: { ...sovereign, bucket: 'bucket' } }),
      'sovereign.bucket: the class standard has the same',
    ],
    [
      JSON.stringify({ sovereign: { ...sovereign, deadLetterQueueUrl: env.REELAY_QUEUE_URL } }),
      'sovereign.deadLetterQueueUrl: the class standard has the same',
    ],
    [
      JSON.stringify({ sovereign: { ...sovereign, deadLetterQueueUrl: sovereign.queueUrl } }),
      'sovereign.queueUrl: deadLetterQueueUrl is the same',
    ],
    [JSON.stringify({ sovereign: 'x' }), 'REELAY_ENCLAVES: sovereign: an object is expected.'],
  ])('that cannot be meant stop the start: %s', (text, sentence) => {
    const read = () => awsEnclavesFrom({ ...env, REELAY_ENCLAVES: text }, builtInResidency);
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(read).toThrow(sentence);
  });

  test('a front door knows the classes that have one, and none that is only a rule', async () => {
    const rules = parseResidency('{"eu": {"sites": ["cloud"], "regions": ["eu-central-1"]}}');
    const door = connectAwsFront(env, rules);
    expect(Object.keys(door.classes)).toEqual(['standard', 'sovereign']);
    expect([...door.enclaves.keys()]).toEqual(['standard', 'sovereign']);
    const id = newJobId(0, new Uint8Array(10), 'eu');
    await expect(door.queue.send({ v: 1, jobId: id })).rejects.toMatchObject({ code: 'residency_unsatisfiable' });
    const alone = connectAwsFront({ ...env, REELAY_ENCLAVES: '' }, rules);
    expect(Object.keys(alone.classes)).toEqual(['standard']);
    expect(alone.store, 'one class costs nothing more').toBe(alone.enclaves.get('standard')?.store);
  });
});
