/**
 * The real server in a process of its own, for test/fuzz/requests.ts: without page and worker, with a job that is done, so that ranges
 * have something to be about, and one that waits.
 *
 *     node test/fuzz/requests-server.ts FOLDER
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Job } from '#core/job.ts';
import { serve } from '#local/serve.ts';
import { makeJob } from '#test/contracts/make-job.ts';

const [folder = ''] = process.argv.slice(2);
const serving = await serve({ dataFolder: folder, port: 0, studio: false, work: false, maxQueuedJobs: 10_000_000 });
const { store, blobs } = serving.embedded.deps;
const tenant = 'local';
const key = 'videos/local/fuzz/attempt=1/video.mp4';
const bytes = new Uint8Array(1_000).fill(7);
await blobs.put(key, bytes, { contentType: 'video/mp4' });
const video = { key, contentType: 'video/mp4', bytes: bytes.length, sha256: 'ab'.repeat(32) };
const completed: Job = makeJob({ tenant, status: 'completed', artifacts: { video }, completedAtMs: Date.now() });
const queued = makeJob({ tenant });
await store.create(completed);
await store.create(queued);

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.send?.({ url: serving.url, jobs: { completed: completed.id, queued: queued.id } });
process.on('message', message => {
  if (message === 'usage') process.send?.({ rss: process.memoryUsage.rss(), longestMs: delay.max / 1e6 });
});
process.once('disconnect', () => void serving.close().then(() => process.exit(0)));
