/** @file A server with its worker as a process: `serve-process.ts '<ServerSetup as JSON>'`. Says `listening <url>`. */
import { serve } from '#local/serve.ts';
import type { ServerSetup } from './worker-setup.ts';

process.stdin.resume().once('end', () => process.exit(3)); // whoever started us is gone
const serving = await serve({ ...(JSON.parse(process.argv[2]!) as ServerSetup), studio: false });
process.once('SIGTERM', () => {
  serving.close().then(
    () => process.exit(0),
    error => {
      console.error(error);
      process.exit(1);
    },
  );
});
console.log(`listening ${serving.url}`);
