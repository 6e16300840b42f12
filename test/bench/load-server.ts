/**
 * The server that test/bench/load.ts loads, in a process of its own: as shipped (SQLite in WAL, synchronous=FULL), but without page and
 * worker, and with a queue that never fills, so that the submits of a whole run are real ones.
 *
 *     node test/bench/load-server.ts FOLDER MAX_QUEUED_JOBS
 */
import { serve } from '#local/serve.ts';

const [folder = '', maxQueuedJobs = ''] = process.argv.slice(2);
const serving = await serve({
  dataFolder: folder,
  port: 0,
  studio: false,
  work: false,
  maxQueuedJobs: Number(maxQueuedJobs),
});
process.send?.({ url: serving.url });
process.on('message', message => {
  if (message === 'usage') process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() });
});
process.once('disconnect', () => void serving.close().then(() => process.exit(0)));
