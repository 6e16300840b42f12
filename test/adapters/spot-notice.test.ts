import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { watchSpotNotice } from '#adapters/aws/spot-notice.ts';
import { startLoopback } from './loopback.ts';

const NOTICE = '{"action":"terminate","time":"2026-01-01T00:02:00Z"}';

/** IMDSv2: hands out tokens `token-n` and answers only to the newest; each look takes the next of `looks`, the last one for good. */
async function startMetadata(looks: (string | number)[]) {
  let tokens = 0;
  const counts = { looks: 0, tokensGiven: 0 };
  const server = await startLoopback(({ method, path, headers }, response) => {
    if (method === 'PUT' && path === '/latest/api/token') {
      const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      response.statusCode = seconds >= 1 && seconds <= 21_600 ? 200 : 400;
      counts.tokensGiven++;
      return void response.end(`token-${++tokens}`);
    }
    const known = headers['x-aws-ec2-metadata-token'] === `token-${tokens}`;
    if (path !== '/latest/meta-data/spot/instance-action' || !known) {
      response.statusCode = 401;
      return void response.end();
    }
    const answer = looks.length > 1 ? looks.shift()! : looks[0]!;
    counts.looks++;
    if (answer === 0) return; // never answers
    response.statusCode = typeof answer === 'number' ? answer : 200;
    response.end(typeof answer === 'number' ? '' : answer);
  });
  return { ...server, counts, expireToken: () => void tokens++ };
}

function watch(metadataUri: string) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const notices: string[] = [];
  const onNotice = (action: string) => void notices.push(action);
  const ended = watchSpotNotice({ metadataUri, everyMs: 20, onNotice, signal: stop.signal });
  return { stop, notices, ended };
}

test('the notice is told once, when it comes, and the watch ends', async () => {
  const metadata = await startMetadata([404, 404, 404, NOTICE]);
  const { notices, ended } = watch(metadata.uri);
  await ended;
  expect(notices).toEqual(['terminate']);
  await sleep(100);
  expect(metadata.counts).toEqual({ looks: 4, tokensGiven: 1 });
});

test('a notice that cannot be read is a notice all the same', async () => {
  for (const text of ['', '{}', 'soon']) {
    const { notices, ended } = watch((await startMetadata([text])).uri);
    await ended;
    expect(notices).toEqual(['unknown']);
  }
});

test('errors are passed over, and the watch goes on', async () => {
  const metadata = await startMetadata([500, 404, 503, NOTICE]);
  const { notices, ended } = watch(metadata.uri);
  await ended;
  expect(notices).toEqual(['terminate']);
});

test('a token that ran out is replaced', async () => {
  const metadata = await startMetadata([404]);
  const { stop, ended } = watch(metadata.uri);
  while (metadata.counts.looks < 2) await sleep(5);
  metadata.expireToken();
  const seen = metadata.counts.looks;
  while (metadata.counts.looks < seen + 2) await sleep(5);
  expect(metadata.counts.tokensGiven).toBe(2);
  stop.abort();
  await ended;
});

test('a metadata service that does not answer costs two seconds a look, not the watch', async () => {
  const metadata = await startMetadata([0, NOTICE]);
  const before = performance.now();
  const { notices, ended } = watch(metadata.uri);
  await ended;
  expect(notices).toEqual(['terminate']);
  expect(performance.now() - before).toBeGreaterThan(1_900);
  expect(performance.now() - before).toBeLessThan(8_000);
});

test('without a metadata service the watch goes on in silence until it is stopped', async () => {
  const { stop, notices, ended } = watch('http://127.0.0.1:9');
  await sleep(100);
  stop.abort();
  await ended;
  expect(notices).toEqual([]);
});

test('a stop ends a look that is on its way, and no notice comes after it', async () => {
  const metadata = await startMetadata([0]);
  const { stop, notices, ended } = watch(metadata.uri);
  while (metadata.counts.looks < 1) await sleep(5);
  const before = performance.now();
  stop.abort();
  await ended;
  expect(performance.now() - before).toBeLessThan(1_000);
  expect(notices).toEqual([]);
});
