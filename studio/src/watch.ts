/**
 * @file Keeps running videos current. One is followed by server-sent events, the rest by looking at the list now and then: a
 * browser holds six connections to a server over all its tabs, and the player needs one.
 */
import { computed, effect } from '@preact/signals';
import { eventsUrl, type Video } from './api.ts';
import { connect, connection, reached, report } from './connection.ts';
import { isActive, refreshVideo, refreshVideos, selected, takeVideos, videos } from './videos.ts';

const POLL_MS = 1_500;
const LIST_MS = 3_000;

/** The one worth a stream: the one looked at if it runs, else the longest running, else the next in line. */
const followedId = computed(() => {
  const active = videos.value.filter(isActive);
  const running = active.filter(video => video.state === 'in_progress');
  const looked = running.find(video => video.id === selected.value?.id);
  return (looked ?? running.at(-1) ?? active.at(-1))?.id;
});

const othersWait = computed(() => videos.value.filter(isActive).length > 1);

export function startWatching(): void {
  effect(() => {
    const id = followedId.value;
    if (id !== undefined) return follow(id);
  });
  effect(() => {
    if (!othersWait.value) return;
    const timer = setInterval(() => refreshVideos().catch(report), LIST_MS);
    return () => clearInterval(timer);
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && connection.value === 'connected') void connect();
  });
}

/** Follows one video until the returned function is called. Where no stream can be had, it asks instead. */
function follow(id: string): () => void {
  const source = new EventSource(eventsUrl(id));
  let poll: ReturnType<typeof setInterval> | undefined;
  const look = () => refreshVideo(id).then(reached).catch(report);
  const take = (event: MessageEvent<string>) => takeVideos([JSON.parse(event.data) as Video]);
  for (const name of ['status', 'progress', 'done']) source.addEventListener(name, take);
  source.addEventListener('open', reached);
  source.addEventListener('error', () => {
    // A stream that will not come back leaves only polling; one that reconnects by itself may just have lost its server.
    if (source.readyState === EventSource.CLOSED) poll ??= setInterval(look, POLL_MS);
    void look();
  });
  return () => {
    source.close();
    clearInterval(poll);
  };
}
