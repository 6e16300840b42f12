/**
 * @file Runs sst.config.ts as the SST CLI 4.17 does, with Pulumi's mocks in the engine's place. What the CLI does was read in its
 * source (pkg/project, pkg/js) and its platform: bundle `app()` and evaluate it; bundle `run()` with $app, $cli and $dev as defines, the
 * platform's run shim injected and the providers imported into each file that is not SST's own; run that with SST_SERVER set.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { startSstServer } from './sst-server.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
/** A run takes 10 s on an idle machine. */
const MOST_MS = 240_000;

/** A resource that the program asked the engine for. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: any;
  /** Names of resources. */
  readonly dependsOn: readonly string[];
  readonly retainOnDelete: boolean;
}

/** What became of one run. */
export interface ProgramRun {
  readonly code: number | null;
  readonly resources: readonly Registered[];
  readonly outputs: Readonly<Record<string, any>>;
  /** Files that SST's bundle of the program is made of. */
  readonly bundled: readonly string[];
  /** Methods that were called on SST's server, in order. */
  readonly rpc: readonly string[];
  readonly stderr: string;
  readonly milliseconds: number;
}

/** How to run it. */
export interface ProgramOptions {
  /** Where `sst install` was run: has .sst/platform. */
  readonly installed: string;
  readonly stage: string;
  readonly dev?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** What `app()` says of a stage, as the CLI asks it: before anything is installed. */
export async function evaluateApp(installed: string, stage: string): Promise<Record<string, any>> {
  const outfile = join(installed, '.sst', 'platform', `app.${stage}.mjs`);
  await bundle({
    outfile,
    banner: 'function $config(input) { return input }',
    define: { $input: JSON.stringify({ stage }) },
    code: `import mod from '${CHECKOUT}/sst.config.ts';
      console.log('~j' + JSON.stringify(await mod.app({ stage: $input.stage || undefined })));`,
    installed,
  });
  const { code, stdout, stderr } = await runNode(outfile, {});
  const line = stdout.split('\n').find(text => text.startsWith('~j'));
  if (code !== 0 || line === undefined) throw new Error(`app() did not answer: ${stderr}`);
  return { ...JSON.parse(line.slice(2)), stage };
}

/** Runs `run()` to the end of its registrations. */
export async function runProgram({ installed, stage, dev = false, env = {} }: ProgramOptions): Promise<ProgramRun> {
  const startedMs = performance.now();
  const platform = join(installed, '.sst', 'platform');
  const app = await evaluateApp(installed, stage);
  const name = `${stage}.${dev ? 'dev' : 'deploy'}.${Math.round(startedMs)}`;
  const [outfile, told] = [join(platform, `run.${name}.mjs`), join(platform, `told.${name}.json`)];
  const providers = JSON.parse(readFileSync(join(installed, '.sst', 'provider-lock.json'), 'utf8')) as any[];
  const globals = [
    ...providers.map(({ alias, package: from }) => `import * as ${alias} from "${from}";`),
    `import * as sst from "${platform}/src/components";`,
  ].join('\n');
  const paths = { home: installed, root: CHECKOUT, work: join(installed, '.sst'), platform };
  const bundled = await bundle({
    outfile,
    globals,
    inject: [join(platform, 'src', 'shim', 'run.js')],
    define: {
      $app: JSON.stringify({ ...app, providers: withVersions(app.providers) }),
      $cli: JSON.stringify({ command: 'deploy', dev, paths, state: { version: {} } }),
      $dev: String(dev),
    },
    code: entry(platform, told, stage),
    installed,
  });
  const server = await startSstServer(installed);
  try {
    const { code, stderr } = await runNode(outfile, { ...env, SST_SERVER: server.url });
    const { resources = [], outputs = {} } = JSON.parse(await readFile(told, 'utf8').catch(() => '{}'));
    const milliseconds = Math.round(performance.now() - startedMs);
    return { code, stderr, resources, outputs, bundled, rpc: server.called(), milliseconds };
  } finally {
    await server.close();
  }
}

/** The CLI passes "aws": "7.20.0" on as an object. */
function withVersions(providers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(providers).map(([name, args]) => [name, typeof args === 'string' ? { version: args } : args]),
  );
}

