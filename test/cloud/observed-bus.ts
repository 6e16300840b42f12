import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

/** Somebody else's rule on our bus, with a queue behind it: what another team would see. */
export interface ObservedBus {
  /** Details of the events that have come so far. */
  look(): Promise<readonly any[]>;
}

/** Begins to watch the end of jobs. */
export async function observeBus(busName: string): Promise<ObservedBus> {
  const [bridge, sqs] = [new EventBridgeClient(), new SQSClient()];
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'observer' }));
  const EventPattern = JSON.stringify({ source: ['reelay/videos'], 'detail-type': ['video.completed'] });
  await bridge.send(new PutRuleCommand({ Name: 'observer', EventBusName: busName, EventPattern }));
  const target = { Id: 'queue', Arn: 'arn:aws:sqs:us-east-1:000000000000:observer' };
  await bridge.send(new PutTargetsCommand({ Rule: 'observer', EventBusName: busName, Targets: [target] }));
  const seen: any[] = [];
  return {
    look: async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      for (const { Body = '', ReceiptHandle } of Messages) {
        seen.push(JSON.parse(Body).detail);
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
      return seen;
    },
  };
}
