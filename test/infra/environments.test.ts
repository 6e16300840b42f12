import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsEnclavesFrom } from '#adapters/aws/connect-enclaves.ts';
import { mayServe, parseResidency } from '#core/policy/residency.ts';
import { awsWorkerSettingsFrom } from '#gpu-container/aws-settings.ts';
import { SYNTH_MS, synthesize } from './templates.ts';
import { evaluate } from './values.ts';

const KEY = 'a-key-of-this-test';
let built: ReturnType<typeof synthesize>;
beforeAll(() => {
  built = synthesize({
    checks: false,
    settings: {
      '*': {
        residency: { sovereign: { sites: ['onprem'] } },
        onPrem: [{ pool: 'onprem-b', region: 'paris', access: 'ecs-anywhere' }],
      },
    },
  });
}, SYNTH_MS);
afterAll(() => built.clean());

/** Runs a deployed bundle as Lambda does: a module of its own, with the environment of its template and nothing of ours. */
function runBundle(stack: 'ReelayCore' | 'ReelayGpu', prefix: string, folder: string, script: string) {
  const { Variables } = built.read(stack).named('AWS::Lambda::Function', prefix)[0]!.Properties.Environment;
  const told = evaluate(Variables) as Record<string, string>;
  const env = {
    ...told,
    ...('REELAY_API_KEY_SHA256' in told && { REELAY_API_KEY_SHA256: createHash('sha256').update(KEY).digest('hex') }),
    AWS_REGION: 'eu-central-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const url = JSON.stringify(`file://${join(built.outdir, 'bundles', folder, 'index.mjs')}`);
  const args = ['--input-type=module', '-e', `const bundle = await import(${url});\n${script}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8', cwd: '/' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('what is deployed starts with what it is told', () => {
  test('the API answers with the models of the deployment, to who has the key', () => {
    const call = (headers: object) => `await bundle.handler({ routeKey: 'GET /v1/models', rawPath: '/v1/models',
      headers: ${JSON.stringify(headers)}, requestContext: { http: { method: 'GET' } } }, { awsRequestId: 'r' })`;
    const script = `console.log(JSON.stringify([${call({ authorization: `Bearer ${KEY}` })}, ${call({})}]));`;
    const [known, unknown] = runBundle('ReelayCore', 'Api', 'functions-lambda-ts', script);
    expect(known.statusCode).toBe(200);
    expect(JSON.parse(known.body).data.map(({ id }: { id: string }) => id)).toEqual(['reelay-mini']);
    expect(unknown.statusCode).toBe(401);
  });

  test('the autoscaler composes itself', () => {
    const script =
      'const { pools } = bundle.composeAutoscale(process.env); console.log(JSON.stringify(pools.map(({ id }) => id)));';
    const ids = runBundle('ReelayGpu', 'Autoscaler', 'functions-autoscale-lambda-ts', script);
    expect(ids).toEqual(['cloud-spot', 'cloud-ondemand', 'onprem-b']);
  });

  test.each([
    ['ReelayGpu', 'SpotTask', 'cloud', []],
    ['ReelayGpu', 'OnDemandTask', 'cloud', []],
    ['ReelayEdge', 'Nodes', 'onprem', ['sovereign']],
  ] as const)(
    'a worker of %s, %s, reads its settings and has the enclaves that it may serve',
    (stack, prefix, site, others) => {
      const [container] = built.read(stack).named('AWS::ECS::TaskDefinition', prefix)[0]!
        .Properties.ContainerDefinitions;
      const told = Object.fromEntries(container.Environment.map((one: any) => [one.Name, evaluate(one.Value)]));
      const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
      expect(told.AWS_REGION, 'the region of the resources, which no SDK guesses').toBe('here');
      const settings = awsWorkerSettingsFrom({ ...told, REELAY_RECEIPT_KEY: pem.toString() });
      expect(settings.provider).toBe('cuda');
      expect(settings.place.site).toBe(site);
      const classes = parseResidency(told.REELAY_RESIDENCY);
      const enclaves = [...awsEnclavesFrom(told, classes).keys()];
      expect(enclaves).toEqual(['standard', ...others]);
      expect(enclaves.every(name => mayServe(classes, name, settings.place))).toBe(true);
    },
  );
});
