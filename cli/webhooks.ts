import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { webhookEventTypes } from '#core/events.ts';
import { type LoggedDelivery, listDeliveries, listUrlDeliveries, replayDelivery } from '#core/webhooks/delivery-log.ts';
import type { WebhookEndpoint } from '#core/webhooks/endpoint.ts';
import { readEndpoints, testEndpoint } from '#core/webhooks/endpoints.ts';
import type { WebhookPorts } from '#core/webhooks/ports.ts';
import { toDelivery, toEndpoint } from '#functions/webhook-wire.ts';
import { LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

/** `reelay webhooks`: who is told of videos, what came of it, and telling again. */
export function webhooksCommand(): Command {
  const webhooks = new Command('webhooks').description(
    'webhook endpoints and deliveries (REELAY_DATA, default .reelay)',
  );
  webhooks
    .command('list')
    .description('the endpoints; they are made over the API')
    .option('--json', 'one JSON object a line')
    .action(async (options: { json?: boolean }) => list(options.json === true));
  webhooks
    .command('log')
    .description("an endpoint's deliveries, newest first; without an id those to the URLs that jobs brought along")
    .argument('[endpoint]', 'whe_…')
    .option('--limit <n>', 'at most so many', '20')
    .option('--json', 'one JSON object a line')
    .action(async (endpoint: string | undefined, options: { limit: string; json?: boolean }) => log(endpoint, options));
  webhooks
    .command('replay')
    .description('send a delivery again, with all its tries; the server or worker of the data folder does it')
    .argument('<delivery>', 'its id, as the log shows it')
    .action(async (delivery: string) => replay(delivery));
  webhooks
    .command('test')
    .description('send a made-up event to an endpoint now; exit 1 unless it answers with 2xx')
    .argument('<endpoint>', 'whe_…')
    .option('--event <type>', webhookEventTypes.join(', '), 'video.completed')
    .action(async (endpoint: string, options: { event: string }) => test(endpoint, options.event));
  return webhooks;
}

async function list(json: boolean): Promise<void> {
  const endpoints = await withWebhooks(ports => readEndpoints(ports, LOCAL_TENANT));
  for (const endpoint of endpoints)
    process.stdout.write(`${json ? JSON.stringify(toEndpoint(endpoint)) : endpointLine(endpoint)}\n`);
  if (endpoints.length === 0 && !json) process.stdout.write('no webhook endpoints\n');
}

function endpointLine({ id, name, url, eventTypes, disabled }: WebhookEndpoint): string {
  const state =
    disabled === null ? 'enabled' : `disabled (${disabled.reason}, ${new Date(disabled.atMs).toISOString()})`;
  return [id, state, name, url, eventTypes.join(',')].join('  ');
}

async function log(endpoint: string | undefined, options: { limit: string; json?: boolean }): Promise<void> {
  if (!/^[1-9]\d{0,3}$/.test(options.limit))
    throw new ReelayError('invalid_request', `--limit: got "${options.limit.slice(0, 20)}"; 1 to 9999 is allowed.`);
  const limit = Number(options.limit);
  const deliveries = await withWebhooks(async ports =>
    endpoint === undefined
      ? listUrlDeliveries(ports, LOCAL_TENANT, limit)
      : (await listDeliveries(ports, LOCAL_TENANT, endpoint, { limit })).deliveries,
  );
  for (const delivery of deliveries)
    process.stdout.write(`${options.json === true ? JSON.stringify(toDelivery(delivery)) : deliveryLine(delivery)}\n`);
  if (deliveries.length === 0 && options.json !== true) process.stdout.write('no deliveries\n');
}

function deliveryLine(delivery: LoggedDelivery): string {
  const last = delivery.log.at(-1);
  const said = last === undefined ? 'not tried' : `${last.status ?? last.error} after ${last.ms} ms`;
  const next = delivery.nextTryAtMs === null ? '' : `, next ${new Date(delivery.nextTryAtMs).toISOString()}`;
  const state = delivery.reason === null ? delivery.state : `${delivery.state} (${delivery.reason})`;
  return `${delivery.id}  ${delivery.eventType}  ${state}  ${delivery.tries} tries, ${said}${next}`;
}

async function replay(id: string): Promise<void> {
  const delivery = await withWebhooks(ports => replayDelivery(ports, LOCAL_TENANT, id));
  process.stdout.write(`${delivery.id}  due now\n`);
}

async function test(id: string, type: string): Promise<void> {
  const { status } = await withWebhooks(ports => testEndpoint(ports, LOCAL_TENANT, id, { event_type: type }));
  process.stdout.write(`${id} answered ${status}\n`);
  if (status < 200 || status > 299) process.exitCode = 1;
}

async function withWebhooks<T>(work: (ports: WebhookPorts) => Promise<T>): Promise<T> {
  const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
  try {
    return await work(embedded.deps.webhooks);
  } finally {
    await embedded.close();
  }
}
