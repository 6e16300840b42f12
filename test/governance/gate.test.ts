import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAcceptances, parseGoverning, withAcceptance } from '#core/governance/acceptance.ts';
import { type GovernedBundle, undecided, whyNotOffered } from '#core/governance/gate.ts';
import type { Governance } from '#core/governance/statement.ts';
import { parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { MODELS_FOLDER } from '#local/bundles.ts';
import { openEmbedded } from '#local/embedded.ts';
import { cli } from '#test/local/server-process.ts';
import { writeFastBundle } from '#test/runtime/fast-bundle.ts';

const DIGEST = 'ab'.repeat(32);
const stated: Required<Governance> = {
  card: { summary: 'A model.', intendedUse: ['Use.'], outOfScope: [], knownLimits: ['Limits.'] },
  dataset: { sources: ['Own.'], syntheticShare: 1, personalData: 'none', thirdPartyWorks: 'none', optOuts: 'None.' },
  license: { spdx: 'Apache-2.0', commercialUse: true, exceptTerritories: [], prohibitedUses: [] },
};
const bundle = (governance?: Governance): GovernedBundle => ({
  id: 'wan',
  digest: DIGEST,
  ...(governance !== undefined && { governance }),
});
const licensed = (terms: object) =>
  bundle({ ...stated, license: { ...stated.license, ...terms } as Required<Governance>['license'] });

describe('a bundle is offered', () => {
  test('when its makers state everything and nothing forbids it', () => {
    expect(whyNotOffered(bundle(stated), undecided)).toBeUndefined();
  });

  test.each([
    [undefined, 'a model card, a dataset statement and license terms'],
    [{ card: stated.card }, 'a dataset statement and license terms'],
    [{ card: stated.card, dataset: stated.dataset }, 'license terms'],
  ])('not while statements are missing, which are named (%#)', (governance, named) => {
    expect(whyNotOffered(bundle(governance), undecided)).toBe(
      `wan: its bundle.json has no "governance" with ${named}, so nobody answers for what it is. ` +
        'Add them, or take that on yourself: reelay models accept wan --reason "…".',
    );
  });

  test('without statements once its digest, and no other, was accepted', () => {
    const accepting = (digest: string) => ({ ...undecided, acceptedDigests: new Set([digest]) });
    expect(whyNotOffered(bundle(), accepting(DIGEST))).toBeUndefined();
    expect(whyNotOffered(bundle(), accepting('cd'.repeat(32)))).toContain('nobody answers');
  });

  test('never against a license that is stated, whatever was accepted', () => {
    const accepted = { ...undecided, acceptedDigests: new Set([DIGEST]) };
    expect(whyNotOffered(licensed({ commercialUse: false }), accepted)).toContain('forbids commercial use');
    expect(whyNotOffered(licensed({ commercialUse: false }), { ...accepted, commercial: false })).toBeUndefined();
  });

  test.each([
    [{ onlyTerritories: ['US'] }, ['DE'], 'holds in US only; REELAY_TERRITORY says DE'],
    [{ exceptTerritories: ['DE', 'FR'] }, ['US', 'DE'], 'holds everywhere but in DE, FR; REELAY_TERRITORY says DE'],
    [{ exceptTerritories: ['DE'] }, [], 'REELAY_TERRITORY says where this installation is used, DE for one'],
    [
      { onlyTerritories: ['US', 'DE'], exceptTerritories: ['US'] },
      ['US'],
      'holds in DE only; REELAY_TERRITORY says US',
    ],
    [{ onlyTerritories: ['US', 'DE'] }, ['DE', 'US'], undefined],
  ])('only where its license holds (%#)', (terms, territories, sentence) => {
    const why = whyNotOffered(licensed(terms), { ...undecided, territories });
    if (sentence === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(sentence);
  });
});

describe('what an operator decides', () => {
  test.each([
    [{ REELAY_TERRITORY: 'Germany' }, 'REELAY_TERRITORY: got "Germany"'],
    [{ REELAY_ACCEPT_BUNDLES: 'wan' }, 'REELAY_ACCEPT_BUNDLES: got "wan"'],
    [{ REELAY_COMMERCIAL: 'maybe' }, 'REELAY_COMMERCIAL: got "maybe"; yes and no are allowed'],
  ])('is refused in a sentence where it makes no sense: %j', (settings, sentence) => {
    expect(() => parseGoverning(settings, undecided)).toThrow(sentence);
  });

  test('adds up from settings', () => {
    const settings = { REELAY_TERRITORY: 'DE, FR', REELAY_COMMERCIAL: 'no', REELAY_ACCEPT_BUNDLES: DIGEST };
    expect(parseGoverning(settings, undecided)).toEqual({
      commercial: false,
      territories: ['DE', 'FR'],
      acceptedDigests: new Set([DIGEST]),
    });
    expect(parseGoverning({}, undecided)).toEqual(undecided);
  });

  test('is kept once for each digest; a file that is something else accepts nothing', () => {
    const first = { id: 'wan', digest: DIGEST, reason: 'tests', missing: ['card' as const], acceptedAtMs: 1 };
    const again = { ...first, reason: 'more tests', acceptedAtMs: 2 };
    const text = withAcceptance(parseAcceptances(withAcceptance([], first), 'f'), again);
    expect(parseAcceptances(text, 'f')).toEqual([again]);
    for (const odd of ['', '[]', '{"v":1}', '{"v":1,"accepted":[{"digest":"x"}]}'])
      expect(() => parseAcceptances(odd, 'accepted-bundles.json')).toThrow(
        'accepted-bundles.json is no list of accepted bundles',
      );
  });
});

describe('through the product', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reelay-governance-'));
    await writeFastBundle(join(folder, 'fast'), { id: 'fast' });
    const path = join(folder, 'fast', 'bundle.json');
    const { governance: _, ...manifest } = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify(manifest));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the bundled model states everything, in a form that is checked', async () => {
    const text = await readFile(join(MODELS_FOLDER, 'reelay-mini', 'bundle.json'), 'utf8');
    const { governance } = parseManifest('reelay-mini', text);
    expect(whyNotOffered({ id: 'reelay-mini', digest: DIGEST, ...(governance && { governance }) }, undecided)).toBe(
      undefined,
    );
    const odd = JSON.parse(text);
    odd.governance.license.commercialUse = 'sure';
    expect(() => parseManifest('x', JSON.stringify(odd))).toThrow('governance.license.commercialUse: got "sure"');
  });

  test('a bundle without statements is added, not offered, and offered once somebody answers for it', async () => {
    const dataFolder = join(folder, 'data');
    const env = { REELAY_DATA: dataFolder };
    const offered = async () => {
      const { bundles, refused, close } = await openEmbedded({ dataFolder });
      await close();
      return { ids: bundles.map(one => one.card.id), why: refused.map(({ error }) => error.message) };
    };
    const added = await cli(['models', 'add', join(folder, 'fast'), '--no-try'], env);
    expect(added.stderr).toContain('It is not offered yet. fast: its bundle.json has no "governance"');
    expect(await offered()).toEqual({ ids: ['reelay-mini'], why: [expect.stringContaining('nobody answers')] });
    const accepted = await cli(['models', 'accept', 'fast', '--reason', 'random weights'], env);
    expect(accepted).toMatchObject({ code: 0, stderr: '' });
    expect(accepted.stdout).toContain('accepted fast without a model card, a dataset statement, license terms');
    expect(await offered()).toEqual({ ids: ['reelay-mini', 'fast'], why: [] });
    await cli(['audit', 'export', join(folder, 'ledger')], env);
    const parts = await readdir(join(folder, 'ledger'), { recursive: true });
    const records = parts
      .filter(name => name.endsWith('.jsonl'))
      .map(name => readFile(join(folder, 'ledger', name), 'utf8'));
    expect((await Promise.all(records)).join('').match(/"action":"bundle.accept"/g)).toHaveLength(1);
    const needless = await cli(['models', 'accept', 'reelay-mini', '--reason', 'why not'], env);
    expect(needless).toMatchObject({ code: 2, stderr: expect.stringContaining('there is nothing to accept') });
  });

  test('an added copy whose files changed is another bundle, for which nobody answered', async () => {
    const dataFolder = join(folder, 'changed');
    await cli(['models', 'add', join(folder, 'fast'), '--no-try', '--accept', 'random weights'], {
      REELAY_DATA: dataFolder,
    });
    await writeFastBundle(join(folder, 'other'), { id: 'fast', seed: 2 });
    await cp(join(folder, 'other'), join(dataFolder, 'models', 'fast'), { recursive: true });
    const path = join(dataFolder, 'models', 'fast', 'bundle.json');
    const { governance: _, ...manifest } = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify(manifest));
    const { bundles, close } = await openEmbedded({ dataFolder });
    await close();
    expect(bundles.map(one => one.card.id)).toEqual(['reelay-mini']);
  });
});
