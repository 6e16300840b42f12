import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An AWS emulator that runs as a process of this machine. */
export interface MiniStack {
  readonly endpoint: string;
  readonly logPath: string;
  /** What every client and every process of ours needs to talk to it and to nothing else. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const START_MS = 60_000;
const END_MS = 10_000;

/** Starts `ministack` of a virtual environment on 127.0.0.1, on a free port; its own further listeners are switched off. */
export async function startMiniStack(venv: string, folder: string): Promise<MiniStack> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const aws = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const logPath = join(folder, 'ministack.log');
  const log = createWriteStream(logPath);
  const child = spawn(join(venv, 'bin', 'ministack'), [], {
    cwd: folder,
    // Lambdas are child processes of `node`: the pinned one must be the first on the path.
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      TMPDIR: folder,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
      ...aws,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  try {
    await answers(child, `${endpoint}/_ministack/health`);
  } catch (error) {
    await end(child);
    throw error;
  }
  return { endpoint, logPath, env: aws, close: () => end(child) };
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(child: ChildProcess, url: string): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`MiniStack ended with ${child.exitCode} while it started`);
    const ok = await fetch(url).then(
      response => response.ok,
      () => false,
    );
    if (ok) return;
    await sleep(100);
  }
  throw new Error(`MiniStack did not answer within ${START_MS / 1000} s`);
}

/** Its group: the Lambdas are its children. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const gone = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      return; // nobody of the group is left
    }
    await Promise.race([gone, sleep(END_MS)]);
  }
}
