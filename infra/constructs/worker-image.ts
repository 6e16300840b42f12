import { CfnParameter, type Stack } from 'aws-cdk-lib';
import { IMAGE_BY_DIGEST } from '../settings-checks.ts';

/** The image that workers run, and the repository that it is pulled from. */
export interface WorkerImage {
  readonly uri: string;
  readonly repository: string;
}

/** The stack's parameters WorkerImage, with a default where the settings name an image, and WorkerRepository. */
export function workerImageOf(stack: Stack, named: string): WorkerImage {
  const image = new CfnParameter(stack, 'WorkerImage', {
    description: 'The worker image by its digest: repository@sha256:...',
    allowedPattern: IMAGE_BY_DIGEST,
    ...(named === 'parameter' ? {} : { default: named }),
  });
  const repository = new CfnParameter(stack, 'WorkerRepository', {
    description: 'The ECR repository of that image, in this account and region',
    default: 'reelay-worker',
  });
  return { uri: image.valueAsString, repository: repository.valueAsString };
}
