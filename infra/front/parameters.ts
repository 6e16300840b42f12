import type { StackPlan } from './cloud-assembly.ts';

/** The environment variable that brings a stack's parameter: WorkerImage is REELAY_WORKER_IMAGE. */
export function variableOf(parameter: string): string {
  return `REELAY_${parameter.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}`;
}

/** Values for a stack's parameters. Throws naming the variable of each that has no default and is not set. */
export function parametersFrom(
  { id, requiredParameters, optionalParameters }: Pick<StackPlan, 'id' | 'requiredParameters' | 'optionalParameters'>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const isSet = (name: string) => (env[variableOf(name)] ?? '') !== '';
  const missing = requiredParameters.filter(name => !isSet(name));
  if (missing.length > 0)
    throw new Error(
      missing
        .map(name => `${id} needs its parameter ${name}: set the environment variable ${variableOf(name)}.`)
        .join('\n'),
    );
  const given = [...requiredParameters, ...optionalParameters].filter(isSet);
  return Object.fromEntries(given.map(name => [name, env[variableOf(name)] ?? '']));
}
