/**
 * @file Whether the resources of a deployment are there, reached and permitted, asked by calls that change nothing: each needs a right
 * that a worker has anyway, and fails for another reason once it has it.
 */
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { limits } from '#core/limits.ts';
import { isAwsError } from './aws-error.ts';

/** What a probe found: undefined, or a sentence without the setting's name. `serverDate` is AWS's clock, where it answered. */
export interface Probed {
  readonly why: string | undefined;
  readonly serverDate: Date | undefined;
}

/** What SQS calls a receipt that no message has. */
const NO_SUCH_RECEIPT = ['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue'];
const DENIED = [
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'NotAuthorized',
  'KMS.AccessDeniedException',
];
const BAD_KEYS = [
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'InvalidAccessKeyId',
  'MissingAuthenticationToken',
];
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired'];
const SKEWED = ['RequestTimeTooSkewed', 'RequestInTheFuture'];
const MISSING = [
  'QueueDoesNotExist',
  'ResourceNotFoundException',
  'NoSuchBucket',
  'AWS.SimpleQueueService.NonExistentQueue',
];

/** A queue that this worker is to take messages from. */
export async function probeQueue(queueUrl: string, client = new SQSClient()): Promise<Probed> {
  const command = new ChangeMessageVisibilityCommand({
    QueueUrl: queueUrl,
    ReceiptHandle: 'preflight',
    VisibilityTimeout: 0,
  });
  return probe(client, () => client.send(command, timed()), NO_SUCH_RECEIPT, 'sqs:ChangeMessageVisibility');
}

/** A table that this worker is to write to: a write whose condition no item meets. */
export async function probeTable(table: string, client = new DynamoDBClient()): Promise<Probed> {
  const command = new UpdateItemCommand({
    TableName: table,
    Key: { id: { S: 'preflight' } },
    UpdateExpression: 'SET preflight = :it',
    ConditionExpression: 'attribute_exists(preflight)',
    ExpressionAttributeValues: { ':it': { S: 'preflight' } },
  });
  const refused = ['ConditionalCheckFailedException'];
  return probe(client, () => client.send(command, timed()), refused, 'dynamodb:UpdateItem');
}

/** A bucket that this worker is to read `key` from; a missing key is an answer too unless it `mustExist`. */
export async function probeBucket(
  bucket: string,
  key: string,
  mustExist = false,
  client = new S3Client(),
): Promise<Probed> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: 'bytes=0-0' });
  const fine = mustExist ? [] : ['NoSuchKey', 'NotFound', 'InvalidRange'];
  return probe(client, () => client.send(command, timed()), fine, 's3:GetObject and s3:ListBucket');
}

const timed = () => ({ abortSignal: AbortSignal.timeout(limits.preflightMs) });

async function probe(
  client: SQSClient | DynamoDBClient | S3Client,
  call: () => Promise<unknown>,
  fine: readonly string[],
  right: string,
): Promise<Probed> {
  let serverDate: Date | undefined;
  const note = (response: unknown) => {
    const date = (response as { headers?: Record<string, string> }).headers?.date;
    if (date !== undefined) serverDate = new Date(date);
  };
  // Innermost of its step: it sees answers that are errors too, before they are thrown.
  // biome-ignore lint/suspicious/noExplicitAny: the three clients' stacks differ in types only
  (client.middlewareStack as any).add(
    (next: (args: unknown) => Promise<{ response: unknown }>) => async (args: unknown) => {
      const result = await next(args);
      note(result.response);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'noteServerDate' },
  );
  try {
    await call();
    return { why: undefined, serverDate };
  } catch (error) {
    return { why: isAwsError(error, ...fine) ? undefined : whyNot(error, right), serverDate };
  } finally {
    client.destroy();
  }
}

/** An error of an AWS call as what a person can do about it. */
export function whyNot(error: unknown, right: string): string {
  const name = error instanceof Error ? error.name : '';
  const { code = '', $metadata } = error as { code?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (SKEWED.includes(name)) return 'AWS refuses requests from this clock; set it by NTP';
  if (BAD_KEYS.includes(name)) return `AWS does not know these credentials (${name})`;
  if (EXPIRED.includes(name))
    return `the credentials are too old (${name}); a credential_process brings new ones by itself`;
  if (name === 'NoSuchKey') return 'the object is not there';
  if (MISSING.includes(name)) return `it does not exist in this region and account (${name})`;
  if (DENIED.includes(name) || status === 403) return `the credentials may not use it; their role needs ${right} on it`;
  if (status === 301 || name === 'PermanentRedirect') return 'it is in another region';
  if (['TimeoutError', 'AbortError'].includes(name))
    return `no answer within ${limits.preflightMs / 1000} seconds; HTTPS to AWS must be let out`;
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return `the certificate on the way is not trusted (${code}); a proxy that inspects TLS needs its CA in NODE_EXTRA_CA_CERTS`;
  if (/^E[A-Z_]+$/.test(code)) return `it cannot be reached (${code}); HTTPS to AWS must be let out`;
  return `AWS did not answer as it should (${name || 'unknown error'}${status === undefined ? '' : `, ${status}`})`;
}
