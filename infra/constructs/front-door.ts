import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  type HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { cloudLimits } from '../cloud-limits.ts';
import { acknowledge } from './acknowledge.ts';

/** The function behind it and the routes it answers. */
export interface FrontDoorProps {
  readonly handler: IFunction;
  readonly routes: readonly string[];
  readonly logDays: number;
}

/** Route and outcome of a request. No path, no query, no address: ids, signatures and people stay out of the log. */
const LOG_FIELDS = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  integrationError: '$context.integrationErrorMessage',
};

/** The HTTP API: one integration, one route for each of the table, one stage that is throttled and logged. */
export class FrontDoor extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;

  constructor(scope: Construct, id: string, { handler, routes, logDays }: FrontDoorProps) {
    super(scope, id);
    acknowledge(this, {
      APIG4:
        'The function itself knows the caller by the hash of a key, compared in constant time; /health is open to all.',
    });
    this.api = new HttpApi(this, 'Api', { createDefaultStage: false });
    const integration = new HttpLambdaIntegration('Handler', handler, { scopePermissionToRoute: false });
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      new HttpRoute(this, route.replace(/\W+/g, '-'), {
        httpApi: this.api,
        routeKey: HttpRouteKey.with(path, method as HttpMethod),
        integration,
      });
    }
    const log = new LogGroup(this, 'AccessLog', {
      retention: logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: cloudLimits.apiRequestsPerSecond, burstLimit: cloudLimits.apiBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(log),
        format: AccessLogFormat.custom(JSON.stringify(LOG_FIELDS)),
      },
    });
  }
}
