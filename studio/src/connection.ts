/**
 * @file Whether the server answers, and what it offers.
 *
 *     connecting -> connected <-> lost
 *
 * While lost, the page asks again every few seconds; nothing that was typed or shown goes away.
 */
import { signal } from '@preact/signals';
import { ApiError, listModels, type VideoModel } from './api.ts';
import { refreshVideos } from './videos.ts';

export const connection = signal<'connecting' | 'connected' | 'lost'>('connecting');
/** A refusal that is not the network's: the server's own sentence. */
export const refusal = signal('');
export const models = signal<readonly VideoModel[]>([]);

const RETRY_MS = 3_000;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Loads the models and the newest videos; on failure says so and tries again. */
export async function connect(): Promise<void> {
  clearTimeout(retry);
  retry = undefined;
  try {
    models.value = await listModels();
    await refreshVideos();
    reached();
  } catch (error) {
    report(error);
    retry ??= setTimeout(connect, RETRY_MS);
  }
}

export function reached(): void {
  connection.value = 'connected';
  refusal.value = '';
}

/** Tells the person about a call that failed; the caller has nothing else to do. */
export function report(error: unknown): void {
  if (error instanceof ApiError && error.code !== 'unreachable') {
    // A refusal is an answer: the server is there.
    connection.value = 'connected';
    refusal.value = error.message;
    return;
  }
  connection.value = 'lost';
  retry ??= setTimeout(connect, RETRY_MS);
}
