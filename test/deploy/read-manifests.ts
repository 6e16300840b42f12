import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where the manifests lie. */
export const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');

// The parser that comes with the tools of a deployment; nothing else here needs one.
const cdk = createRequire(createRequire(import.meta.url).resolve('aws-cdk-lib/package.json'));
const yaml = cdk('yaml') as { parse(text: string, options: object): any };

export const textOf = (path: string) => readFileSync(join(DEPLOY, path), 'utf8');
export const yamlOf = (path: string) => yaml.parse(textOf(path), { merge: true, uniqueKeys: true, strict: true });

/** Every file below deploy/, as relative paths. */
export const files = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1))
  .sort();

/** A systemd unit or quadlet: section -> key -> values in their order. */
export function unitOf(path: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  for (const [at, line] of textOf(path).split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const heading = /^\[([A-Z][A-Za-z]*)\]$/.exec(line)?.[1];
    if (heading !== undefined) {
      section = new Map();
      sections.set(heading, section);
      continue;
    }
    const [, key, value] = /^([A-Z][A-Za-z]*)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined || section === undefined)
      throw new Error(`${path}:${at + 1} is neither a section nor a key: ${line}`);
    section.set(key, [...(section.get(key) ?? []), value]);
  }
  return sections;
}

/** How one container or unit starts Reelay. */
export interface Start {
  readonly file: string;
  /** Without the image's tini and node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly stopSeconds: number;
  /** Folders that it may write to. */
  readonly writable: readonly string[];
}

const POD_FILES = ['kubernetes/server/deployment.yaml', 'kubernetes/workers/scaled-job.yaml'];
const UNIT_FILES = [
  'quadlet/reelay.container',
  'quadlet/reelay-worker.container',
  'systemd/reelay.service',
  'systemd/reelay-worker@.service',
];

/** The pods, by the file that makes them. */
export const pods = new Map(
  POD_FILES.map(file => {
    const { spec } = yamlOf(file);
    return [file, (spec.jobTargetRef?.template ?? spec.template).spec];
  }),
);

/** Every start in deploy/. */
export function starts(): readonly Start[] {
  return [...podStarts(), ...UNIT_FILES.map(unitStart), ...composeStarts()];
}

function podStarts(): Start[] {
  return [...pods].map(([file, pod]) => {
    const [container] = pod.containers;
    return {
      file,
      args: container.args,
      env: Object.fromEntries(container.env.map((one: any) => [one.name, one.value])),
      stopSeconds: pod.terminationGracePeriodSeconds,
      writable: container.volumeMounts.filter((one: any) => one.readOnly !== true).map((one: any) => one.mountPath),
    };
  });
}

function unitStart(file: string): Start {
  const unit = unitOf(file);
  const of = (section: string, key: string) => unit.get(section)?.get(key) ?? [];
  const isQuadlet = file.endsWith('.container');
  const section = isQuadlet ? 'Container' : 'Service';
  const words = (isQuadlet ? of('Container', 'Exec') : of('Service', 'ExecStart'))[0]!.split(' ');
  const stop = isQuadlet
    ? /--stop-timeout=(\d+)/.exec(of('Container', 'PodmanArgs').join(' '))?.[1]
    : of('Service', 'TimeoutStopSec')[0];
  return {
    file,
    args: isQuadlet ? words : words.slice(2),
    env: Object.fromEntries(of(section, 'Environment').map(pair => pair.split(/=(.*)/s).slice(0, 2))),
    stopSeconds: Number(stop),
    writable: isQuadlet
      ? [...of('Container', 'Volume'), ...of('Container', 'Tmpfs')]
          .filter(mount => !mount.endsWith(':ro'))
          .map(mount => mount.split(':').find(part => part.startsWith('/'))!)
      : of('Service', 'StateDirectory').map(name => `/var/lib/${name}`),
  };
}

function composeStarts(): Start[] {
  const { services } = yamlOf('compose.yaml');
  return Object.values<any>(services).map(service => ({
    file: 'compose.yaml',
    args: service.command,
    env: service.environment,
    stopSeconds: Number.parseInt(service.stop_grace_period, 10),
    writable: [...service.volumes, ...service.tmpfs].map((mount: string) =>
      mount.split(':').find(part => part.startsWith('/')),
    ) as string[],
  }));
}
