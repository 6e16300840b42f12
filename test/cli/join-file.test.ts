import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { awsEnclavesFrom } from '#adapters/aws/connect-enclaves.ts';
import { environmentOf, keepJoinFile, parseJoinFile } from '#cli/join-file.ts';
import { joinEnvironment, keptJoinFile } from '#cli/join-settings.ts';
import { parseResidency } from '#core/policy/residency.ts';

const enclave = (name: string) => ({
  queueUrl: `https://sqs.eu-central-1.amazonaws.com/123456789012/${name}`,
  deadLetterQueueUrl: `https://sqs.eu-central-1.amazonaws.com/123456789012/${name}-dead`,
  table: `${name}-table`,
  bucket: `${name}-bucket`,
});
const FILE = {
  v: 1,
  region: 'eu-central-1',
  enclaves: { standard: enclave('standard'), sovereign: enclave('sovereign') },
  eventBus: 'reelay',
  pools: [{ pool: 'onprem-a', region: 'hq' }],
  residency: { sovereign: { sites: ['onprem'], regions: ['hq'] } },
  bundles: { 'wan-2.2': 'ab'.repeat(32) },
  shares: '*=1:4',
};

test('a join file becomes the environment that every worker reads', () => {
  const environment = environmentOf(parseJoinFile(JSON.stringify(FILE), 'join.json'));
  expect(environment).toEqual({
    AWS_REGION: 'eu-central-1',
    REELAY_QUEUE_URL: enclave('standard').queueUrl,
    REELAY_DEAD_LETTER_QUEUE_URL: enclave('standard').deadLetterQueueUrl,
    REELAY_TABLE: 'standard-table',
    REELAY_BUCKET: 'standard-bucket',
    REELAY_EVENT_BUS: 'reelay',
    REELAY_ENCLAVES: JSON.stringify({ sovereign: enclave('sovereign') }),
    REELAY_RESIDENCY: JSON.stringify(FILE.residency),
    REELAY_BUNDLE_DIGESTS: `wan-2.2=${'ab'.repeat(32)}`,
    REELAY_SHARES: '*=1:4',
  });
  const enclaves = awsEnclavesFrom(environment, parseResidency(environment.REELAY_RESIDENCY ?? ''));
  expect(enclaves.get('sovereign')).toEqual(enclave('sovereign'));
});

test.each([
  ['this is no JSON', 'nonsense'],
  ['a JSON object is allowed', []],
  ['v: got 2; 1 is allowed', { ...FILE, v: 2 }],
  ['secret: there is no such field', { ...FILE, secret: 'x' }],
  ['region: got 5; a text is required', { ...FILE, region: 5 }],
  ['enclaves.standard: it is missing', { ...FILE, enclaves: {} }],
  ['enclaves.standard.table: got ""', { ...FILE, enclaves: { standard: { ...enclave('s'), table: '' } } }],
  ['enclaves.standard: got the field "key"', { ...FILE, enclaves: { standard: { ...enclave('s'), key: 'x' } } }],
  [
    'enclaves.standard.queueUrl: got',
    { ...FILE, enclaves: { standard: { ...enclave('s'), queueUrl: 'http://10.1.1.1/q' } } },
  ],
  ['enclaves.No Class', { ...FILE, enclaves: { ...FILE.enclaves, 'No Class': enclave('x') } }],
  ['pools: a list of at least one', { ...FILE, pools: [] }],
  ['pools[0].pool: got "a b"', { ...FILE, pools: [{ pool: 'a b', region: 'hq' }] }],
  ['pools[0]: got the field "site"', { ...FILE, pools: [{ pool: 'a', region: 'hq', site: 'cloud' }] }],
  ['residency: REELAY_RESIDENCY: eu.sites', { ...FILE, residency: { eu: { sites: [] } } }],
  ['bundles.m: got "latest"', { ...FILE, bundles: { m: 'latest' } }],
])('a file that is wrong is refused: %s', (sentence, file) => {
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  expect(() => parseJoinFile(text, 'join.json')).toThrow(`join.json: ${sentence}`);
});

test('without a file or names a worker says how it gets to know its installation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-join-'));
  await expect(joinEnvironment({ pool: 'onprem-a' }, {}, folder)).rejects.toThrow(
    `kept as ${keptJoinFile(folder)}), or set REELAY_QUEUE_URL and the other names`,
  );
  await expect(joinEnvironment({ pool: 'onprem-a' }, { REELAY_QUEUE_URL: 'q' }, folder)).rejects.toThrow(
    'REELAY_REGION: it is not set',
  );
  const env = { REELAY_QUEUE_URL: 'q', REELAY_REGION: 'hq' };
  expect(await joinEnvironment({ pool: 'onprem-a' }, env, folder)).toEqual({
    ...env,
    REELAY_POOL: 'onprem-a',
    REELAY_SITE: 'onprem',
  });
  await rm(folder, { recursive: true, force: true });
});

test('the kept file is replaced as a whole, and a folder that cannot hold it is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-join-'));
  const kept = keptJoinFile(folder);
  const file = parseJoinFile(JSON.stringify(FILE), 'join.json');
  await keepJoinFile(file, kept);
  const { ino } = await stat(kept);
  await keepJoinFile(file, kept);
  // Never the same file written over, which a crash would leave half.
  expect((await stat(kept)).ino).not.toBe(ino);
  expect(parseJoinFile(await readFile(kept, 'utf8'), kept)).toEqual(file);
  expect(await readdir(folder)).toEqual(['join.json']);
  await expect(keepJoinFile(file, keptJoinFile(kept))).rejects.toThrow(`REELAY_DATA: ${keptJoinFile(kept)} cannot be`);
  await rm(folder, { recursive: true, force: true });
});
