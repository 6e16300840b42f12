#!/usr/bin/env node
// Plain JavaScript for whatever Node the system has (18 or newer): sets the checkout up once, then hands over to the pinned Node.
//
//   bootstrap.mjs <command …>             runs cli/main.ts
//   bootstrap.mjs --exec <script> <args>  runs a script of the checkout, such as the test runner
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.reelay-setup');
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const lock = join(root, '.reelay-setup.lock');
const holder = join(lock, 'pid');
const LOOK_EVERY_MS = 250;
/** What the program may take to give its job back once npm is gone. */
const ORPHAN_DRAIN_MS = 10_000;
/** The holder touches its lock this often; one left alone for longer than the second has no living holder, whatever its pid. */
const TOUCH_EVERY_MS = 2_000;
const ABANDONED_MS = 15_000;

/** A sentence for the person at the terminal; anything else that is thrown is our own mistake. */
class Complaint extends Error {}

function wanted() {
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lockfile).digest('hex');
}

function isSetUp() {
  if (!existsSync(pinned)) return false;
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted();
  // Someone ran npm by hand: its own record of what it installed is newer than the lockfile.
  const installed = join(root, 'node_modules', '.package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** Two first starts at once: one installs, the other waits; a holder that died is succeeded at once. */
async function takeLock() {
  for (let told = false; ; ) {
    try {
      mkdirSync(lock);
      writeFileSync(holder, String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new Complaint(
          `${root} cannot be written (${error.code}), and the first start installs dependencies there.`,
        );
    }
    if (isAbandoned()) clearAbandoned();
    else {
      if (!told) process.stderr.write('reelay: another start is installing the dependencies, waiting for it …\n');
      told = true;
      await new Promise(done => setTimeout(done, LOOK_EVERY_MS));
      if (isSetUp()) return;
    }
  }
}

/** A pid may be reused, or belong to another container or user: a dead one settles it at once, a living one only while it touches. */
function isAbandoned() {
  try {
    if (Date.now() - statSync(holder).mtimeMs > ABANDONED_MS) return true;
    process.kill(Number(readFileSync(holder, 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    // Made this moment and not yet named, or gone this moment.
    return error.code === 'ENOENT' && existsSync(lock) && Date.now() - statSync(lock).mtimeMs > ABANDONED_MS;
  }
}

/** By a rename, which only one of several takers can win. */
function clearAbandoned() {
  const aside = `${lock}-${process.pid}`;
  try {
    renameSync(lock, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch {
    // Another taker was first.
  }
}

function releaseLock() {
  if (existsSync(holder) && readFileSync(holder, 'utf8') === String(process.pid))
    rmSync(lock, { recursive: true, force: true });
}

/** The sentences of npm's complaint, without its manual and its stack. */
function complaintOf(stderr) {
  const lines = stderr.split('\n').map(line => line.replace(/^npm (error|ERR!) ?/, '').trim());
  const said = lines.filter(line => line !== '' && !/^(npm warn|at |code |syscall |errno )/i.test(line));
  return said
    .slice(0, 6)
    .map(line => `  ${line}`)
    .join('\n');
}

async function runNpm(args) {
  const npm = process.env.npm_execpath;
  const viaNode = npm !== undefined && /\.[cm]?js$/.test(npm);
  const [command, before] = viaNode ? [process.execPath, [npm]] : ['npm', []];
  const child = spawn(command, [...before, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: !viaNode && process.platform === 'win32',
    // Older npm runs onnxruntime-node's install script, which would fetch CUDA libraries from elsewhere; the CPU needs none.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip' },
  });
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const stop = () => child.kill('SIGTERM');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop);
  return new Promise((resolve, reject) => {
    child.once('error', error =>
      reject(error.code === 'ENOENT' ? new Complaint('npm was not found; it comes with Node.js 20 or newer.') : error),
    );
    child.once('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, stop);
      resolve({ code, signal, stderr });
    });
  });
}

async function install() {
  process.stderr.write('reelay: first start, installing dependencies with npm (about a minute) …\n');
  const { code, signal, stderr } = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  if (signal !== null) throw new Complaint('the installation was stopped; start again to finish it.');
  if (code !== 0) {
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT/i;
    throw new Complaint(
      offline.test(stderr)
        ? `the npm registry could not be reached. The first start needs it once, to install the dependencies; later starts need no network. npm said:\n${complaintOf(stderr)}`
        : `npm ci failed. It said:\n${complaintOf(stderr)}`,
    );
  }
  if (!existsSync(pinned))
    throw new Complaint(
      'the pinned Node 24 was not installed: it comes by an install script of the npm package "node", and npm was told to ignore scripts. Set ignore-scripts=false and start again.',
    );
  const runs = spawnSync(pinned, ['--version'], { encoding: 'utf8' });
  if (runs.status !== 0)
    throw new Complaint(
      `the pinned Node 24 does not run on this system (${process.platform}-${process.arch}): ${runs.error?.code ?? runs.stderr.trim().split('\n')[0]}`,
    );
  writeFileSync(stamp, wanted());
}

async function setUp() {
  if (Number(process.versions.node.split('.')[0]) < 18)
    throw new Complaint(`Node ${process.versions.node} is too old; Node.js 20 or newer is needed.`);
  if (isSetUp()) return;
  await takeLock();
  const touching = setInterval(() => writeFileSync(holder, String(process.pid)), TOUCH_EVERY_MS);
  try {
    if (!isSetUp()) await install();
  } finally {
    clearInterval(touching);
    releaseLock();
  }
}

function handOver() {
  const [first, ...rest] = process.argv.slice(2);
  const isScript = first === '--exec';
  const script = isScript
    ? [join(root, rest[0] ?? ''), ...rest.slice(1)]
    : [join(root, 'cli', 'main.ts'), ...process.argv.slice(2)];
  // The IPC channel carries nothing: its end tells the program that this process is gone, however it went.
  const child = spawn(pinned, ['--disable-warning=ExperimentalWarning', ...script], {
    cwd: isScript ? root : process.cwd(),
    // Compiled code and stripped types are kept from one start to the next: half of a start's time. It goes with the packages.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.reelay-compile-cache'), ...process.env },
    stdio: isScript ? 'inherit' : ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  child.once('error', error => {
    process.stderr.write(`reelay: ${pinned} could not be started (${error.code}).\n`);
    process.exit(1);
  });
  // A terminal or a service manager may signal the whole group: the program then hears it twice, and takes the echo as the same.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const codes = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + (codes[signal] ?? 1)));
  // npm that is killed leaves us behind, and the shell it put between us: nobody could stop us any more, so stop as if we were told.
  if (process.env.npm_lifecycle_event !== undefined) {
    const before = ancestors();
    const watching = setInterval(() => {
      if (ancestors() === before) return;
      clearInterval(watching);
      child.kill('SIGTERM');
      setTimeout(() => process.exit(1), ORPHAN_DRAIN_MS).unref();
    }, LOOK_EVERY_MS);
    watching.unref();
  }
}

/** Our parent and, where /proc tells, its parent. */
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}

try {
  await setUp();
  handOver();
} catch (error) {
  process.stderr.write(`reelay: ${error instanceof Complaint ? error.message : (error.stack ?? error)}\n`);
  process.exitCode = 1;
}
