/**
 * What calls cost: us-east-1, as the design's price list has it (unsure, November 2026). DynamoDB bills units and not calls: a record and
 * an index item of ours are below 1 KB a write and 4 KB a strongly consistent read, so a call is taken as one unit, a write as one more for
 * each index that it moves the item in. S3 and EventBridge are their list prices of a request.
 */
const DOLLARS_PER_MILLION: Readonly<Record<string, number>> = {
  'dynamodb:GetItem': 0.125,
  'dynamodb:BatchGetItem': 0.125,
  'dynamodb:Query': 0.125,
  'dynamodb:PutItem': 0.625,
  'dynamodb:UpdateItem': 0.625,
  'dynamodb:DeleteItem': 0.625,
  'sqs:SendMessage': 0.4,
  'sqs:ReceiveMessage': 0.4,
  'sqs:DeleteMessage': 0.4,
  'sqs:ChangeMessageVisibility': 0.4,
  'events:PutEvents': 1,
  's3:PutObject': 5,
  's3:HeadObject': 0.4,
  's3:GetObject': 0.4,
};
/** Indexes that a job's record enters or leaves with each of its writes, on average: byTenant, byOutbox, byRank, byLease, byRemoval. */
const INDEX_WRITES = 2;

/** Dollars of a million such jobs. Throws for an operation that has no price here. */
export function dollarsPerMillion(calls: Readonly<Record<string, number>>, jobs: number): number {
  return Object.entries(calls).reduce((sum, [name, count]) => {
    const price = DOLLARS_PER_MILLION[name];
    if (price === undefined) throw new Error(`${name} has no price`);
    const units = name === 'dynamodb:PutItem' ? 1 + INDEX_WRITES : 1;
    return sum + (price * units * count) / jobs;
  }, 0);
}
