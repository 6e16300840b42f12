/** @file Counts every request that AWS SDK clients put on the wire, repetitions among them. */

/** What has a middleware stack: every client of the SDK. */
interface Countable {
  readonly middlewareStack: { add(middleware: any, options: any): void };
}

/** Requests by service and operation, such as `dynamodb:GetItem`. */
export type Calls = Readonly<Record<string, number>>;

/** A running count. */
export interface CallCounter {
  /** Counts what this client sends from now on. */
  watch(service: string, client: Countable): void;
  /** All since the start, or since the last `take`. */
  take(): Calls;
}

/** Counts behind the SDK's own retries, so that a repeated request counts twice, as it is billed. */
export function createCallCounter(): CallCounter {
  const calls = new Map<string, number>();
  return {
    watch: (service, client) =>
      client.middlewareStack.add(
        (next: (args: unknown) => unknown, context: { commandName: string }) => (args: unknown) => {
          const name = `${service}:${operationOf(service, context.commandName)}`;
          calls.set(name, (calls.get(name) ?? 0) + 1);
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low', name: 'countCalls' },
      ),
    take: () => {
      const taken = Object.fromEntries([...calls].sort(([a], [b]) => (a < b ? -1 : 1)));
      calls.clear();
      return taken;
    },
  };
}

/** The document client calls GetItem Get, Query Query. */
function operationOf(service: string, command: string): string {
  const name = command.replace(/Command$/, '');
  return service === 'dynamodb' && /^(Get|Put|Update|Delete|BatchGet)$/.test(name) ? `${name}Item` : name;
}

/** Sum of all, or of those that `counts`. */
export function total(calls: Calls, counts: (name: string) => boolean = () => true): number {
  return Object.entries(calls).reduce((sum, [name, count]) => sum + (counts(name) ? count : 0), 0);
}
