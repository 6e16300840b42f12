import { describe, expect, test } from 'vitest';
import { settingsFor } from '#infra/settings.ts';
import { defaultFleet } from '#infra/settings-defaults.ts';

const check = (own: object, stage = 'dev') => settingsFor(stage, { '*': own });
const fleet = (own: object) => check({ fleet: own });
const onPrem = [{ pool: 'onprem-a', region: 'berlin', servers: 2 }];

describe('settings that can be', () => {
  test('nothing said is a fleet from zero with one class and the bundled model', () => {
    const { settings } = settingsFor('dev');
    expect(settings).toMatchObject({ stage: 'dev', models: ['models/reelay-mini'], onPrem: [], fleet: defaultFleet });
    expect(Object.keys(settings.residency)).toEqual(['standard']);
  });

  test('a stage adds to what stands for all, field by field also in the fleet', () => {
    const document = {
      '*': { logDays: 7, fleet: { maxSpotTasks: 3, diskGiB: 100 } },
      prod: { logDays: 90, fleet: { maxSpotTasks: 20 } },
      test: { logDays: 1 },
    };
    const { settings } = settingsFor('prod', document);
    expect(settings.logDays).toBe(90);
    expect(settings.fleet).toEqual({ ...defaultFleet, maxSpotTasks: 20, diskGiB: 100 });
  });

  test('an enclave is made for the classes that are named, with a built-in rule where one is replaced by none', () => {
    const { settings } = check({ onPrem, residency: { sovereign: { sites: ['onprem'] } } });
    expect(settings.residency).toEqual({
      standard: { sites: ['onprem', 'cloud'] },
      sovereign: { sites: ['onprem'] },
    });
  });

  test('no GPUs in the cloud is fine where there are some on the premises', () => {
    expect(check({ fleet: null, onPrem }).settings.fleet).toBeNull();
  });
});

