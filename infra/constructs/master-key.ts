import { RemovalPolicy } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** Lower-case letters that are no hex digits: what is drawn without them is a number of 256 bits. */
const NO_HEX = 'ghijklmnopqrstuvwxyz';

/**
 * The key that people's keys are wrapped with (REELAY_MASTER_KEY), 64 characters of hex, drawn by Secrets Manager when the stack is first
 * made. Functions are told it at their deployment, workers when they start.
 */
export function createMasterKey(scope: Construct): Secret {
  const secret = new Secret(scope, 'MasterKey', {
    description:
      'Wraps the keys that prompts, references and checkpoints are sealed with; without it none of them opens',
    generateSecretString: {
      passwordLength: 64,
      excludeUppercase: true,
      excludePunctuation: true,
      excludeCharacters: NO_HEX,
    },
    // This stack may be replaced; what is sealed may not.
    removalPolicy: RemovalPolicy.RETAIN,
  });
  acknowledge(secret, { SMG4: 'Another key opens nothing of what this one has sealed.' });
  return secret;
}
