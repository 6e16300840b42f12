/// <reference path="../../.sst/platform/config.d.ts" />
import { relative } from 'node:path';
import { apiRoutes, type FunctionSpec, functions } from '#infra/functions.ts';
import { type Account, liveEnvironment, liveFunction, livePermissions } from './live-plan.ts';

/**
 * The functions of infra/functions.ts once more, run on this machine by `sst dev` while it runs, with the deployed queue, table and
 * bucket. Those that HTTP calls get an API of their own; schedules and queues go on calling the deployed ones. `bundles` is where the CDK
 * app has put what it bundled, model cards among it. Gives the API's URL.
 */
export function liveFunctions(outputs: Record<string, $util.Output<string>>, bundles: string) {
  const account: $util.Output<Account> = $resolve([
    aws.getPartitionOutput().partition,
    aws.getRegionOutput().region,
    aws.getCallerIdentityOutput().accountId,
  ]).apply(([partition, region, accountId]) => ({ partition, region, accountId }));
  const api = new sst.aws.ApiGatewayV2('ReelayLiveDoor');
  for (const [name, spec] of Object.entries<FunctionSpec>(functions)) {
    if (spec.stack !== 'core') continue; // the autoscaler moves a real fleet: one controller only
    const live = liveFunction(spec);
    const made = new sst.aws.Function(`ReelayLive${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
      handler: live.handler,
      description: live.description,
      memory: live.memory,
      timeout: live.timeout,
      runtime: 'nodejs24.x',
      architecture: 'arm64',
      environment: $resolve(outputs).apply(values => liveEnvironment(spec, values)),
      copyFiles: ['models.json', 'prices.json', 'policies.json'].map(name => ({
        from: relative($cli.paths.root, `${bundles}/functions-lambda-ts/${name}`),
        to: `functions/${name}`,
      })),
      permissions: $resolve({ outputs, account }).apply(all => livePermissions(spec, all.outputs, all.account)),
    });
    if (spec.triggers.some(trigger => trigger.kind === 'http'))
      for (const route of apiRoutes) api.route(route, made.arn);
  }
  return { LiveApiUrl: api.url };
}
