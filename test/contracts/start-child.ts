import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Child {
  readonly pid: number;
  /** What it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed so many lines; throws when it ends before. */
  printed(count: number): Promise<void>;
  /** The JSON of its last line, after its end. Throws when it failed. */
  result(): Promise<unknown>;
  /** SIGKILL: it gets no chance to clean up. Resolves when it is gone. */
  kill(): Promise<void>;
}

const script = fileURLToPath(new URL('local-child.ts', import.meta.url));

/** Runs a verb of local-child.ts in a process of its own, which does not outlive the test that starts it. */
export function startChild(verb: string, ...args: readonly string[]): Child {
  const child = spawn(process.execPath, [script, verb, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  output.on('line', line => lines.push(line));
  const closed = once(output, 'close');
  const ended = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    lines,
    async printed(count) {
      while (lines.length < count) {
        const next = await Promise.race([once(output, 'line'), closed.then(() => undefined)]);
        if (next === undefined && lines.length < count) throw new Error(`${verb} ended after ${lines.length} lines.`);
      }
    },
    async result() {
      await Promise.all([ended, closed]);
      if (child.exitCode !== 0) throw new Error(`${verb} ended with ${child.exitCode ?? child.signalCode}.`);
      return JSON.parse(lines.at(-1) ?? '');
    },
    async kill() {
      child.kill('SIGKILL');
      await Promise.all([ended, closed]);
    },
  };
}