describe('settings that cannot be stop with a sentence that names them', () => {
  const anImage = `repository@sha256:${'a'.repeat(64)}`;
  test.each<[string, () => unknown, string]>([
    [
      'a class that no pool may serve',
      () => check({ residency: { sovereign: { sites: ['onprem'] } } }),
      'residency.sovereign: no pool may serve it; the pools are cloud-spot (cloud, us-east-1), cloud-ondemand (cloud, us-east-1).',
    ],
    ...[
      ['us-east-1a'],
      ['us-east-1a', 'us-east-1a'],
      ['us-east-1a', 'us-east-2a'],
      ['us-east-1a', 'us-east-1-bos-1a'],
    ].map((zones): [string, () => unknown, string] => [
      `zones that are not some of the region: ${zones}`,
      () => fleet({ zones }),
      `fleet.zones: got ${zones.join(', ')}; from 2 to 6 different zones of us-east-1, such as us-east-1a, are allowed.`,
    ]),
    [
      'a class of another region',
      () => check({ residency: { eu: { sites: ['cloud'], regions: ['eu-central-1'] } } }),
      'residency.eu: no pool may serve it',
    ],
    [
      'a standard class that leaves a pool out',
      () => check({ onPrem, residency: { standard: { sites: ['cloud'] } } }),
      'residency.standard: it must allow every pool, for its enclave holds what all workers share; onprem-a (onprem, berlin) is not allowed.',
    ],
    [
      'a site nobody knows',
      () => check({ residency: { moon: { sites: ['moon'] } } }),
      'moon.sites: got ["moon"]; a list of at least one of onprem, cloud is allowed.',
    ],
    [
      'no task and no pool',
      () => fleet({ maxSpotTasks: 0, maxOnDemandTasks: 0 }),
      'fleet and onPrem: there is no GPU anywhere',
    ],
    [
      'a fleet of no task beside a pool',
      () => check({ onPrem, fleet: { maxSpotTasks: 0, maxOnDemandTasks: 0 } }),
      'fleet.maxSpotTasks and fleet.maxOnDemandTasks: both are 0; a fleet that may have no task is written "fleet": null.',
    ],
    ['no fleet and no pool', () => check({ fleet: null }), 'there is no GPU anywhere'],
    [
      'an image by its tag',
      () => fleet({ workerImage: 'repository:latest' }),
      'fleet.workerImage: got "repository:latest"; an image by its digest (repository@sha256:...) is allowed, or "parameter".',
    ],
    ['a digest that is too short', () => fleet({ workerImage: anImage.slice(0, -1) }), 'fleet.workerImage: got'],
    ['no image', () => fleet({ workerImage: '' }), 'fleet.workerImage: got ""; a text is allowed.'],
    [
      'an instance type without a GPU',
      () => fleet({ instanceTypes: ['m7i.xlarge'] }),
      'fleet.instanceTypes: got "m7i.xlarge", whose GPU and price are not known; g6.2xlarge',
    ],
    [
      'no instance type',
      () => fleet({ instanceTypes: [] }),
      'fleet.instanceTypes: got []; a list of at least one text is allowed.',
    ],
    [
      'more memory than the machine has',
      () => fleet({ taskMemoryGiB: 32 }),
      'fleet.taskMemoryGiB: got 32; g6.2xlarge has 30 GiB for each of its GPUs.',
    ],
    ['more cores than the machine has', () => fleet({ taskVcpu: 9 }), 'fleet.taskVcpu: got 9; g6e.2xlarge has 8'],
    [
      'more tasks than may be',
      () => fleet({ minTasks: 5 }),
      'fleet.minTasks: got 5; at most fleet.maxOnDemandTasks (4) is allowed',
    ],
    [
      'a cold start that falls',
      () => fleet({ coldStartSeconds: { low: 9, mid: 8, high: 7, mean: 8 } }),
      'fleet.coldStartSeconds: got low 9, mid 8, high 7; they must not fall.',
    ],
    [
      'a fleet in an unknown mode',
      () => fleet({ mode: 'fargate' }),
      'fleet.mode: got "fargate"; one of asg, managed-instances is allowed.',
    ],
    [
      'a region without GPUs',
      () => check({ region: 'mars-1' }),
      'region: got "mars-1"; a region with GPU instances is allowed: us-east-1',
    ],
    [
      'a budget below nothing',
      () => check({ monthlyBudgetUsd: -5 }),
      'monthlyBudgetUsd: got -5; a number above 0 is allowed.',
    ],
    [
      'a policy that would allow',
      () => check({ policies: { acme: { v: 1, allow: ['x'] } } }),
      'policies: got {"acme":{"v":1,"allow":["x"]}}; policy: allow',
    ],
    ['a retention that CloudWatch has not', () => check({ logDays: 31 }), 'logDays: got 31; one of 1, 3, 5'],
    [
      'a target that is no number',
      () => check({ waitTargetSeconds: { interactive: 0, standard: 1, batch: 1 } }),
      'waitTargetSeconds: got {"interactive":0',
    ],
    [
      'two pools of one name',
      () => check({ onPrem: [...onPrem, ...onPrem] }),
      'each pool has a name of its own, dashes aside.',
    ],
    [
      'a pool that is called like ours',
      () => check({ onPrem: [{ pool: 'cloud-x', region: 'berlin' }] }),
      'onPrem: the pool "cloud-x" has a name that is Reelay\'s own.',
    ],
    [
      'certificates without an authority',
      () => check({ onPrem: [{ ...onPrem[0], access: 'roles-anywhere' }] }),
      'certificateAuthorityPem: a pool with access roles-anywhere needs it, and it is not set.',
    ],
    ['a setting that is none', () => check({ maxTasks: 3 }), 'maxTasks: got 3; it is not a setting; region, residency'],
    ['a stage that no name can hold', () => check({}, 'Prod!'), 'stage: got "Prod!"; up to 16 lower-case letters'],
    [
      'settings that are none',
      () => settingsFor('dev', []),
      'The settings: an object from stage to settings is allowed.',
    ],
    [
      'settings outside of any stage',
      () => settingsFor('dev', { fleet: { maxSpotTasks: 2 } }),
      'fleet: it stands outside of any stage; {"*": {"fleet": …}} is allowed.',
    ],
    [
      'no settings at all',
      () => settingsFor('dev', null),
      'The settings: an object from stage to settings is allowed.',
    ],
    ['a pool without a name', () => check({ onPrem: [{ region: 'berlin' }] }), 'onPrem: got [{"region":"berlin"}]'],
    ['a pool that is none', () => check({ onPrem: [null] }), 'onPrem: got [null]; a list of {"pool", "region"'],
    [
      'pools that resources could not be named after',
      () => check({ onPrem: ['a-b', 'ab'].map(pool => ({ pool, region: 'berlin' })) }),
      'each pool has a name of its own, dashes aside.',
    ],
    [
      'classes that resources could not be named after',
      () => check({ residency: { 'eu-1': { sites: ['cloud'] }, eu1: { sites: ['cloud'] } } }),
      'each class has a name of its own, dashes aside.',
    ],
    [
      'more classes than the rights of a pool can name',
      () => check({ residency: Object.fromEntries([...'abcd'].map(name => [name, { sites: ['cloud'] }])) }),
      'residency: got 5 classes (standard, a, b, c, d); at most 4 are allowed.',
    ],
    ['a mode in a list', () => fleet({ mode: ['asg'] }), 'fleet.mode: got ["asg"]; one of asg'],
    ['a number in quotes', () => check({ logDays: '30' }), 'logDays: got "30"; one of 1, 3, 5'],
    [
      'shares that the functions could not read',
      () => check({ shares: 'a=banana' }),
      'shares: got "a=banana"; "a=banana" is not of the form tenant=weight or tenant=weight:at-once.',
    ],
    ['receivers that are none', () => check({ webhookAllow: 'a b' }), 'webhookAllow: got "a b"; names, addresses'],
    [
      'a certificate that is none',
      () => check({ certificateAuthorityPem: '-----BEGIN CERTIFICATE-----\nnope' }),
      'a certificate in PEM is allowed.',
    ],
  ])('%s', (_, act, sentence) => {
    expect(act).toThrow(sentence);
  });

  test('every problem is told at once', () => {
    const act = () => check({ region: 3, logDays: 'x', monthlyBudgetUsd: 0 });
    expect(act).toThrow(/^region: .*\nlogDays: .*\nmonthlyBudgetUsd: /);
  });
});

describe('settings that may be meant are warned of', () => {
  test('a target below a cold start', () => {
    const { warnings } = check({ waitTargetSeconds: { interactive: 60, standard: 300, batch: 1_800 } });
    expect(warnings).toContain(
      'waitTargetSeconds.interactive: 60 s is less than a cold start (127 s): a job that finds nothing running waits longer.',
    );
  });
  test('a stage that the settings do not know', () => {
    const document = { '*': { logDays: 7 }, prod: { logDays: 90 } };
    expect(settingsFor('prd', document).warnings).toContain('stage: the settings have no part "prd", only *, prod.');
    expect(settingsFor('dev', { prod: {} }).warnings).toContain('stage: the settings have no part "dev", only prod.');
    expect(settingsFor('dev', document).warnings.join()).not.toContain('stage:');
    expect(settingsFor('prod', document).warnings.join()).not.toContain('stage:');
  });
  test('nobody is told of bills and alarms', () => {
    const quiet = check({ monthlyBudgetUsd: 500, alarmEmail: 'ops@example.com' });
    expect(quiet.warnings).toEqual([]);
    expect(check({}).warnings).toHaveLength(2);
  });
});
