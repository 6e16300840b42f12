import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const SKIP = new Set([
  'node_modules',
  '.git',
  '.sst',
  'cdk.out',
  'dist',
  'models',
  '.reelay',
  'exporter',
  'docs',
  'coverage',
]);

/** A room: its folder, the rooms it may import, and the outside packages it may import ('*' = any, 'node:' = Node's own). */
interface Room {
  readonly folder: string;
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
}

const EVERYTHING = [
  'core',
  'adapters/http',
  'adapters/local',
  'adapters/policy-files.ts',
  'adapters/price-file.ts',
  'adapters/receipt-keys.ts',
  'adapters/receipt-key-setting.ts',
  'adapters/audit-crypto.ts',
  'adapters/audit-folder.ts',
  'functions',
  'functions/bearer.ts',
  'gpu-container/provenance',
  'gpu-container/provenance/c2pa',
  'gpu-container/provenance/verify',
  'gpu-container/worker',
  'gpu-container/runtime',
  'gpu-container/media',
  'gpu-container/evaluation',
  'local',
];

/** The import law. The longest folder that holds a file is its room. A room may always import itself. */
const LAW: readonly Room[] = [
  { folder: 'core', rooms: [], packages: ['zod'] },
  { folder: 'adapters', rooms: ['core'], packages: ['node:'] },
  { folder: 'adapters/local', rooms: ['core', 'adapters'], packages: ['node:'] },
  { folder: 'adapters/aws', rooms: ['core', 'adapters'], packages: ['node:', '@aws-sdk/'] },
  { folder: 'adapters/http', rooms: ['core', 'adapters'], packages: ['node:'] },
  { folder: 'functions', rooms: ['core'], packages: ['@middy/', 'aws-lambda'] },
  { folder: 'functions/bearer.ts', rooms: ['core', 'functions'], packages: ['node:'] },
  {
    folder: 'functions/lambda.ts',
    rooms: ['core', 'functions', 'adapters/aws', 'adapters/http', 'adapters/policy-files.ts', 'adapters/price-file.ts'],
    packages: ['node:', '@aws-lambda-powertools/', 'aws-lambda'],
  },
  {
    folder: 'functions/autoscale-lambda.ts',
    rooms: ['core', 'functions', 'adapters/aws'],
    packages: ['node:', '@aws-lambda-powertools/', 'aws-lambda'],
  },
  { folder: 'gpu-container/engine', rooms: [], packages: [] },
  // Judges clips: bytes in, numbers out; the engine's types and generator, and no files.
  { folder: 'gpu-container/evaluation', rooms: ['core', 'gpu-container/engine'], packages: [] },
  {
    folder: 'gpu-container/runtime',
    rooms: ['core', 'gpu-container/engine', 'gpu-container/provenance/watermark'],
    packages: ['node:', 'onnxruntime-node', '@huggingface/tokenizers', 'entities', 'zod'],
  },
  { folder: 'gpu-container/media', rooms: ['core'], packages: ['node:', '@napi-rs/webcodecs', 'mediabunny', 'sharp'] },
  {
    folder: 'gpu-container/provenance/c2pa',
    rooms: ['core'],
    packages: ['node:', '@contentauth/c2pa-wasm', '@peculiar/x509', 'reflect-metadata'],
  },
  // Files of strangers: what reads them is a process that may be killed; what it means is decided here.
  {
    folder: 'gpu-container/provenance/verify',
    rooms: ['core', 'gpu-container/media', 'gpu-container/provenance/c2pa', 'gpu-container/provenance/watermark'],
    packages: ['node:'],
  },
  {
    folder: 'gpu-container/render',
    rooms: [
      'core',
      'gpu-container/engine',
      'gpu-container/runtime',
      'gpu-container/media',
      'gpu-container/provenance',
      'gpu-container/provenance/c2pa',
      'gpu-container/provenance/watermark',
    ],
    packages: ['node:'],
  },
  { folder: 'gpu-container/render/protocol.ts', rooms: ['core', 'gpu-container/provenance/watermark'], packages: [] },
  // The supervisor holds the keys and says what a clip is marked with; it marks nothing itself.
  {
    folder: 'gpu-container/worker',
    rooms: [
      'core',
      'gpu-container/provenance',
      'gpu-container/provenance/watermark',
      'gpu-container/render/protocol.ts',
    ],
    packages: ['node:'],
  },
  { folder: 'gpu-container/list-notices.ts', rooms: [], packages: ['node:'] },
  { folder: 'gpu-container/bundle-settings.ts', rooms: ['core'], packages: ['node:'] },
  { folder: 'gpu-container/marking-settings.ts', rooms: ['core', 'gpu-container/provenance'], packages: ['node:'] },
  { folder: 'gpu-container/main.ts', rooms: ['core', 'gpu-container/worker'], packages: ['node:'] },
  {
    folder: 'gpu-container/doctor-checks.ts',
    rooms: [
      'core',
      'gpu-container/worker',
      'gpu-container/runtime',
      'gpu-container/media',
      'gpu-container/bundles',
      'gpu-container/bundle-settings.ts',
    ],
    packages: ['node:'],
  },
  { folder: 'gpu-container/doctor.ts', rooms: ['core', 'adapters/aws', 'gpu-container/worker'], packages: ['node:'] },
  { folder: 'gpu-container/health.ts', rooms: ['gpu-container/worker'], packages: ['node:'] },
  // The keys of both marks, and how a picture is known again.
  {
    folder: 'gpu-container/provenance',
    rooms: ['gpu-container/provenance/c2pa', 'gpu-container/provenance/watermark'],
    packages: ['node:'],
  },
  // Arithmetic alone: keys come in as a function, frames as bytes; the same bits on every machine.
  { folder: 'gpu-container/provenance/watermark', rooms: [], packages: [] },
  // Bundles come from outside and lie on the disk; what a bundle is, only the runtime says.
  {
    folder: 'gpu-container/bundles',
    rooms: ['core', 'adapters/local', 'gpu-container/runtime'],
    packages: ['node:'],
  },
  { folder: 'gpu-container/probe.ts', rooms: ['gpu-container/runtime'], packages: ['node:'] },
  {
    folder: 'gpu-container/aws-settings.ts',
    rooms: [
      'core',
      'adapters/aws',
      'adapters/policy-files.ts',
      'adapters/price-file.ts',
      'adapters/receipt-key-setting.ts',
      'adapters/master-key.ts',
      'gpu-container/provenance',
      'gpu-container/worker',
    ],
    packages: ['node:'],
  },
  {
    folder: 'gpu-container/aws-worker.ts',
    rooms: [
      'core',
      'adapters/aws',
      'adapters/http',
      'gpu-container/bundles',
      'gpu-container/runtime',
      'gpu-container/worker',
    ],
    packages: ['node:'],
  },
  {
    folder: 'local',
    rooms: [
      'core',
      'adapters/http',
      'adapters/local',
      'adapters/policy-files.ts',
      'adapters/price-file.ts',
      'functions',
      'functions/bearer.ts',
      'gpu-container/provenance',
      'gpu-container/provenance/c2pa',
      'gpu-container/provenance/verify',
      'gpu-container/worker',
      'gpu-container/runtime',
    ],
    packages: ['node:', 'vite', 'aws-lambda'],
  },
  { folder: 'cli', rooms: EVERYTHING, packages: ['node:', 'commander'] },
  // A worker on the premises of a deployment is the deployment's worker; what it is told and asks first is the command's.
  {
    folder: 'cli/join-worker.ts',
    rooms: [
      ...EVERYTHING,
      'cli',
      'adapters/aws',
      'gpu-container/aws-settings.ts',
      'gpu-container/aws-worker.ts',
      'gpu-container/bundle-settings.ts',
    ],
    packages: ['node:'],
  },
  // The ledger of a deployment is read where its settings are.
  { folder: 'cli/account-store.ts', rooms: [...EVERYTHING, 'cli', 'adapters/aws'], packages: ['node:', 'commander'] },
  { folder: 'cli/audit-ledger.ts', rooms: [...EVERYTHING, 'cli', 'adapters/aws'], packages: ['node:'] },
  { folder: 'cli/preflight.ts', rooms: [...EVERYTHING, 'adapters/aws'], packages: ['node:'] },
  {
    folder: 'cli/doctor.ts',
    rooms: [...EVERYTHING, 'adapters/aws', 'gpu-container/doctor-checks.ts'],
    packages: ['node:', 'commander'],
  },
  // Frames before they are marked and the latent of every step leave no render child: who judges them renders in its own process.
  {
    folder: 'cli/eval-bundle.ts',
    rooms: [...EVERYTHING, 'gpu-container/render'],
    packages: ['node:'],
  },
  // A bucket is named by who pushes to it; the rest of the command line does not know AWS.
  {
    folder: 'cli/models-push.ts',
    rooms: [...EVERYTHING, 'adapters/aws', 'gpu-container/bundles', 'gpu-container/bundle-settings.ts'],
    packages: ['node:', 'commander'],
  },
  { folder: 'studio', rooms: [], packages: ['preact', '@preact/signals', 'vite'] },
  // What is deployed is told in numbers and data of ours; the tools that deploy it are only here.
  {
    folder: 'infra',
    rooms: ['core', 'infra/functions.ts', 'adapters/aws/dynamo-table.ts', 'gpu-container/runtime/bundle-manifest.ts'],
    packages: ['node:', 'aws-cdk-lib', 'constructs', 'cdk-nag', 'esbuild'],
  },
  // A plain table and the front of SST, which bundles what it is given: nothing of CDK may come along.
  { folder: 'infra/functions.ts', rooms: [], packages: [] },
  { folder: 'infra/front', rooms: ['infra/functions.ts'], packages: ['node:'] },
  { folder: 'sst.config.ts', rooms: ['infra/front'], packages: [] },
  { folder: 'test', rooms: ['*'], packages: ['*'] },
];

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const full = join(folder, entry.name);
    if (entry.isDirectory()) return SKIP.has(entry.name) ? [] : sources(full);
    return /\.(ts|tsx|mjs)$/.test(entry.name) && entry.name !== 'vitest.config.ts' ? [relative(ROOT, full)] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\brequire\(\s*)'([^'\n]+)'/g);
  return [...found].map(match => ({ file, specifier: match[1]! }));
}

