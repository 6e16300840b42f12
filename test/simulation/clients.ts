/** Those who want videos: they submit, lose answers, try again, cancel, delete, and redrive what died. */
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { redrive } from '#core/jobs/dead-letters.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { readJob } from '#core/jobs/read.ts';
import { type SubmitOptions, submit } from '#core/jobs/submit.ts';
import type { Wish } from './scenario.ts';
import { promptOf } from './sim-video.ts';
import { EPOCH_MS, type NodePorts, type WishState, type World } from './world.ts';

/** A client gives an answer up after this long and asks again. */
const PATIENCE_MS = 8_000;
/** All tries together stay within the two minutes in which counted retries are told apart. */
const TRIES = 7;

/** Starts everyone who wants something. */
export function startClients(world: World): void {
  for (const state of world.wishes.values()) {
    const { wish } = state;
    world.time.after(wish.startMs, () => {
      void pursue(world, state).finally(() => {
        state.busy = false;
      });
    });
  }
}

async function pursue(world: World, state: WishState): Promise<void> {
  const { wish } = state;
  const job = await submitted(world, state);
  if (job === undefined) return;
  const errands: Promise<void>[] = [];
  if (wish.again) errands.push(sleep(world, 3_000).then(() => submitAgain(world, state)));
  if (wish.cancelAfterMs !== null) errands.push(sleep(world, wish.cancelAfterMs).then(() => cancelled(world, job)));
  if (wish.deleteAfterMs !== null) errands.push(sleep(world, wish.deleteAfterMs).then(() => deleted(world, job)));
  await Promise.all(errands);
}

/** The acknowledged job; undefined when the server refused or the client gave up. */
async function submitted(world: World, state: WishState): Promise<Job | undefined> {
  const { wish } = state;
  const input = inputOf(world, wish);
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const job = await ask(world, ports => submit(ports, wish.tenant, input, optionsOf(wish, tries)));
      acknowledge(world, state, job);
      return job;
    } catch (error) {
      if (error instanceof ReelayError && !error.retryable) {
        state.refused = error.code;
        world.history.note(wish.name, 'refused', error.code);
        return undefined;
      }
      await sleep(world, 500 * 2 ** Math.min(tries, 3));
    }
  }
  return undefined;
}

async function submitAgain(world: World, state: WishState): Promise<void> {
  const { wish } = state;
  if (wish.retries === 'plain') return;
  const input = inputOf(world, wish);
  const job = await ask(world, ports => submit(ports, wish.tenant, input, optionsOf(wish, 1))).catch(() => undefined);
  if (job !== undefined) acknowledge(world, state, job);
}

function acknowledge(world: World, { wish, acked }: WishState, job: Job): void {
  world.history.note(wish.name, 'acknowledged', job.id);
  acked.add(job.id);
  const twice = wish.retries === 'key' && acked.size > 1;
  if (twice) world.violate('each key makes one job', `${wish.name} was told ${[...acked].join(' and ')}`);
}

const inputs = new WeakMap<Wish, Record<string, unknown>>();

/** The same body with every try. */
function inputOf(world: World, wish: Wish): Record<string, unknown> {
  const before = inputs.get(wish);
  if (before !== undefined) return before;
  const { deadlineAfterMs } = wish;
  const input = {
    prompt: promptOf(wish),
    num_inference_steps: wish.steps,
    priority: wish.priority,
    ...(deadlineAfterMs === null
      ? {}
      : { deadline: Math.floor((EPOCH_MS + world.time.nowMs() + deadlineAfterMs) / 1000) }),
  };
  inputs.set(wish, input);
  return input;
}

function optionsOf(wish: Wish, tries: number): SubmitOptions {
  if (wish.retries === 'key') return { idempotencyKey: `key-of-${wish.name}` };
  return wish.retries === 'count' ? { retryCount: tries } : {};
}

async function cancelled(world: World, { tenant, id }: Job): Promise<void> {
  world.facts.cancelAsked.add(id);
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await ask(world, ports => cancel(ports, tenant, id)).catch(notFound);
    if (answer === 'not_found') return;
    if (answer !== undefined) {
      world.history.note('client', 'cancel acknowledged', id, answer.status);
      if (answer.status !== 'completed') world.facts.cancelAcked.add(id);
      return;
    }
    await sleep(world, 1_000);
  }
}

async function deleted(world: World, { tenant, id }: Job): Promise<void> {
  world.facts.deleteAsked.add(id);
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await ask(world, ports => deleteJob(ports, tenant, id).then(() => 'gone' as const)).catch(notFound);
    if (answer !== undefined) {
      world.history.note('client', 'delete acknowledged', id);
      world.facts.deleteAcked.add(id);
      const seen = await ask(world, ports => readJob(ports.store, tenant, id)).catch(() => undefined);
      if (seen !== undefined) world.violate('a deleted job reads as unknown', `${id} is ${seen.status}`);
      return;
    }
    await sleep(world, 1_000);
  }
}

function notFound(error: unknown): 'not_found' | undefined {
  return error instanceof ReelayError && error.code === 'not_found' ? 'not_found' : undefined;
}

/** An operator redrives all dead letters, again after each failure. Returns when a redrive went through, or none is left to try it. */
export async function redriveAll(world: World): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const pace = () => sleep(world, 200);
    const done = await ask(world, ports => redrive(ports, { limit: 1_000, pace }), 600_000).catch(() => undefined);
    if (done === undefined) {
      await sleep(world, 1_000);
      continue;
    }
    world.history.note('operator', 'redrove', done.jobs.size, 'dropped', done.dropped.size);
    return;
  }
}

/** A question to some server, whose answer may not come: the server dies, or takes longer than the client waits. */
function ask<T>(world: World, question: (ports: NodePorts) => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const servers = world.slots.flatMap(({ kind, node }) => (kind === 'api' && node?.alive() ? [node] : []));
  if (servers.length === 0) return Promise.reject(new Error('connection refused'));
  const server = world.prng.pick(servers);
  return new Promise<T>((resolve, reject) => {
    const cancelPatience = world.time.after(patienceMs, () => reject(new Error('no answer')));
    server.onDeath(() => reject(new Error('connection lost')));
    server.deliver(() => {
      question(server.ports).then(
        value => {
          cancelPatience();
          world.time.after(world.prng.next() * 10, () => resolve(value));
        },
        error => {
          cancelPatience();
          reject(error);
        },
      );
    });
  });
}

function sleep(world: World, ms: number): Promise<void> {
  return new Promise(resolve => void world.time.after(ms, resolve));
}
