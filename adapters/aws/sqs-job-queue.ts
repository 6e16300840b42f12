import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { ReelayError } from '#core/errors.ts';
import type { Delivery, JobQueue, QueueMessage, StopSignal } from '#core/ports.ts';
import { fromAws, isAwsError } from './aws-error.ts';
import { decodeBody, messageOf } from './sqs-message.ts';

/** Limits of SQS: long poll, delay of a send, visibility, messages of one receive. */
const MAX_WAIT_SECONDS = 20;
const MAX_DELAY_SECONDS = 900;
const MAX_VISIBILITY_SECONDS = 43_200;
const MAX_BATCH = 10;
/** A message of a newer version is left for a newer worker, which takes about this long to be deployed beside this one. */
const UNKNOWN_VERSION_DELAY_SECONDS = 60;
/**
 * What SQS calls a receipt that is no longer current, by API version and by whether the message still exists. All numbers we send are
 * clamped to SQS's ranges, so an invalid value can only be the receipt (or the 12 hours that one message may be held, which are over).
 */
const STALE_RECEIPT = ['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue'];

/** The client brings region and credentials. */
export interface SqsJobQueueOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Told of each message that was deleted because no version of Reelay could have sent it. */
  readonly onGarbage?: (messageId: string) => void;
}

/**
 * A standard SQS queue. Seconds are rounded up to whole ones and clamped to SQS's ranges; a send delayed beyond 15 minutes comes after
 * 15 minutes, since the message only says "look". An ack with an old receipt succeeds without a word, as SQS has it. A `receive` that
 * is aborted while SQS is answering leaves its message hidden until the lease ends.
 */
export function createSqsJobQueue(options: SqsJobQueueOptions): JobQueue {
  const { client, queueUrl: QueueUrl } = options;

  return {
    async send(message, { delaySeconds = 0 } = {}) {
      const DelaySeconds = seconds(delaySeconds, MAX_DELAY_SECONDS);
      const body = messageOf(message.jobId, message.reason);
      await call(client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body), DelaySeconds })));
    },

    async receive({ leaseSeconds, waitMs, signal }) {
      const deadlineMs = performance.now() + waitMs;
      for (let leftMs = waitMs; signal?.aborted !== true; leftMs = deadlineMs - performance.now()) {
        const message = await poll(options, leaseSeconds, leftMs, signal);
        const delivery = message === undefined ? undefined : await accept(options, message);
        if (delivery !== undefined) return delivery;
        if (message === undefined && deadlineMs - performance.now() <= 0) return undefined;
      }
      return undefined;
    },

    extend: (delivery, forSeconds) => changeVisibility(options, delivery.receipt, forSeconds),
    release: (delivery, delaySeconds) => changeVisibility(options, delivery.receipt, delaySeconds),
    ack: delivery => remove(options, delivery.receipt),

    async depth() {
      const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesDelayed'] as const;
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] });
      const { Attributes } = await call(client.send(command));
      return AttributeNames.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
    },

    peek: limit => peek(options, limit),
  };
}

/**
 * Receives without hiding, which is all that SQS has to look with: each look counts as a receive, and the next one may show the same
 * messages again. So it goes on until two looks in a row show nothing new.
 */
async function peek({ client, queueUrl }: SqsJobQueueOptions, limit: number): Promise<readonly QueueMessage[]> {
  const found = new Map<string, QueueMessage | undefined>();
  const messages = () => [...found.values()].filter(message => message !== undefined);
  const mostLooks = 2 * Math.ceil(limit / MAX_BATCH) + 2;
  for (let looks = 0, idle = 0; looks < mostLooks && idle < 2 && messages().length < limit; looks++) {
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: MAX_BATCH,
      VisibilityTimeout: 0,
      // A short poll asks only some of the queue's servers. Once something was there, an empty answer need not be waited for.
      WaitTimeSeconds: found.size === 0 ? 1 : 0,
    });
    const { Messages = [] } = await call(client.send(command));
    if (Messages.length === 0 && found.size === 0) return [];
    const before = found.size;
    for (const { MessageId = '', Body = '' } of Messages) {
      const decoded = decodeBody(Body);
      found.set(MessageId, typeof decoded === 'string' ? undefined : decoded);
    }
    idle = found.size === before ? idle + 1 : 0;
  }
  return messages().slice(0, limit);
}

/** One long poll for one message; undefined when none came or it was aborted. */
async function poll(
  { client, queueUrl }: SqsJobQueueOptions,
  leaseSeconds: number,
  waitMs: number,
  signal?: StopSignal,
): Promise<Message | undefined> {
  const command = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: 1,
    VisibilityTimeout: seconds(leaseSeconds, MAX_VISIBILITY_SECONDS),
    WaitTimeSeconds: seconds(waitMs / 1000, MAX_WAIT_SECONDS),
    MessageSystemAttributeNames: ['ApproximateReceiveCount'],
  });
  // The SDK wants the platform's own signal.
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const { Messages } = await client.send(command, { abortSignal: controller.signal });
    return Messages?.[0];
  } catch (error) {
    if (controller.signal.aborted) return undefined;
    throw fromAws(error, 'The queue');
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** The delivery; or undefined for a message that is not for us, which is then out of the way: deleted, or hidden for a while. */
async function accept(options: SqsJobQueueOptions, message: Message): Promise<Delivery | undefined> {
  const receipt = message.ReceiptHandle ?? '';
  const decoded = decodeBody(message.Body ?? '');
  if (decoded === 'unknown version') {
    await changeVisibility(options, receipt, UNKNOWN_VERSION_DELAY_SECONDS).catch(ignoreLeaseLost);
    return undefined;
  }
  if (decoded === 'garbage') {
    await remove(options, receipt).catch(ignoreLeaseLost);
    options.onGarbage?.(message.MessageId ?? '');
    return undefined;
  }
  return { message: decoded, receipt, receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1) };
}

async function changeVisibility(
  { client, queueUrl }: SqsJobQueueOptions,
  ReceiptHandle: string,
  forSeconds: number,
): Promise<void> {
  const VisibilityTimeout = seconds(forSeconds, MAX_VISIBILITY_SECONDS);
  const command = new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout });
  await callHeld(client.send(command));
}

async function remove({ client, queueUrl }: SqsJobQueueOptions, ReceiptHandle: string): Promise<void> {
  await callHeld(client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle })));
}

async function call<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    throw fromAws(error, 'The queue');
  }
}

/** The same for a call that names a receipt. */
async function callHeld(sent: Promise<unknown>): Promise<void> {
  try {
    await sent;
  } catch (error) {
    if (isAwsError(error, ...STALE_RECEIPT))
      throw new ReelayError('lease_lost', 'The message is no longer held: its receipt is not current.', {
        cause: error,
      });
    throw fromAws(error, 'The queue');
  }
}

function ignoreLeaseLost(error: unknown): void {
  if (!(error instanceof ReelayError && error.code === 'lease_lost')) throw error;
}

function seconds(value: number, max: number): number {
  return Math.min(max, Math.max(0, Math.ceil(value)));
}
