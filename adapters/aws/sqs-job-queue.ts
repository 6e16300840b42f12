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

/** Limits of SQS: long poll, delay of a send, visibility. */
const MAX_WAIT_SECONDS = 20;
const MAX_DELAY_SECONDS = 900;
const MAX_VISIBILITY_SECONDS = 43_200;
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
      const body: QueueMessage = { v: 1, jobId: message.jobId };
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
  };
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
  const decoded = decode(message.Body ?? '');
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

/** What a body says. A message of another version than 1 is a newer worker's business; without a version it is nobody's. */
function decode(body: string): QueueMessage | 'unknown version' | 'garbage' {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'garbage';
  }
  if (typeof value !== 'object' || value === null || !('v' in value) || !Number.isInteger(value.v)) return 'garbage';
  if (value.v !== 1) return 'unknown version';
  return 'jobId' in value && typeof value.jobId === 'string' ? { v: 1, jobId: value.jobId } : 'garbage';
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
