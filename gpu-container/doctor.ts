/**
 * @file `node gpu-container/doctor.ts [--json] [--online] [--image]`: what this container can do, in sentences. --online asks the queue,
 * the table and the bucket; --image looks only at what the image brings, on a machine that has neither a GPU nor settings, and loads the
 * worker's whole program. Exit 0: all is well; 1: something is not; 2: a setting or an option is wrong.
 */
import { resourceChecks } from '#adapters/aws/resource-checks.ts';
import { ReelayError } from '#core/errors.ts';
import { providerFrom } from '#gpu-container/worker/provider-setting.ts';
import {
  awsSettingsCheck,
  type Checks,
  diskChecks,
  encoderCheck,
  examine,
  providerChecks,
  QUOTA_NOTE,
  showFindings,
} from './doctor-checks.ts';

const OPTIONS = ['--json', '--online', '--image'];

/** A worker with no settings: its program must load as far as the sentence that says which one is missing. */
const programCheck: Checks = {
  program: async () => {
    await import('./aws-worker.ts');
    return 'loads';
  },
};

function checksFor(options: readonly string[]): Checks {
  if (options.includes('--image')) {
    const { provider, 'ONNX Runtime': runtime } = providerChecks('cpu');
    return { ...programCheck, 'ONNX Runtime': runtime!, 'provider at build': provider!, ...encoderCheck };
  }
  return {
    ...providerChecks(providerFrom(process.env)),
    ...encoderCheck,
    ...diskChecks(process.env),
    ...awsSettingsCheck(process.env, true),
    ...(options.includes('--online') ? resourceChecks(process.env) : {}),
  };
}

const options = process.argv.slice(2);
try {
  const unknown = options.find(option => !OPTIONS.includes(option));
  if (unknown !== undefined)
    throw new ReelayError('invalid_request', `got ${unknown}; ${OPTIONS.join(', ')} are allowed.`);
  const findings = await examine(checksFor(options));
  const notes = options.includes('--image') ? [] : [QUOTA_NOTE];
  process.stdout.write(showFindings(findings, options.includes('--json'), notes));
  process.exitCode = findings.every(finding => finding.ok) ? 0 : 1;
} catch (error) {
  process.stderr.write(`doctor: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ReelayError && error.code === 'invalid_request' ? 2 : 1;
}
