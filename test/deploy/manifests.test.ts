import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { frontFrom } from '#cli/front-settings.ts';
import { parseJoinFile } from '#cli/join-file.ts';
import { serveCommand } from '#cli/serve.ts';
import { DEFAULT_PORT } from '#cli/settings.ts';
import { workerCommand } from '#cli/worker.ts';
import { limits } from '#core/limits.ts';
import { checkFront } from '#local/front.ts';
import { DEPLOY, files, pods, starts, textOf, yamlOf } from './read-manifests.ts';

const ROOT = join(DEPLOY, '..');
const COMMANDS = { serve: serveCommand, worker: workerCommand } as const;
const manifests = files.filter(file => file.endsWith('.yaml'));
const scaledJob = () => yamlOf('kubernetes/workers/scaled-job.yaml').spec;

test('every manifest is YAML, and every kustomization names exactly what lies beside it', () => {
  expect(manifests.length).toBeGreaterThan(10);
  for (const file of manifests) expect(yamlOf(file), file).toBeTypeOf('object');
  const kustomizations = manifests.filter(file => file.endsWith('kustomization.yaml'));
  expect(kustomizations.length).toBe(3);
  for (const file of kustomizations) {
    const { resources, configMapGenerator = [] } = yamlOf(file);
    const named = [...resources, ...configMapGenerator.flatMap((one: any) => one.files), 'kustomization.yaml'];
    const beside = files.filter(one => dirname(one) === dirname(file)).map(one => one.slice(dirname(file).length + 1));
    expect(named.sort(), file).toEqual(beside);
  }
});

