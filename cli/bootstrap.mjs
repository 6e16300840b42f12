#!/usr/bin/env node
// Plain JavaScript for whatever Node the system has (18 or newer): sets the checkout up once, then hands over to the pinned Node.
//
//   bootstrap.mjs <command …>             runs cli/main.ts
//   bootstrap.mjs --exec <script> <args>  runs a script of the checkout, such as the test runner
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.reelay-setup');
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const lock = join(root, '.reelay-setup.lock');
const LOCK_STALE_MS = 15 * 60_000;

function wanted() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isSetUp() {
  if (!existsSync(pinned)) return false;
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted();
  // Someone ran npm by hand: its own record of what it installed is newer than the lockfile.
  const installed = join(root, 'node_modules', '.package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** The sentences of npm's complaint, without its manual. */
function complaintOf(stderr) {
  const lines = stderr.split('\n').map(line => line.replace(/^npm (error|ERR!) ?/, '').trim());
  return lines
    .filter(line => line !== '' && !line.startsWith('npm warn'))
    .slice(0, 8)
    .map(line => `  ${line}`)
    .join('\n');
}

function fail(message) {
  process.stderr.write(`reelay: ${message}\n`);
  process.exit(1);
}

/** Two first starts at once: one installs, the other waits. */
function takeLock() {
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch {
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > LOCK_STALE_MS)
        rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
}

function install() {
  process.stderr.write('reelay: first start, installing dependencies with npm (about a minute) …\n');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const viaNode = npm !== undefined && /\.[cm]?js$/.test(npm);
  const result = viaNode
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
    : spawnSync('npm', args, {
        cwd: root,
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
        shell: process.platform === 'win32',
      });
  if (result.error?.code === 'ENOENT') fail('npm was not found; it comes with Node.js 20 or newer.');
  if (result.status !== 0) {
    const said = result.stderr ?? '';
    const offline =
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|network/i.test(
        said,
      );
    fail(
      offline
        ? `the npm registry could not be reached. The first start needs it once, to install the dependencies; later starts need no network. npm said:\n${complaintOf(said)}`
        : `npm ci failed. It said:\n${complaintOf(said)}`,
    );
  }
  if (!existsSync(pinned) || spawnSync(pinned, ['--version']).status !== 0)
    fail(
      'the pinned Node 24 was not installed: it comes by an install script of the npm package "node", and npm was told to ignore scripts. Set ignore-scripts=false and start again.',
    );
  writeFileSync(stamp, wanted());
}

if (Number(process.versions.node.split('.')[0]) < 18)
  fail(`Node ${process.versions.node} is too old; Node.js 20 or newer is needed.`);
if (!isSetUp()) {
  takeLock();
  try {
    if (!isSetUp()) install();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
const isScript = first === '--exec';
const args = isScript
  ? [join(root, rest[0] ?? ''), ...rest.slice(1)]
  : [join(root, 'cli', 'main.ts'), ...process.argv.slice(2)];
// The IPC channel carries nothing: its end tells the program that this process is gone, however it went.
const child = spawn(pinned, ['--disable-warning=ExperimentalWarning', ...args], {
  cwd: isScript ? root : process.cwd(),
  stdio: isScript ? 'inherit' : ['inherit', 'inherit', 'inherit', 'ipc'],
});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// A terminal sends Ctrl-C to the whole group, so the child has it already; anyone else sends it to us alone.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
child.on('exit', (code, signal) =>
  process.exit(
    signal === null ? code : 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15, SIGSEGV: 11, SIGABRT: 6 }[signal] ?? 1),
  ),
);
// `npm start` killed with -9 leaves us behind, and the shell that npm put between us: without npm nobody can stop us, so go as well.
if (process.env.npm_lifecycle_event !== undefined) {
  const before = ancestors();
  setInterval(() => ancestors() !== before && process.exit(1), 500).unref();
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
