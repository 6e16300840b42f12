import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCloudAssembly } from '#infra/front/cloud-assembly.ts';
import { parametersFrom, variableOf } from '#infra/front/parameters.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-assembly-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const BUCKET = '$' + '{AssetsBucket}';
const template = (parameters: object) => ({ Parameters: { AssetsBucket: {}, ...parameters }, Outputs: { A: {} } });
const file = (path: string, packaging: string, bucketName = BUCKET) => ({
  source: { path, packaging },
  destinations: { here: { bucketName, objectKey: `${path}.key` } },
});

async function assembly(
  stacks: Record<string, { template: object; files?: object; images?: object; after?: string[] }>,
) {
  const artifacts: Record<string, object> = {};
  for (const [id, { template, files = {}, images = {}, after = [] }] of Object.entries(stacks)) {
    await writeFile(join(folder, `${id}.template.json`), JSON.stringify(template));
    await writeFile(join(folder, `${id}.assets.json`), JSON.stringify({ files, dockerImages: images }));
    artifacts[`${id}.assets`] = { type: 'cdk:asset-manifest', properties: { file: `${id}.assets.json` } };
    artifacts[id] = {
      type: 'aws:cloudformation:stack',
      properties: { templateFile: `${id}.template.json`, stackName: `reelay-${id}` },
      dependencies: [...after, `${id}.assets`],
    };
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ artifacts }));
}

describe('what the CDK wrote', () => {
  test('comes as stacks in the order of their needs, each asset under its own key and no template twice', async () => {
    await assembly({
      gpu: { template: template({ WorkerImage: {}, Size: { Default: 1 } }), after: ['core'] },
      core: {
        template: template({ Key: { Default: '', NoEcho: true } }),
        files: { a: file('asset.a', 'zip'), t: file('core.template.json', 'file') },
      },
    });
    const [core, gpu, ...others] = readCloudAssembly(folder);
    expect(others).toEqual([]);
    expect(core).toMatchObject({
      id: 'core',
      stackName: 'reelay-core',
      assets: [{ key: 'asset.a.key', path: join(folder, 'asset.a'), packaging: 'zip' }],
      optionalParameters: ['Key'],
      secretParameters: ['Key'],
      outputs: ['A'],
    });
    expect(core?.template.key).toMatch(/^templates\/core\.[0-9a-f]{64}\.json$/);
    expect(gpu).toMatchObject({ id: 'gpu', dependsOn: ['core'], requiredParameters: ['WorkerImage'] });
  });

  test('has another address for another template', async () => {
    await assembly({ core: { template: template({}) } });
    const before = readCloudAssembly(folder)[0]?.template.key;
    await assembly({ core: { template: template({ More: {} }) } });
    expect(readCloudAssembly(folder)[0]?.template.key).not.toBe(before);
  });

  test('is refused when it was made for another way of deploying', async () => {
    await assembly({ core: { template: {} } });
    expect(() => readCloudAssembly(folder)).toThrow('core: the template has no parameter AssetsBucket');
    await assembly({ core: { template: template({}), files: { a: file('a', 'zip', 'cdk-assets') } } });
    expect(() => readCloudAssembly(folder)).toThrow('a.key is meant for the bucket cdk-assets');
    await assembly({ core: { template: template({}), images: { i: {} } } });
    expect(() => readCloudAssembly(folder)).toThrow(
      '1 container images to build; the front takes images by digest only',
    );
    await assembly({ a: { template: template({}), after: ['b'] }, b: { template: template({}), after: ['a'] } });
    expect(() => readCloudAssembly(folder)).toThrow('wait for one another in a circle');
  });
});

describe('parameters of a stack', () => {
  const plan = { id: 'gpu', requiredParameters: ['WorkerImage'], optionalParameters: ['ApiKeySha256'] };

  test('come from variables of their names', () => {
    expect([variableOf('WorkerImage'), variableOf('ApiKeySha256')]).toEqual([
      'REELAY_WORKER_IMAGE',
      'REELAY_API_KEY_SHA256',
    ]);
    expect(parametersFrom(plan, { REELAY_WORKER_IMAGE: 'x' })).toEqual({ WorkerImage: 'x' });
  });

  test('that are missing are asked for by that name', () => {
    expect(() => parametersFrom(plan, { REELAY_WORKER_IMAGE: '' })).toThrow(
      'gpu needs its parameter WorkerImage: set the environment variable REELAY_WORKER_IMAGE.',
    );
  });
});