test('every start is a command line that the command line understands', () => {
  expect(starts().length).toBe(8);
  for (const { file, args } of starts()) {
    const [program = '', name = '', ...rest] = args;
    expect(existsSync(join(ROOT, program.replace(/^\/(app|opt\/reelay)\//, ''))), `${file}: ${program}`).toBe(true);
    const command = COMMANDS[name as keyof typeof COMMANDS]()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .action(() => undefined);
    expect(() => command.parse(rest, { from: 'user' }), `${file}: ${args.join(' ')}`).not.toThrow();
    expect(command.args, file).toEqual([]);
    expect(() => command.parse([...rest, '--no-such-option'], { from: 'user' })).toThrow();
  }
});

test('every variable in a manifest is one that the code reads', () => {
  const rooms = ['cli', 'local', 'gpu-container', 'adapters'].map(room => join(ROOT, room));
  const known = ['PORT', 'AWS_CONFIG_FILE', 'AWS_PROFILE'];
  const source = rooms.flatMap(sourcesIn).join('\n');
  for (const { file, env } of starts())
    for (const name of Object.keys(env))
      expect(known.includes(name) || new RegExp(`\\b${name}\\b`).test(source), `${file}: ${name}`).toBe(true);
  expect(/\bREELAY_NO_SUCH_NAME\b/.test(source)).toBe(false);
});

function sourcesIn(folder: string): string[] {
  const { globSync } = process.getBuiltinModule('node:fs');
  return globSync('**/*.ts', { cwd: folder }).map(name => readFileSync(join(folder, name), 'utf8'));
}

test('every server asks for keys and speaks TLS, at the port that is opened for it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-deploy-'));
  const keys = join(folder, 'keys');
  writeFileSync(keys, 'ab'.repeat(32));
  const servers = starts().filter(({ args, file }) => args[1] === 'serve' && !file.startsWith('systemd'));
  expect(servers.length).toBe(3);
  for (const { file, env } of servers) {
    const { REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key, REELAY_PUBLIC_HOST = '', ...rest } = env;
    expect([env.REELAY_HOST, env.REELAY_KEYS, cert, key].every(Boolean), file).toBe(true);
    // What compose takes from its environment.
    const names = REELAY_PUBLIC_HOST.replace(/^\$\{.*\}$/, 'reelay.corp.example');
    expect(() => checkFront(frontFrom({ ...rest, REELAY_PUBLIC_HOST: names, REELAY_KEYS: keys }), 0)).not.toThrow();
    expect(() => checkFront(frontFrom({ ...rest, REELAY_PUBLIC_HOST: names, REELAY_KEYS: '' }), 0)).toThrow('a key');
    expect(Number(env.PORT ?? DEFAULT_PORT)).toBe(DEFAULT_PORT);
  }
  rmSync(folder, { recursive: true });
  const [container] = pods.get('kubernetes/server/deployment.yaml').containers;
  expect(container.ports).toEqual([{ name: 'https', containerPort: DEFAULT_PORT }]);
  expect(yamlOf('kubernetes/server/network-policy.yaml').spec.ingress[0].ports[0].port).toBe(DEFAULT_PORT);
  for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'])
    expect(container[name].httpGet).toMatchObject({
      path: '/health',
      httpHeaders: [{ name: 'Host', value: 'localhost' }],
    });
  expect(yamlOf('compose.yaml').services.api.ports).toEqual([`${DEFAULT_PORT}:${DEFAULT_PORT}`]);
  expect(textOf('quadlet/reelay.container')).toContain(`PublishPort=${DEFAULT_PORT}:${DEFAULT_PORT}\n`);
});

test('nothing is killed before its drain is over, and every start can write where it is told to', () => {
  for (const { file, stopSeconds, env, writable } of starts()) {
    expect(stopSeconds, file).toBeGreaterThanOrEqual(limits.stopTimeoutSeconds);
    for (const name of ['REELAY_DATA', 'REELAY_CACHE', 'REELAY_SCRATCH']) {
      const folder = env[name];
      const lies = folder === undefined || writable.some(root => folder === root || folder.startsWith(`${root}/`));
      expect(lies, `${file}: ${name}=${folder}`).toBe(true);
    }
  }
  expect(limits.stopTimeoutSeconds).toBeGreaterThan(limits.drainSeconds);
  // The image's own folders are small or go with the container.
  const joined = starts().filter(({ args }) => args.includes('--pool'));
  expect(joined.length).toBe(3);
  for (const { file, env } of joined.filter(one => !one.file.startsWith('systemd')))
    for (const name of ['REELAY_DATA', 'REELAY_CACHE', 'REELAY_SCRATCH']) expect(env[name], file).toBeDefined();
  expect(textOf('Dockerfile')).toContain('\nCOPY --from=build --chown=10001:10001 /data /data\n');
});

test('a pod whose folder goes with it signs receipts by a key that stays', () => {
  const pod = pods.get('kubernetes/workers/scaled-job.yaml');
  const [{ env, volumeMounts }] = pod.containers;
  const path = env.find((one: any) => one.name === 'REELAY_RECEIPT_KEY').value;
  const mount = volumeMounts.find((one: any) => path.startsWith(`${one.mountPath}/`));
  expect(pod.volumes.find((one: any) => one.name === mount.name).secret.secretName).toBe('reelay-receipts');
  for (const name of ['REELAY_WATERMARK_KEY', 'REELAY_C2PA_CERTIFICATES', 'REELAY_C2PA_KEY'])
    expect(env.find((one: any) => one.name === name).value, name).toMatch(/^\/etc\/reelay\/marking\//);
  const master = env.find((one: any) => one.name === 'REELAY_MASTER_KEY').value;
  const sealing = volumeMounts.find((one: any) => master.startsWith(`${one.mountPath}/`));
  expect(pod.volumes.find((one: any) => one.name === sealing.name).secret.secretName).toBe('reelay-sealing');
});

test('the API offers what its worker can render', () => {
  const { api, worker } = yamlOf('compose.yaml').services;
  expect(api.environment.REELAY_PROVIDER).toBe(worker.environment.REELAY_PROVIDER);
});

test('the ScaledJob scales from none to sixteen by jobs that wait or run, and never restarts one', () => {
  const spec = scaledJob();
  expect(spec).toMatchObject({ pollingInterval: 10, minReplicaCount: 0, maxReplicaCount: 16 });
  expect(spec.scalingStrategy.strategy).toBe('default');
  expect(spec.jobTargetRef.backoffLimit).toBe(0);
  const pod = spec.jobTargetRef.template.spec;
  expect(pod).toMatchObject({ restartPolicy: 'Never', terminationGracePeriodSeconds: 600 });
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(limits.stopTimeoutSeconds);
  // A Job ends: only a worker that stops when nothing waits does.
  expect(pod.containers[0].args).toContain('--until-idle');
  for (const { type, metadata } of spec.triggers) {
    expect(type).toBe('aws-sqs-queue');
    expect(metadata).toMatchObject({ scaleOnInFlight: 'true', queueLength: '1' });
  }
});

test('KEDA looks into the queues of the join file, and the pool is one that it names', () => {
  const join = parseJoinFile(textOf('kubernetes/workers/join.json'), 'join.json');
  const { triggers, jobTargetRef } = scaledJob();
  const enclaves = Object.values(join.enclaves);
  expect(triggers.map((one: any) => one.metadata.queueURL).sort()).toEqual(enclaves.map(one => one.queueUrl).sort());
  expect(new Set(triggers.map((one: any) => one.metadata.awsRegion))).toEqual(new Set([join.region]));
  const { args } = jobTargetRef.template.spec.containers[0];
  expect(join.pools.map(({ pool }) => pool)).toContain(args[args.indexOf('--pool') + 1]);
});

test('every pod is unprivileged, on a read-only root, with one GPU', () => {
  for (const [file, pod] of pods) {
    expect(pod.automountServiceAccountToken, file).toBe(false);
    expect(pod.securityContext, file).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.containers.length).toBe(1);
    const [{ securityContext, resources }] = pod.containers;
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const kind of ['requests', 'limits']) expect(resources[kind]['nvidia.com/gpu'], file).toBe(1);
  }
  // The user of the image.
  expect(readFileSync(join(ROOT, 'gpu-container', 'Dockerfile'), 'utf8')).toContain('\nUSER 10001:10001\n');
  const { services } = yamlOf('compose.yaml');
  for (const service of Object.values<any>(services))
    expect(service).toMatchObject({ user: '10001:10001', read_only: true, cap_drop: ['ALL'] });
});

