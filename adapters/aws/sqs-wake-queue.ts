import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { fromAws } from './aws-error.ts';

/** Asks for wake-ups by delayed messages on a queue that a function listens to; the message says nothing but that. */
export function createSqsWakeQueue(options: {
  client: SQSClient;
  queueUrl: string;
}): (delaySeconds: number) => Promise<void> {
  return async delaySeconds => {
    const command = new SendMessageCommand({
      QueueUrl: options.queueUrl,
      MessageBody: '{"v":1}',
      DelaySeconds: delaySeconds,
    });
    await options.client.send(command).catch((error: unknown) => {
      throw fromAws(error, 'The wake-up queue');
    });
  };
}
