import type { SQSBatchResponse } from 'aws-lambda';
import { ingestObject, type ObjectPorts } from '#core/drop/ingest-object.ts';
import { reconcile } from '#core/drop/reconcile.ts';
import { placeOf, ReelayError } from '#core/errors.ts';
import type { Log } from './deps.ts';
import { type DropEvent, type DropTrigger, eventIn, isScheduled, isSqsEvent, pointersOf } from './drop-events.ts';

/** What the drop function needs. */
export type DropDeps = ObjectPorts & { readonly log: Log };

/** S3 events, plain or from a queue, and the schedule of the reconciler. A failed event is delivered again, a failed message alone. */
export function ingestDrop(deps: DropDeps): (event: DropTrigger) => Promise<SQSBatchResponse | undefined> {
  return async event => {
    if (isScheduled(event)) return void (await look(deps));
    if (!isSqsEvent(event)) return void (await takeIn(deps, event));
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const { messageId, body } of event.Records)
      await takeIn(deps, eventIn(body)).catch(error => {
        const code = error instanceof ReelayError ? error.code : 'internal';
        deps.log('error', 'a drop waits', { messageId, code, at: placeOf(error) });
        batchItemFailures.push({ itemIdentifier: messageId });
      });
    return { batchItemFailures };
  };
}

async function takeIn(deps: DropDeps, event: DropEvent | undefined): Promise<void> {
  for (const pointer of event === undefined ? [] : pointersOf(event)) {
    const done = await ingestObject(deps, pointer);
    if (done !== undefined) deps.log('info', 'drop', { outcome: done.outcome });
  }
}

async function look(deps: DropDeps): Promise<void> {
  const { failure, ...counts } = await reconcile(deps);
  deps.log(failure === undefined ? 'info' : 'error', 'drops reconciled', {
    ...counts,
    at: failure && placeOf(failure),
  });
}
