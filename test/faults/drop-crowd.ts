/** The hands that drop: carries a plan out against a real folder while the process that watches it is killed and started again. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '#test/simulation/prng.ts';
import { hashOf, type PlannedDrop, type PlannedFile, shownName } from './drop-plan.ts';
import { type OwnProcess, startScript } from './processes.ts';

/** A file that was dropped, as it must be found in the registry. */
export interface Dropped {
  readonly name: string;
  /** null for a file whose bytes are never read. */
  readonly sha256: string | null;
  readonly expect: PlannedFile['expect'];
  readonly content: Buffer;
  readonly atMs: number;
  /** It may have been gone before anyone could see it: someone wrote over it. */
  readonly optional: boolean;
  readonly missed: boolean;
  readonly hostile: boolean;
  readonly kind: string;
}

export interface Stage {
  readonly folder: string;
  readonly prng: Prng;
  /** Drops a second. */
  readonly rate: number;
}

/** Drops everything at the given rate; returns when the last slow writer is done. */
export async function dropAll(stage: Stage, plan: readonly PlannedDrop[], keeper: Keeper): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  const open: Promise<void>[] = [];
  const startMs = performance.now();
  for (const [at, drop] of plan.entries()) {
    const aheadMs = (at * 1000) / stage.rate - (performance.now() - startMs);
    if (aheadMs > 0) await sleep(aheadMs);
    for (const file of drop.files) open.push(dropOne(stage, drop, file, keeper, dropped));
  }
  await Promise.all(open);
  return dropped;
}

async function dropOne(
  stage: Stage,
  { kind }: PlannedDrop,
  file: PlannedFile,
  keeper: Keeper,
  dropped: Dropped[],
): Promise<void> {
  if (file.delayMs > 0) await sleep(file.delayMs);
  const note = (more: Partial<Dropped>) =>
    dropped.push({
      name: shownName(file.raw),
      sha256: hashOf(file.content),
      content: file.content,
      expect: file.expect,
      atMs: Date.now(),
      optional: false,
      missed: !keeper.hears(),
      hostile: file.hostile,
      kind,
      ...more,
    });
  const target = pathOf(stage, file.raw);
  switch (file.way) {
    case 'write':
      writeFileSync(target, file.content);
      // What is no file to be read has no hash in its row.
      return void note(['job', 'rejected'].includes(file.expect) ? {} : { sha256: null });
    case 'rename':
      renameSync(staged(stage, file.content), target);
      return void note({});
    case 'part':
      writeFileSync(Buffer.concat([target, Buffer.from('.part')]), file.content);
      await sleep(stage.prng.between(0, 1_500));
      renameSync(Buffer.concat([target, Buffer.from('.part')]), target);
      return void note({});
    case 'slow':
      return void note(await writeSlowly(stage, target, file.content));
    case 'replaced':
      return replace(stage, target, file, note);
    default:
      return void note(special(stage, file, target));
  }
}

async function writeSlowly(stage: Stage, target: Buffer, content: Buffer): Promise<Partial<Dropped>> {
  const pieces = stage.prng.between(2, 5);
  for (let piece = 0; piece < pieces; piece++) {
    const [from, to] = [piece, piece + 1].map(at => Math.floor((at * content.length) / pieces));
    appendFileSync(target, content.subarray(from, to));
    if (piece < pieces - 1) await sleep(stage.prng.between(50, 900));
  }
  return {};
}

async function replace(stage: Stage, target: Buffer, file: PlannedFile, note: (more: Partial<Dropped>) => void) {
  renameSync(staged(stage, file.content), target);
  note({ optional: true });
  await sleep(stage.prng.between(0, 400));
  const content = Buffer.concat([file.content, Buffer.from(' again')]);
  renameSync(staged(stage, content), target);
  note({ content, sha256: hashOf(content), atMs: Date.now() });
}

function special(stage: Stage, file: PlannedFile, target: Buffer): Partial<Dropped> {
  const none = { sha256: null };
  if (file.way === 'folder') {
    mkdirSync(target);
    writeFileSync(Buffer.concat([target, Buffer.from('/inner.txt')]), 'a prompt in a folder');
  }
  if (file.way === 'pipe') execFileSync('mkfifo', [target.toString()]);
  const outside = join(stage.folder, 'outside');
  if (file.way === 'link') {
    const targets = ['../out', '../in', '..', join(outside, 'canary.txt'), outside, '/etc/passwd', 'nowhere'];
    symlinkSync(stage.prng.pick(targets), target);
  }
  if (file.way === 'hard-link') linkSync(join(outside, 'canary.txt'), target);
  if (file.way !== 'copy') return none;
  const made = readdirSync(join(stage.folder, 'drop', 'out')).filter(name => !name.startsWith('.'));
  if (made.length === 0) return { optional: true };
  const from = join(stage.folder, 'drop', 'out', stage.prng.pick(made));
  const name = file.raw.toString().replace('.json', from.endsWith('.mp4') ? '.mp4' : '.json');
  copyFileSync(from, join(stage.folder, 'drop', 'in', name));
  const content = readFileSync(join(stage.folder, 'drop', 'in', name));
  return { name, content, sha256: hashOf(content) };
}

function pathOf({ folder }: Stage, raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${join(folder, 'drop', 'in')}/`), raw]);
}

let stagedFiles = 0;
function staged({ folder }: Stage, content: Buffer): string {
  const path = join(folder, 'staging', String(stagedFiles++));
  writeFileSync(path, content);
  return path;
}

/** Keeps a watching process, or for a while none: kills it at any moment and starts another, sometimes a deaf one. */
export interface Keeper {
  /** Whether someone watches and hears events now. */
  hears(): boolean;
  readonly kills: number;
  /** Everything the processes complained about. */
  troubles(): string[];
  /** No more kills; one that hears everything runs on. */
  calm(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the first one; kills come every few seconds. */
export async function keepWatching({ folder, prng }: Stage, everyMs: number): Promise<Keeper> {
  const all: OwnProcess[] = [];
  let current: OwnProcess | undefined;
  let deaf = false;
  let kills = 0;
  const calming = new AbortController();
  const start = async (watch: boolean) => {
    current = startScript('drop-process.ts', { folder, watch });
    all.push(current);
    await current.said(/^watching/m);
    deaf = !watch;
  };
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const ending = current;
    current = undefined;
    ending?.signal(signal);
    await ending?.exited;
  };
  await start(true);
  const killing = (async () => {
    while (!calming.signal.aborted) {
      await sleep(prng.between(everyMs / 2, everyMs * 1.5), undefined, { signal: calming.signal }).catch(
        () => undefined,
      );
      if (calming.signal.aborted) return;
      await end('SIGKILL');
      kills++;
      await sleep(prng.between(0, 1_500));
      await start(prng.chance(0.85));
    }
  })();
  return {
    hears: () => current !== undefined && !deaf,
    get kills() {
      return kills;
    },
    troubles: () =>
      all.flatMap(one =>
        one
          .output()
          .split('\n')
          .filter(line => line.startsWith('trouble') || /error/i.test(line)),
      ),
    async calm() {
      calming.abort();
      await killing;
      if (!deaf && current !== undefined) return;
      await end('SIGKILL');
      await start(true);
    },
    stop: () => end('SIGTERM'),
  };
}
