import { awsResourcesFrom, type Environment } from './connect.ts';
import { type Probed, probeBucket, probeQueue, probeTable } from './probe-resources.ts';

/** Looks at the deployed resources by calls that change nothing; each throws with what is wrong. The names come from the environment. */
export function resourceChecks(env: Environment): Readonly<Record<string, () => Promise<string>>> {
  const reached = async (
    setting: string,
    probe: (value: Readonly<ReturnType<typeof awsResourcesFrom>>) => Promise<Probed>,
  ) => {
    const { why } = await probe(awsResourcesFrom(env));
    if (why !== undefined) throw new Error(`${setting}: ${why}`);
    return `reached and permitted (${setting})`;
  };
  return {
    queue: () => reached('REELAY_QUEUE_URL', ({ queueUrl }) => probeQueue(queueUrl)),
    'dead letters': () =>
      reached('REELAY_DEAD_LETTER_QUEUE_URL', ({ deadLetterQueueUrl }) => probeQueue(deadLetterQueueUrl)),
    table: () => reached('REELAY_TABLE', ({ table }) => probeTable(table)),
    bucket: () => reached('REELAY_BUCKET', ({ bucket }) => probeBucket(bucket, 'bundles/doctor')),
  };
}
