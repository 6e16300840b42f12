import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** CPU time over a span, in cores. */
export interface CpuShares {
  readonly server: number;
  readonly generator: number;
  /** All else that ran on the machine: without it no latency of a shared machine means anything. */
  readonly others: number;
}

/** A server process under load. */
export interface LoadedServer {
  readonly port: number;
  /** Begins a span; the function it gives ends it. */
  measure(): Promise<() => Promise<{ cpu: CpuShares; serverMegabytes: number }>>;
  close(): Promise<void>;
}

/** Starts test/bench/load-server.ts. REELAY_LOAD_SERVER_ARGS are arguments for its node: `--cpu-prof --cpu-prof-dir=DIR`, say. */
export async function startLoadedServer(folder: string, maxQueuedJobs: number): Promise<LoadedServer> {
  const asked = (process.env.REELAY_LOAD_SERVER_ARGS ?? '').split(' ').filter(Boolean);
  const child = fork(join(import.meta.dirname, 'load-server.ts'), [folder, String(maxQueuedJobs)], {
    execArgv: ['--disable-warning=ExperimentalWarning', ...asked],
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', code => reject(new Error(`the server ended with ${code}`)));
  });
  ended.catch(() => undefined);
  const nextMessage = () => Promise.race([ended, new Promise<any>(resolve => child.once('message', resolve))]);
  const { url } = await nextMessage();
  const usage = async () => {
    const told = nextMessage();
    child.send('usage');
    const { cpu, rss } = await told;
    const machine = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq);
    return {
      atMs: performance.now(),
      serverMs: (cpu.user + cpu.system) / 1000,
      generatorMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
      machineMs: machine.reduce((sum, ms) => sum + ms, 0),
      serverMegabytes: Math.round(rss / 1e6),
    };
  };
  return {
    port: Number(new URL(url).port),
    async measure() {
      const before = await usage();
      return async () => {
        const { serverMegabytes, ...after } = await usage();
        const share = (name: 'serverMs' | 'generatorMs' | 'machineMs') =>
          (after[name] - before[name]) / (after.atMs - before.atMs);
        const [server, generator] = [share('serverMs'), share('generatorMs')];
        return {
          cpu: { server, generator, others: Math.max(0, share('machineMs') - server - generator) },
          serverMegabytes,
        };
      };
    },
    close: () =>
      new Promise<void>(resolve => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}