/** Registrations go on after the program has returned, as promises resolve: it is over when three seconds brought none. */
function entry(platform: string, told: string, stage: string): string {
  return `
    import { writeFileSync } from 'node:fs';
    import * as pulumi from '@pulumi/pulumi';
    import { run } from '${platform}/src/auto/run.ts';
    import mod from '${CHECKOUT}/sst.config.ts';
    const resources = [];
    let quietSinceMs = Date.now();
    const FIXED = { 'aws:index/getRegion:getRegion': { region: 'us-east-1' },
      'aws:index/getPartition:getPartition': { partition: 'aws' },
      'aws:index/getCallerIdentity:getCallerIdentity': { accountId: '000000000000' } };
    const made = ({ type, name, inputs }) => {
      const state = { ...inputs, arn: 'arn:aws:mock:us-east-1:000000000000:' + name };
      if (type === 'aws:s3/bucket:Bucket' || type === 'aws:s3/bucketV2:BucketV2') {
        state.bucket ??= name.toLowerCase();
        state.bucketRegionalDomainName = state.bucket + '.s3.us-east-1.amazonaws.com';
      }
      if (type === 'aws:cloudformation/stack:Stack') state.outputs = outputsOf(name);
      return state;
    };
    const plainAsset = async source => ({
      kind: source.__pulumiArchive ? 'archive' : 'file',
      path: await source.path,
    });
    const outputsOf = stack => JSON.parse(process.env.MOCK_STACK_OUTPUTS ?? '{}')[stack] ?? {};
    pulumi.runtime.setMocks({
      async newResource(args) {
        quietSinceMs = Date.now();
        const source = args.inputs.source;
        resources.push({
          type: args.type,
          name: args.name,
          inputs: source === undefined ? args.inputs : { ...args.inputs, source: await plainAsset(source) },
          ...options.get(args.type + args.name),
        });
        return { id: args.name + '-id', state: made(args) };
      },
      call: ({ token, inputs }) => ({
        ...inputs,
        ...(FIXED[token] ?? {}),
        ...(token.endsWith(':getPolicyDocument') ? { json: JSON.stringify(inputs.statements) } : {}),
      }),
    }, 'reelay', '${stage}', false);
    const options = new Map();
    const noteOptions = ({ type, name, opts }) => {
      const before = [opts.dependsOn ?? []].flat().map(resource => resource.__name);
      options.set(type + name, { dependsOn: before, retainOnDelete: opts.retainOnDelete === true });
      return undefined;
    };
    const outputs = {};
    await pulumi.runtime.runInPulumiStack(async () => {
      pulumi.runtime.registerStackTransformation(noteOptions);
      for (const [name, value] of Object.entries(await run(mod.run)))
        pulumi.output(value).apply(plain => { outputs[name] = plain; });
    });
    while (Date.now() - quietSinceMs < 3000) await new Promise(done => setTimeout(done, 20));
    writeFileSync('${told}', JSON.stringify({ resources, outputs }));
    process.exit(0);
  `;
}

interface Bundle {
  readonly installed: string;
  readonly outfile: string;
  readonly code: string;
  readonly define: Record<string, string>;
  readonly banner?: string;
  readonly globals?: string;
  readonly inject?: string[];
}

/** The options of the CLI's own esbuild. */
async function bundle({
  installed,
  outfile,
  code,
  define,
  banner = '',
  globals,
  inject = [],
}: Bundle): Promise<string[]> {
  const plugins: BuildOptions['plugins'] = [
    {
      name: 'globals',
      setup: ({ onLoad }) =>
        onLoad({ filter: /\.(js|ts|jsx|tsx)$/ }, async ({ path }) => {
          const text = await readFile(path, 'utf8');
          return {
            contents: globals === undefined || path.includes('.sst') ? text : `${globals}\n${text}`,
            loader: 'default',
          };
        }),
    },
  ];
  const { metafile } = await build({
    stdin: { contents: code, resolveDir: CHECKOUT, sourcefile: 'eval.ts', loader: 'ts' },
    banner: { js: `${NODE_BANNER}\n${banner}` },
    mainFields: ['module', 'main'],
    format: 'esm',
    platform: 'node',
    sourcemap: 'linked',
    nodePaths: [join(installed, '.sst', 'platform', 'node_modules')],
    plugins,
    external: [
      '@pulumi/*',
      'undici',
      '@pulumiverse/*',
      '@sst-provider/*',
      '@aws-sdk/*',
      'esbuild',
      'archiver',
      'glob',
      'vite',
    ],
    define,
    inject,
    outfile,
    bundle: true,
    metafile: true,
    logLevel: 'error',
  });
  return Object.keys(metafile.inputs);
}

const NODE_BANNER = `
import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"
const __filename = topLevelFileUrlToPath(import.meta.url)
const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`;

async function runNode(file: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--enable-source-maps', '--no-deprecation', file], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MOST_MS,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>(done => child.once('close', done));
  return { code, stdout, stderr };
}
