/** @file The container's health check: exit 0 while the worker beats (worker/health-beat.ts), else 1 and a sentence. */
import { readFile } from 'node:fs/promises';
import { whyUnhealthy } from '#gpu-container/worker/health-beat.ts';

const path = process.env.REELAY_HEALTH_FILE;
if (path === undefined || path === '') {
  process.stdout.write('REELAY_HEALTH_FILE is not set, so nobody beats.\n');
  process.exit(1);
}
const why = whyUnhealthy(await readFile(path, 'utf8').catch(() => undefined), Date.now());
process.stdout.write(why === undefined ? 'ok\n' : `${why}\n`);
process.exitCode = why === undefined ? 0 : 1;