function roomOf(path: string): Room | undefined {
  const holds = (room: Room) => path === room.folder || path.startsWith(`${room.folder}/`);
  return LAW.filter(holds).sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** Why the law forbids this import, or undefined. */
function offence({ file, specifier }: Import): string | undefined {
  const room = roomOf(file);
  if (room === undefined) return `${file} lies in no room of the law`;
  const says = `${file} imports ${specifier}`;
  if (specifier.startsWith('..') && !inside(file, specifier, room)) return `${says}: use #room/… across rooms`;
  if (specifier.startsWith('.')) return undefined;
  if (!specifier.startsWith('#')) {
    const allowed = room.packages.some(
      p =>
        p === '*' || specifier === p || (/[:/]$/.test(p) && specifier.startsWith(p)) || specifier.startsWith(`${p}/`),
    );
    return allowed ? undefined : `${says}: ${room.folder} may import ${room.packages.join(', ') || 'no package'}`;
  }
  const target = specifier.slice(1);
  const to = roomOf(target);
  const allowed = to?.folder === room.folder || room.rooms.some(r => r === '*' || target === r || to?.folder === r);
  return allowed ? undefined : `${says}: ${room.folder} may import ${room.rooms.join(', ') || 'no other room'}`;
}

/** `../x.ts` is allowed only to stay inside a room that has folders of its own. */
function inside(file: string, specifier: string, room: Room): boolean {
  const target = relative(ROOT, resolve(ROOT, dirname(file), specifier));
  return target.startsWith(`${room.folder}/`) && roomOf(target)?.folder === room.folder;
}

const FILES = sources(ROOT);

describe('the import law', () => {
  test('every import goes the way the arrows go', () => {
    expect(FILES.flatMap(importsOf).map(offence).filter(Boolean)).toEqual([]);
  });

  test('the law catches what it forbids', () => {
    const caught = (file: string, specifier: string) => offence({ file, specifier }) !== undefined;
    expect(caught('core/job.ts', 'node:fs')).toBe(true);
    expect(caught('core/job.ts', '#adapters/local/sqlite.ts')).toBe(true);
    expect(caught('gpu-container/engine/sampler.ts', '#core/job.ts')).toBe(true);
    expect(caught('gpu-container/provenance/watermark/embed.ts', 'node:crypto')).toBe(true);
    expect(caught('gpu-container/worker/renderer.ts', '#gpu-container/engine/sampler.ts')).toBe(true);
    expect(caught('functions/create.ts', '@aws-sdk/client-sqs')).toBe(true);
    expect(caught('adapters/local/sqlite.ts', '@aws-sdk/client-sqs')).toBe(true);
    expect(caught('local/serve.ts', '../core/job.ts')).toBe(true);
    expect(caught('functions/create.ts', '#core/job.ts')).toBe(false);
  });

  test('core, engine, evaluation and watermark read no clock, draw no random and see no environment', () => {
    const impure = /\b(Math\.random|Date\.now|new Date\(\)|performance\.now|process\.|setTimeout|setInterval|fetch\()/;
    const pure = FILES.filter(file => /^(core|gpu-container\/(engine|evaluation|provenance\/watermark))\//.test(file));
    expect(pure.length).toBeGreaterThan(10);
    expect(pure.filter(file => impure.test(withoutComments(file)))).toEqual([]);
  });

  test('process.env is read in composition roots only', () => {
    const roots =
      /^(cli|local|infra\/app\.ts|functions\/(autoscale-)?lambda\.ts|gpu-container\/(main|health|doctor)\.ts|test)\b|^[a-z.]+\.(ts|mjs)$/;
    // Written in one place, for a library that reads it.
    const read = /process\.env(?!\.ORT_DISABLE_TELEMETRY = '1')/;
    expect(FILES.filter(file => !roots.test(file) && read.test(withoutComments(file)))).toEqual([]);
  });

  test('a handler has at most forty lines', () => {
    const routed = importsOf('functions/routes.ts').map(({ specifier }) => specifier);
    const handlers = routed.filter(name => !['./deps.ts', './middleware.ts'].includes(name));
    expect(handlers.length).toBeGreaterThan(8);
    const long = handlers.filter(name => readFileSync(join(ROOT, 'functions', name), 'utf8').split('\n').length > 41);
    expect(long).toEqual([]);
  });

  test('every public export says what it is', () => {
    const rooms = /^(core|functions|adapters|gpu-container|local|cli|infra)\/.*\.ts$/;
    const bare = FILES.filter(file => rooms.test(file)).flatMap(file => {
      const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
      const isExport = (line: string) => /^export (async )?(function|const|class|interface|type) /.test(line);
      return lines.flatMap((line, at) =>
        isExport(line) && !lines[at - 1]?.trim().endsWith('*/') ? [`${file}:${at + 1}`] : [],
      );
    });
    expect(bare).toEqual([]);
  });

  test('there is no utils, no index and no default export', () => {
    expect(FILES.filter(file => /(^|\/)(utils?|helpers?|common|index)(\.ts|\/)/.test(file))).toEqual([]);
    const own = FILES.filter(file => !/(vite|vitest|sst)\.config\.ts$/.test(file));
    expect(own.filter(file => /^export default/m.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
  });
});

function withoutComments(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
