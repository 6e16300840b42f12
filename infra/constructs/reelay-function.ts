import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { FunctionSpec } from '#infra/functions.ts';
import { type GrantTargets, giveGrants } from './grants.ts';

/** What a function is made with beside its own table. */
export interface ReelayFunctionProps {
  readonly spec: FunctionSpec;
  readonly code: Code;
  /** Values of every environment variable that a table may name; a name without a value is a mistake of ours. */
  readonly environment: Readonly<Record<string, string>>;
  readonly targets: GrantTargets;
  readonly logDays: number;
  readonly reservedConcurrency?: number;
}

/** A function of the table in infra/functions.ts, with a log group and a role of its own that may do what its grants say. */
export function createFunction(scope: Construct, id: string, props: ReelayFunctionProps): LambdaFunction {
  const { spec, code, environment, targets, logDays, reservedConcurrency } = props;
  const logGroup = new LogGroup(scope, `${id}Log`, {
    retention: logDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  // Not the managed policy for basic execution: it lets a function write to every log group of the account.
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  const made = new LambdaFunction(scope, id, {
    description: spec.description,
    code,
    handler: `index.${spec.export}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: spec.memoryMiB,
    timeout: Duration.seconds(spec.timeoutSeconds),
    environment: pick(environment, spec.env),
    logGroup,
    role,
    // Whoever calls without waiting is the schedule, and its next minute makes up for this one: Lambda's own two retries would run beside it,
    // and calls that find no run free would wait for six hours.
    ...(spec.triggers.some(({ kind }) => kind === 'schedule')
      ? { retryAttempts: 0, maxEventAge: Duration.minutes(1) }
      : {}),
    ...(reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
  });
  giveGrants(statement => role.addToPolicy(statement), spec.grants, targets);
  return made;
}

function pick(from: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map(name => {
      const value = from[name];
      if (value === undefined) throw new Error(`infra/functions.ts names ${name}, and its stack has no value for it`);
      return [name, value];
    }),
  );
}