test('the air-gapped server calls nobody, and its rule is not the workers', () => {
  const server = yamlOf('kubernetes/server/network-policy.yaml').spec;
  const worker = yamlOf('kubernetes/workers/network-policy.yaml').spec;
  expect(server).toMatchObject({ policyTypes: ['Ingress', 'Egress'], egress: [] });
  expect(worker).toMatchObject({ policyTypes: ['Ingress', 'Egress'], ingress: [] });
  const { labels } = scaledJob().jobTargetRef.template.metadata;
  expect(worker.podSelector.matchLabels).toEqual(labels);
  expect(server.podSelector.matchLabels['app.kubernetes.io/component']).not.toBe(labels['app.kubernetes.io/component']);
});

test('no manifest holds a secret, and every image is pinned by digest', () => {
  const secret = /kind: Secret|stringData|AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|\brly_\w{20,}/;
  for (const file of files) expect(secret.test(textOf(file)), file).toBe(false);
  expect(secret.test('AKIAIOSFODNN7EXAMPLE')).toBe(true);
  for (const file of files) {
    const images = [...textOf(file).matchAll(/^\s*(?:Image=|image: )(?:\$\{\w+:-)?(\S+?)\}?$/gm)].map(
      match => match[1],
    );
    // Kustomize puts a digest where `reelay` stands.
    for (const image of images) expect(image, file).toMatch(/^reelay$|@sha256:[0-9a-f]{64}$/);
  }
  for (const folder of ['server', 'workers'])
    expect(yamlOf(`kubernetes/${folder}/kustomization.yaml`).images[0].digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});
