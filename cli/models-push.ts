import { Command } from 'commander';
import { formatBundlePin } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { type BundlePlace, parseBundlePlace } from '#gpu-container/bundle-settings.ts';
import { createFolderObjects } from '#gpu-container/bundles/folder-objects.ts';
import { withoutSecrets } from '#gpu-container/bundles/http-objects.ts';
import { pushBundle } from '#gpu-container/bundles/push-bundle.ts';
import { findBundles } from '#local/bundles.ts';
import { shownBytes } from './models-add.ts';
import { dataFolderFrom } from './settings.ts';

/** `reelay models push` */
export function pushModelCommand(): Command {
  return new Command('push')
    .description('put a model where a deployment fetches it by its digest; what is there already is left out')
    .argument('<id>', 'as `reelay models list` names it')
    .requiredOption('--to <place>', 's3://bucket (credentials and region as the AWS tools find them), or a folder')
    .option('--json', 'print one JSON object')
    .action(async (id: string, options: { to: string; json?: boolean }) => push(id, options));
}

async function push(id: string, { to, json }: { to: string; json?: boolean }): Promise<void> {
  const target = await openTarget(parseBundlePlace(to, '--to'), to);
  const { installed } = await findBundles(undefined, dataFolderFrom(process.env));
  const bundle = installed.find(one => one.card.id === id);
  if (bundle === undefined)
    throw new ReelayError(
      'model_not_found',
      `There is no model "${id}"; there are: ${installed.map(one => one.card.id).join(', ')}.`,
    );
  const say = (text: string) => json === true || process.stderr.write(text);
  const pushed = await pushBundle(bundle.folder, target, (path, skipped) =>
    say(`${skipped ? 'there already' : 'pushed'}  ${path}\n`),
  );
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ ...pushed, to: target.name })}\n`);
    return;
  }
  process.stdout.write(
    `${pushed.put} files (${shownBytes(pushed.bytes)}) to ${target.name}, ${pushed.skipped} were there\n` +
      `REELAY_BUNDLE_DIGESTS=${pushed.id}=${formatBundlePin(pushed)}\n`,
  );
}

/** The AWS SDK is only loaded by who names a bucket. */
async function openTarget(place: BundlePlace, to: string) {
  if (place.kind === 'folder') return createFolderObjects(place.folder);
  if (place.kind === 's3') return (await import('#adapters/aws/s3-objects.ts')).connectS3Objects(place.bucket);
  throw new ReelayError('invalid_request', `--to: got "${withoutSecrets(to)}"; s3://bucket and a folder are allowed.`);
}
