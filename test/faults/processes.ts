/** Processes of our own, each the leader of a group, so that a kill takes a worker and its render child at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerSetup, WorkerSetup } from './worker-setup.ts';

export interface OwnProcess {
  readonly pid: number;
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  alive(): boolean;
  /** To the process and all it started; again after its end is fine. */
  signalGroup(signal: NodeJS.Signals): void;
  /** To the process alone. */
  signal(signal: NodeJS.Signals): void;
  /** Whether anything of its group still runs, be it without its leader. */
  groupAlive(): boolean;
  /** Everything it printed so far. */
  output(): string;
  /** Resolves once it printed a line like this; rejects when it ends without. */
  said(line: RegExp): Promise<string>;
}

const alive = new Set<ChildProcess>();

/** Kills what was started here and still runs; nothing else is touched. Resolves when it is gone. */
export async function killOwn(): Promise<void> {
  const exits = [...alive].map(child => new Promise(done => child.once('exit', done)));
  for (const child of alive) signalTo(-child.pid!, 'SIGKILL');
  await Promise.all(exits);
}
// Ctrl-C, an error, a time limit: all that follows the first await is too late then, and not needed.
process.once('exit', () => void killOwn());
// Should this process be killed without a last word, the end of their standard input tells the children.

/** Runs a script of this folder; its one argument is JSON. */
export function startScript(name: string, setup: unknown): OwnProcess {
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, name), JSON.stringify(setup)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  alive.add(child);
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  child.stdin.on('error', () => undefined);
  const exited = new Promise<number | NodeJS.Signals>(done =>
    child.once('exit', (code, signal) => {
      alive.delete(child);
      done(code ?? signal!);
    }),
  );
  return {
    pid: child.pid!,
    exited,
    alive: () => alive.has(child),
    signalGroup: signal => void (alive.has(child) && signalTo(-child.pid!, signal)),
    signal: signal => void (alive.has(child) && signalTo(child.pid!, signal)),
    groupAlive: () => isGroupAlive(child.pid!),
    output: () => output,
    said: line =>
      new Promise((found, failed) => {
        const look = () => {
          const match = line.exec(output);
          if (match === null) return;
          listeners.delete(look);
          found(match[1] ?? match[0]);
        };
        listeners.add(look);
        look();
        exited.then(how => failed(new Error(`${name} ended (${how}) before it said ${line}: ${output.slice(-2_000)}`)));
      }),
  };
}

/** false: there is nothing that could hear it. */
function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Not by a signal where /proc tells more: dead processes that nobody reaps, as in some containers, still take one. */
function isGroupAlive(group: number): boolean {
  if (!existsSync('/proc/self/stat')) return signalTo(-group, 0);
  return readdirSync('/proc').some(name => {
    if (!/^\d+$/.test(name)) return false;
    const [state, , itsGroup] = statOf(name);
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  });
}

/** State, parent, group; the name before them may hold anything, so it is cut off at its closing bracket. */
function statOf(pid: string): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // it has just ended
  }
}

/** A worker; it has opened its data folder and receives once it `said(/^working/m)`. */
export function startWorker(setup: WorkerSetup): OwnProcess {
  return startScript('worker-process.ts', setup);
}

/** A server with its worker; it listens once it `said(/^listening (\S+)/m)`. */
export function startServer(setup: ServerSetup): OwnProcess {
  return startScript('serve-process.ts', setup);
}

/** SIGTERM to all, and SIGKILL to whoever is there after so long. */
export async function stopAll(processes: readonly OwnProcess[], withinMs = 15_000): Promise<void> {
  for (const process of processes) {
    process.signalGroup('SIGCONT'); // one that was stopped hears nothing else
    process.signal('SIGTERM');
  }
  const late = setTimeout(() => {
    for (const process of processes) process.signalGroup('SIGKILL');
  }, withinMs);
  await Promise.all(processes.map(process => process.exited));
  clearTimeout(late);
}
