/** @file The videos the page knows, newest first, and which one is on the stage. The server's list is the truth. */
import { computed, signal } from '@preact/signals';
import { ApiError, cancelVideo, deleteVideo, listVideos, retrieveVideo, type Video } from './api.ts';

export const videos = signal<readonly Video[]>([]);
export const hasMore = signal(false);
/** False until the first page has come, so that "no videos yet" is never said too early. */
export const loaded = signal(false);
export const selectedId = signal<string | undefined>(undefined);
export const selected = computed(() => videos.value.find(video => video.id === selectedId.value));

/** Fills rows of 2 to 6 tiles. */
const PAGE = 24;
/** An answer that was under way when a video was deleted must not bring it back. */
const deleted = new Set<string>();

export function isActive(video: Video): boolean {
  return video.state === 'queued' || video.state === 'in_progress';
}

/** Puts newer knowledge in place; a late answer never turns a finished video back into a running one. */
export function takeVideos(incoming: readonly Video[]): void {
  const known = new Map(videos.value.map(video => [video.id, video]));
  for (const video of incoming) {
    const before = known.get(video.id);
    if (deleted.has(video.id) || (before !== undefined && !isActive(before) && isActive(video))) continue;
    known.set(video.id, video);
  }
  // Ids sort by creation.
  videos.value = [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The newest page again: new videos from elsewhere come in, those deleted elsewhere go. */
export async function refreshVideos(): Promise<void> {
  const before = videos.value;
  const page = await listVideos(PAGE);
  const still = new Set(page.data.map(video => video.id));
  const oldest = page.has_more ? (page.data.at(-1)?.id ?? '') : '';
  for (const { id } of before) if (id >= oldest && !still.has(id)) forget(id);
  takeVideos(page.data);
  if (!loaded.value) hasMore.value = page.has_more;
  loaded.value = true;
  const worthSeeing = videos.value.find(video => video.state === 'in_progress') ?? videos.value[0];
  if (selected.value === undefined) selectedId.value = worthSeeing?.id;
}

export async function loadMore(): Promise<void> {
  const page = await listVideos(PAGE, videos.value.at(-1)?.id);
  takeVideos(page.data);
  hasMore.value = page.has_more;
}

/** One video again; gone if the server no longer knows it. */
export async function refreshVideo(id: string): Promise<void> {
  try {
    takeVideos([await retrieveVideo(id)]);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) forget(id);
    else throw error;
  }
}

export async function cancel(id: string): Promise<void> {
  takeVideos([await cancelVideo(id)]);
}

/** Deletes on the server, then here; the neighbour takes its place on the stage. */
export async function remove(id: string): Promise<void> {
  await deleteVideo(id).catch(error => {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  });
  forget(id);
}

function forget(id: string): void {
  deleted.add(id);
  const at = videos.value.findIndex(video => video.id === id);
  if (at === -1) return;
  const rest = videos.value.filter(video => video.id !== id);
  if (selectedId.value === id) selectedId.value = (rest[at] ?? rest.at(-1))?.id;
  videos.value = rest;
}
