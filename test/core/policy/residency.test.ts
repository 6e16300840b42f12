import { describe, expect, test } from 'vitest';
import {
  builtInResidency,
  isWithin,
  mayServe,
  type Place,
  parsePlace,
  parsePools,
  parseResidency,
  type ResidencyClasses,
  servedClasses,
} from '#core/policy/residency.ts';

const cloud: Place = { pool: 'cloud-spot', site: 'cloud', region: 'eu-central-1' };
const onprem: Place = { pool: 'onprem-a', site: 'onprem', region: 'basement' };

describe('a residency class', () => {
  test('that is sovereign is served on the premises only, and the most restricted class is served first', () => {
    const eu = { sites: ['onprem', 'cloud'], regions: ['eu-central-1', 'eu-west-1'] } as const;
    const classes = { ...builtInResidency, eu, frankfurt: { sites: ['cloud'], regions: ['eu-central-1'] } } as const;
    expect(servedClasses(classes, cloud)).toEqual(['frankfurt', 'eu', 'standard']);
    expect(servedClasses(classes, onprem)).toEqual(['sovereign', 'standard']);
    expect(servedClasses(classes, { ...cloud, region: 'us-east-1' })).toEqual(['standard']);
  });

  test.each([
    ['an unknown class', 'nobody', {}],
    ['a name that objects have anyway', 'constructor', {}],
    ['a prototype', '__proto__', {}],
    ['a rule without sites', 'x', { x: { sites: [] } }],
    ['a rule with an unknown site', 'x', { x: { sites: ['cloud', 'moon'] } }],
    ['a rule with no region', 'x', { x: { sites: ['cloud', 'onprem'], regions: [] } }],
    ['a rule that is none', 'x', { x: null }],
  ])('fails closed: %s is served nowhere', (_, name, classes) => {
    for (const place of [cloud, onprem]) {
      expect(mayServe(classes as unknown as ResidencyClasses, name, place)).toBe(false);
      expect(servedClasses(classes as unknown as ResidencyClasses, place)).toEqual([]);
    }
  });

  test('is within another only where every place that it allows is allowed there too', () => {
    const classes = parseResidency(
      '{"eu":{"sites":["onprem","cloud"],"regions":["eu-1"]},"eu-cloud":{"sites":["cloud"],"regions":["eu-1"]}}',
    );
    const within = (inner: string, outer: string) => isWithin(classes, inner, outer);
    expect(['sovereign', 'eu', 'eu-cloud', 'standard'].map(name => within(name, 'standard'))).toEqual(
      Array(4).fill(true),
    );
    expect([within('standard', 'sovereign'), within('standard', 'eu'), within('sovereign', 'eu')]).toEqual(
      Array(3).fill(false),
    );
    expect([within('eu-cloud', 'eu'), within('eu', 'eu-cloud')]).toEqual([true, false]);
    expect([within('nobody', 'standard'), within('standard', 'nobody')]).toEqual([false, false]);
  });
});

describe('the settings of residency', () => {
  test('add classes and replace built-in ones', () => {
    expect(parseResidency('')).toBe(builtInResidency);
    const classes = parseResidency(
      '{"standard": {"sites": ["onprem"]}, "eu": {"sites": ["cloud"], "regions": ["eu-1"]}}',
    );
    expect(classes).toEqual({
      standard: { sites: ['onprem'] },
      sovereign: { sites: ['onprem'] },
      eu: { sites: ['cloud'], regions: ['eu-1'] },
    });
  });

  test.each([
    ['{', 'REELAY_RESIDENCY: it is not valid JSON.'],
    ['[]', 'REELAY_RESIDENCY: got []; an object from class to rule is allowed.'],
    ['{"EU": {"sites": ["cloud"]}}', 'REELAY_RESIDENCY: got the class "EU"; a name of up to 24'],
    ['{"a_b": {"sites": ["cloud"]}}', 'REELAY_RESIDENCY: got the class "a_b"; a name of up to 24'],
    ['{"eu": {"site": "cloud"}}', 'REELAY_RESIDENCY: eu: got the field "site"; sites, regions are allowed.'],
    [
      '{"eu": {"sites": []}}',
      'REELAY_RESIDENCY: eu.sites: got []; a list of at least one of onprem, cloud is allowed.',
    ],
    ['{"eu": {"sites": ["moon"]}}', 'REELAY_RESIDENCY: eu.sites: got ["moon"]'],
    ['{"eu": {}}', 'REELAY_RESIDENCY: eu.sites: got nothing'],
    [
      '{"eu": {"sites": ["cloud"], "regions": []}}',
      'REELAY_RESIDENCY: eu.regions: got []; a list of at least one region',
    ],
    ['{"eu": null}', 'REELAY_RESIDENCY: eu: got null'],
  ])('that cannot be meant stop the start: %s', (text, sentence) => {
    expect(() => parseResidency(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(() => parseResidency(text)).toThrow(sentence);
  });

  test('name a place, with what is not set taken from what is known, or refused', () => {
    expect(parsePlace({ pool: 'onprem-a', site: 'onprem', region: 'basement' })).toEqual(onprem);
    expect(parsePlace({ site: '', region: 'eu-west-1' }, cloud)).toEqual({ ...cloud, region: 'eu-west-1' });
    expect(() => parsePlace({ pool: 'a', region: 'b' })).toThrow('REELAY_SITE: it is not set');
    expect(() => parsePlace({ site: 'Cloud' }, cloud)).toThrow(
      'REELAY_SITE: got "Cloud"; onprem and cloud are allowed.',
    );
    expect(() => parsePlace({ pool: 'a b' }, cloud)).toThrow('REELAY_POOL: got "a b"');
  });

  test('name the pools of an installation', () => {
    expect(parsePools(JSON.stringify([cloud, onprem]))).toEqual([cloud, onprem]);
    expect(() => parsePools('[]')).toThrow('REELAY_POOLS: a JSON list of at least one');
    expect(() => parsePools('[{"pool":"a","site":"cloud"}]')).toThrow('REELAY_POOLS[0].region: got nothing');
    expect(() => parsePools('[{"pool":"a","site":"cloud","region":"x","gpus":1}]')).toThrow('got the field "gpus"');
  });
});
