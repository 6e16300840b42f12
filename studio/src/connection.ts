/**
 * @file Whether the server answers, and what it offers.
 *
 *     connecting -> connected <-> lost
 *     any -> locked where the server wants a key, or another one; locked --a key that it knows--> connected
 *
 * While lost, the page asks again every few seconds; nothing that was typed or shown goes away.
 */
import { signal } from '@preact/signals';
import { ApiError, closeSession, listModels, openSession, type VideoModel } from './api.ts';
import { keepKey, key } from './key.ts';
import { refreshVideos } from './videos.ts';

export const connection = signal<'connecting' | 'connected' | 'lost' | 'locked'>('connecting');
/** A refusal that is not the network's: the server's own sentence. */
export const refusal = signal('');
export const models = signal<readonly VideoModel[]>([]);

const RETRY_MS = 3_000;
/** The cookie of the player lives for hours; a page that stays open has it made anew in time. */
const SESSION_MS = 3_600_000;
let sessionAtMs = Number.NEGATIVE_INFINITY;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Loads the models and the newest videos; on failure says so and tries again. */
export async function connect(): Promise<void> {
  clearTimeout(retry);
  retry = undefined;
  try {
    await keepSession();
    models.value = await listModels();
    await refreshVideos();
    if (connection.value === 'locked') connection.value = 'connected';
    reached();
  } catch (error) {
    report(error);
    if (connection.value !== 'locked') retry ??= setTimeout(connect, RETRY_MS);
  }
}

/** Before anything is shown that only the cookie can load. */
async function keepSession(): Promise<void> {
  if (key.value === '' || performance.now() - sessionAtMs < SESSION_MS) return;
  await openSession();
  sessionAtMs = performance.now();
}

/** Tries a key; where the server refuses it, it is forgotten and `refusal` says why. The page stays locked until it is let in. */
export async function signIn(value: string): Promise<void> {
  // No header carries it, and no call would reach the server: what was copied from where it is shown in part ends like this.
  if (!/^[\x21-\x7e]+$/.test(value)) {
    refusal.value = 'This is no key: keys have no spaces and only plain letters, digits and signs.';
    return;
  }
  keepKey(value);
  sessionAtMs = Number.NEGATIVE_INFINITY;
  refusal.value = '';
  await connect();
}

/** Forgets the key here and the cookie in the browser. */
export async function signOut(): Promise<void> {
  await closeSession().catch(() => undefined);
  keepKey('');
  location.reload();
}

/** A tab in use all day keeps its cookie. */
export function startSession(): void {
  setInterval(() => keepSession().catch(report), SESSION_MS);
}

export function reached(): void {
  if (connection.value === 'locked') return;
  connection.value = 'connected';
  refusal.value = '';
}

/** Tells the person about a call that failed; the caller has nothing else to do. */
export function report(error: unknown): void {
  if (error instanceof ApiError && error.status === 401) {
    if (key.value !== '') refusal.value = 'The server does not know this key.';
    keepKey('');
    connection.value = 'locked';
    return;
  }
  if (error instanceof ApiError && error.code === 'forbidden' && key.value !== '' && models.value.length === 0) {
    // A key that may not even look, or one of a suspended account: there is nothing to show behind the sign-in.
    refusal.value = error.message;
    keepKey('');
    connection.value = 'locked';
    return;
  }
  if (error instanceof ApiError && error.code !== 'unreachable') {
    // A refusal is an answer: the server is there. Behind the sign-in it is that of a key, such as too many wrong ones.
    if (connection.value === 'locked') keepKey('');
    else connection.value = 'connected';
    refusal.value = error.message;
    return;
  }
  connection.value = 'lost';
  retry ??= setTimeout(connect, RETRY_MS);
}
