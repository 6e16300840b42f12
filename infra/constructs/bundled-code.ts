import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { CHECKOUT } from '../model-cards.ts';

/** Packages in CommonJS ask for Node's own modules by `require`, which a module of ES has not. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * One file of the checkout and all that it imports as a Lambda asset: a module of ES for Node 24, bundled by the esbuild of the
 * checkout, so that neither Docker nor a network is asked. `files` come to lie beside it, by name.
 */
export function bundledCode(scope: Construct, file: string, files: Readonly<Record<string, string>> = {}): AssetCode {
  const app = scope.node.root as App;
  const folder = join(app.outdir, 'bundles', file.replace(/\W+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.mjs'), bundled(file));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return Code.fromAsset(folder);
}

/** Within one process the checkout is taken to stand still. */
const bundles = new Map<string, Uint8Array>();

function bundled(file: string): Uint8Array {
  const known = bundles.get(file);
  if (known !== undefined) return known;
  const { outputFiles } = buildSync({
    absWorkingDir: CHECKOUT,
    entryPoints: [join(CHECKOUT, file)],
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    // Names stay, for the place that an error of our own is logged with.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${file}`);
  bundles.set(file, output.contents);
  return output.contents;
}
