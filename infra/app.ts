import { readFileSync } from 'node:fs';
import {
  App,
  type AppProps,
  CfnParameter,
  DefaultStackSynthesizer,
  type IStackSynthesizer,
  Stack,
  Validations,
} from 'aws-cdk-lib';
import type { ModelCatalog } from '#core/models.ts';
import { ReelayChecks } from './constructs/acknowledge.ts';
import { CHECKOUT, readCards } from './model-cards.ts';
import { settingsFor } from './settings.ts';
import { SettingsError } from './settings-error.ts';
import type { Settings } from './settings-types.ts';
import { CoreStack } from './stacks/core.ts';
import { EdgeStack } from './stacks/edge.ts';
import { GpuStack } from './stacks/gpu.ts';

/** What an app is built from; everything may be left out. */
export interface BuildOptions {
  readonly stage?: string;
  /** A settings file's content: see settingsFor. */
  readonly settings?: unknown;
  readonly outdir?: string;
  /**
   * How assets come into the account: `bootstrap` by `cdk bootstrap` and `cdk deploy`; `parameter` by whoever uploads them to the
   * bucket that the stack's parameter AssetsBucket names, each under its own key, without any bootstrap.
   */
  readonly assets?: 'bootstrap' | 'parameter';
  /** Where it is deployed to, as far as that is known: the settings must mean the same region. */
  readonly deployRegion?: string | undefined;
  /** Whether the rules of CloudFormation and cdk-nag are asked; the templates are the same without. */
  readonly checks?: boolean;
}

/** The app and what it was built with. */
export interface BuiltApp {
  readonly app: App;
  readonly settings: Settings;
  readonly warnings: readonly string[];
  readonly core: CoreStack;
  readonly gpu: GpuStack | undefined;
  readonly edge: EdgeStack | undefined;
}

/** Builds every stack of a stage, ready to synthesize. Throws SettingsError for settings that cannot be. */
export function buildApp(options: BuildOptions = {}): BuiltApp {
  const { stage = 'dev', assets = 'bootstrap', checks = true, deployRegion } = options;
  const { settings, warnings } = settingsFor(stage, options.settings);
  if (deployRegion !== undefined && deployRegion !== settings.region)
    throw new SettingsError(`region: the settings say ${settings.region}, and the deployment goes to ${deployRegion}.`);
  const cards = readCards(settings.models);
  checkSpeeds(settings, cards);
  const app = new App(appProps(options.outdir, checks));
  if (checks) Validations.of(app).addPlugins(new ReelayChecks(app));
  const synthesizer = () =>
    // CDK's own types disagree under exactOptionalPropertyTypes.
    (assets === 'bootstrap' ? new DefaultStackSynthesizer() : parameterSynthesizer()) as IStackSynthesizer;
  const common = { settings, terminationProtection: false };
  const core = new CoreStack(app, 'ReelayCore', {
    ...common,
    cards,
    stackName: `reelay-${stage}-core`,
    description: 'Reelay: queues, records, bytes, API',
    synthesizer: synthesizer(),
  });
  const gpu =
    settings.fleet === null
      ? undefined
      : new GpuStack(app, 'ReelayGpu', {
          ...common,
          fleet: settings.fleet,
          cards,
          core,
          stackName: `reelay-${stage}-gpu`,
          description: 'Reelay: GPUs from none, and what moves them',
          synthesizer: synthesizer(),
        });
  const edge =
    settings.onPrem.length === 0
      ? undefined
      : new EdgeStack(app, 'ReelayEdge', {
          ...common,
          cards,
          core,
          stackName: `reelay-${stage}-edge`,
          description: 'Reelay: what workers on the premises come with',
          synthesizer: synthesizer(),
        });
  if (assets === 'parameter') for (const stack of app.node.children) if (Stack.isStack(stack)) addAssetsBucket(stack);
  return { app, settings, warnings, core, gpu, edge };
}

function checkSpeeds({ modelSpeed }: Settings, cards: ModelCatalog): void {
  const ids = cards.map(({ id }) => id);
  const unknown = Object.keys(modelSpeed).filter(id => !ids.includes(id));
  if (unknown.length > 0)
    throw new SettingsError(
      unknown.map(id => `modelSpeed.${id}: the models that are offered are ${ids.join(', ')}.`).join('\n'),
    );
}

function appProps(outdir: string | undefined, checks: boolean): AppProps {
  return {
    ...(outdir === undefined ? {} : { outdir }),
    analyticsReporting: false,
    // Whoever builds the app synthesizes it, once.
    autoSynth: false,
    treeMetadata: false,
    postCliContext: { '@aws-cdk/core:validateAgainstDefaultRules': checks },
  };
}

/** Assets lie in a bucket that a parameter names; nothing of a bootstrap is asked for. */
function parameterSynthesizer(): DefaultStackSynthesizer {
  return new DefaultStackSynthesizer({
    fileAssetsBucketName: '$' + '{AssetsBucket}',
    generateBootstrapVersionRule: false,
  });
}

function addAssetsBucket(stack: Stack): void {
  new CfnParameter(stack, 'AssetsBucket', { description: "The bucket that the stack's assets were uploaded to" });
}

/** The content of the settings file that the environment names; no file, no settings. */
export function readSettings(path: string | undefined): unknown {
  if (path === undefined || path === '') return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not valid JSON' : 'it cannot be read';
    throw new SettingsError(`REELAY_SETTINGS: the file "${path}": ${why}.`);
  }
}

/** What `node infra/app.ts` does: writes the templates, or says in a sentence why not. */
function main(env: NodeJS.ProcessEnv): void {
  const { app, warnings } = buildApp({
    stage: env.REELAY_STAGE ?? 'dev',
    settings: readSettings(env.REELAY_SETTINGS),
    outdir: env.CDK_OUTDIR ?? `${CHECKOUT}/cdk.out`,
    assets: assetsFrom(env.REELAY_ASSETS ?? ''),
    deployRegion: env.CDK_DEFAULT_REGION,
  });
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const { stacks } = app.synth();
  for (const stack of stacks) process.stdout.write(`${stack.id} -> ${stack.templateFullPath}\n`);
  // A tool that says where to write to knows what comes next; a person may not.
  if (env.CDK_OUTDIR === undefined) process.stdout.write(NEXT);
}

const NEXT = `
Nothing was deployed, and nothing was asked of AWS.
  Settings    REELAY_STAGE=prod REELAY_SETTINGS=settings.json npm run synth
  To deploy   docs/deploying.md
`;

function assetsFrom(text: string): 'bootstrap' | 'parameter' {
  if (text === '' || text === 'bootstrap') return 'bootstrap';
  if (text === 'parameter') return text;
  throw new SettingsError(`REELAY_ASSETS: got "${text.slice(0, 40)}"; bootstrap and parameter are allowed.`);
}

if (import.meta.main)
  try {
    main(process.env);
  } catch (error) {
    // CDK has told its findings, or a setting is told in a sentence; a stack of calls helps nobody with either.
    const told = error instanceof SettingsError || (error as Error).name === 'ValidationFailed';
    if (!told) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
