/**
 * @file Reads what the CDK has synthesized (a "cloud assembly": manifest.json, templates, <stack>.assets.json) as the plain list of what
 * to upload and which stacks to make. It knows the files only, nothing of the CDK, because SST bundles this file.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The template's parameter that says which bucket holds the assets. */
export const ASSETS_BUCKET = 'AssetsBucket';

/** One object of the assets bucket. */
export interface FileAsset {
  readonly key: string;
  /** Absolute; a folder where `packaging` is zip and it is no archive yet. */
  readonly path: string;
  readonly packaging: 'file' | 'zip';
}

/** One CloudFormation stack, and what must be in the bucket before it. */
export interface StackPlan {
  /** Name of the artifact in the manifest, such as ReelayCore. */
  readonly id: string;
  readonly stackName: string;
  /** Under a key that holds the hash of its bytes: the same key would be the same template to CloudFormation and never an update. */
  readonly template: FileAsset;
  readonly assets: readonly FileAsset[];
  /** Parameters that have no default, the assets bucket left out. */
  readonly requiredParameters: readonly string[];
  /** Parameters that have one. */
  readonly optionalParameters: readonly string[];
  /** Of both, those that the template says to show to nobody. */
  readonly secretParameters: readonly string[];
  readonly outputs: readonly string[];
  /** Ids of the stacks that come first. */
  readonly dependsOn: readonly string[];
}

interface Manifest {
  readonly artifacts: Readonly<Record<string, Artifact>>;
}

interface Artifact {
  readonly type: string;
  readonly dependencies?: readonly string[];
  readonly properties?: { readonly file?: string; readonly templateFile?: string; readonly stackName?: string };
}

interface AssetManifest {
  readonly files?: Readonly<Record<string, AssetFile>>;
  readonly dockerImages?: Readonly<Record<string, unknown>>;
}

interface AssetFile {
  readonly source: { readonly path?: string; readonly packaging?: string };
  readonly destinations: Readonly<Record<string, { readonly bucketName: string; readonly objectKey: string }>>;
}

interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown; readonly NoEcho?: boolean }>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

/** The stacks of a folder that `cdk synth` wrote, those first that others wait for. Throws a sentence for what the front cannot deploy. */
export function readCloudAssembly(folder: string): readonly StackPlan[] {
  const { artifacts } = readJson<Manifest>(join(folder, 'manifest.json'));
  const stacks = Object.entries(artifacts).filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  if (stacks.length === 0) throw new Error(`${join(folder, 'manifest.json')} has no stack`);
  return inOrder(stacks.map(([id, artifact]) => readStack(folder, artifacts, id, artifact)));
}

function readStack(folder: string, artifacts: Manifest['artifacts'], id: string, artifact: Artifact): StackPlan {
  const templateFile = artifact.properties?.templateFile;
  if (templateFile === undefined) throw new Error(`${id}: the manifest names no template`);
  const text = readFileSync(join(folder, templateFile), 'utf8');
  const { Parameters = {}, Outputs = {} } = JSON.parse(text) as Template;
  if (Parameters[ASSETS_BUCKET] === undefined)
    throw new Error(
      `${id}: the template has no parameter ${ASSETS_BUCKET}; it was synthesized for the CDK's own bootstrap bucket`,
    );
  const dependencies = artifact.dependencies ?? [];
  const parameters = Object.keys(Parameters).filter(name => name !== ASSETS_BUCKET);
  return {
    id,
    stackName: artifact.properties?.stackName ?? id,
    template: {
      key: `templates/${id}.${createHash('sha256').update(text).digest('hex')}.json`,
      path: join(folder, templateFile),
      packaging: 'file',
    },
    assets: dependencies.flatMap(name => readAssets(folder, artifacts[name], templateFile)),
    requiredParameters: parameters.filter(name => Parameters[name]?.Default === undefined),
    optionalParameters: parameters.filter(name => Parameters[name]?.Default !== undefined),
    secretParameters: parameters.filter(name => Parameters[name]?.NoEcho === true),
    outputs: Object.keys(Outputs),
    dependsOn: dependencies.filter(name => artifacts[name]?.type === 'aws:cloudformation:stack'),
  };
}

function readAssets(folder: string, artifact: Artifact | undefined, templateFile: string): FileAsset[] {
  if (artifact?.type !== 'cdk:asset-manifest' || artifact.properties?.file === undefined) return [];
  const { files = {}, dockerImages = {} } = readJson<AssetManifest>(join(folder, artifact.properties.file));
  const images = Object.keys(dockerImages).length;
  if (images > 0)
    throw new Error(
      `${artifact.properties.file} has ${images} container images to build; the front takes images by digest only`,
    );
  return Object.values(files).flatMap(({ source, destinations }) => {
    if (source.path === undefined)
      throw new Error(`${artifact.properties?.file}: an asset is made by a command, not a file`);
    if (basename(source.path) === templateFile) return []; // uploaded under its own key
    const path = join(folder, source.path);
    const packaging = source.packaging === 'zip' ? 'zip' : 'file';
    return Object.values(destinations).map(({ bucketName, objectKey }): FileAsset => {
      if (bucketName !== `\${${ASSETS_BUCKET}}`)
        throw new Error(
          `${artifact.properties?.file}: ${objectKey} is meant for the bucket ${bucketName}, not for \${${ASSETS_BUCKET}}`,
        );
      return { key: objectKey, path, packaging };
    });
  });
}

function inOrder(stacks: readonly StackPlan[]): readonly StackPlan[] {
  const ordered: StackPlan[] = [];
  while (ordered.length < stacks.length) {
    const done = new Set(ordered.map(stack => stack.id));
    const next = stacks.filter(stack => !done.has(stack.id) && stack.dependsOn.every(id => done.has(id)));
    if (next.length === 0) throw new Error('the stacks wait for one another in a circle');
    ordered.push(...next);
  }
  return ordered;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
