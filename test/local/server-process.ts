import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '..', '..', 'cli', 'main.ts');

export interface ServerProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything it printed so far. */
  readonly output: () => string;
  /** SIGKILL to it and to every process it started. */
  killAll(): Promise<void>;
  /** SIGTERM, then its exit code. */
  stop(): Promise<number | null>;
}

/** `reelay <args>` as a process group of its own, on a port of the system's choice. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

export async function startServer(dataFolder: string, words: readonly string[] = []): Promise<ServerProcess> {
  const child = runCli(['start', ...words], { REELAY_DATA: dataFolder });
  let output = '';
  const exited = new Promise<number | null>(done => child.once('exit', code => done(code)));
  const url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      const match = /^ready (http:\S+)$/m.exec(output);
      if (match !== null) found(match[1]!);
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.once('exit', code => failed(new Error(`the server ended with ${code}: ${output}`)));
  });
  return {
    url,
    process: child,
    output: () => output,
    killAll: async () => {
      process.kill(-child.pid!, 'SIGKILL');
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function cli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliResult> {
  const child = runCli(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr!.on('data', chunk => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>(done => child.once('close', done));
  return { code, stdout, stderr };
}

export const MODELS = join(MAIN, '..', '..', 'models');
