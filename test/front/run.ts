/**
 * sst.config.ts held against SST itself: what it asks Pulumi for, told by mocks. Run by test/front.sh, which installs SST.
 *
 *     node test/front/run.ts FOLDER        FOLDER: where `sst install` was run
 */
import { deploys, develops, says } from './checks.ts';

const installed = process.argv[2];
if (installed === undefined) throw new Error('usage: node test/front/run.ts FOLDER');

let [passed, failed] = [0, 0];
for (const part of [says, deploys, develops])
  for await (const { name, error } of part(installed)) {
    process.stdout.write(`${error === undefined ? 'ok' : 'FAILED'}  ${name}\n`);
    if (error === undefined) passed++;
    else {
      failed++;
      process.stdout.write(`        ${error.replaceAll('\n', '\n        ')}\n`);
    }
  }
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
