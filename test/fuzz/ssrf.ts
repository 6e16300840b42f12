/**
 * S4: what happens when webhooks are sent to URLs that want to reach what is not public.
 *
 *     node cli/bootstrap.mjs --exec test/fuzz/ssrf.ts [--scale 1] [--seed 1]
 *
 * Each URL of the corpus, and as many mutated ones as `scale` times 20,000, is checked as at an endpoint's creation and then sent to
 * anyway, as if it had been stored before: addresses in every spelling, parser tricks, names whose DNS answers lead inside at once or
 * from the second question on (an own name server on loopback), and redirects. Canaries listen on loopback, and every socket of the
 * process is watched. Two careless senders show that the harness sees what it should. Prints one row of a table.
 */
import { request } from 'node:https';
import { parseArgs } from 'node:util';
import { createResolveHost, type ResolveHost } from '#adapters/http/resolve-host.ts';
import { createWebhookSender } from '#adapters/http/webhook-sender.ts';
import { isGlobalAddress } from '#core/webhooks/address.ts';
import { nothingAllowed, parseAllowList } from '#core/webhooks/allow-list.ts';
import type { SendResult } from '#core/webhooks/ports.ts';
import { checkWebhookUrl } from '#core/webhooks/webhook-url.ts';
import { startReceiver } from '#test/adapters/http/receivers.ts';
import { all, type Goal, isMet, none, type Result, toRow } from '#test/faults/result.ts';
import { hostileNames, hostileUrls, mutated, publicNames, publicUrls } from './ssrf-corpus.ts';
import { type HostileDns, startHostileDns } from './ssrf-dns.ts';
import { startCanaries, startWatch, type Watch } from './ssrf-watch.ts';

const MUTATED = 20_000;
const AT_A_TIME = 16;
const message = { headers: { 'content-type': 'application/json' }, body: '{}', timeoutMs: 2_000 };

/** S4 with the whole corpus and `scale` times 20,000 mutated URLs. */
export async function runSsrf(scale: number, seed = 1): Promise<Result> {
  const dns = await startHostileDns(new Map([...hostileNames(), ...publicNames]));
  const { receivers, missing } = await startCanaries();
  const watch = startWatch();
  const canaries = () => receivers.reduce((sum, receiver) => sum + receiver.connections(), 0);
  try {
    const urls = hostileUrls();
    const changed = mutated(urls, Math.round(MUTATED * scale), generator(seed));
    const resolve = createResolveHost({ servers: [dns.server] });
    const send = createWebhookSender({ resolve }).send;
    const results = await sendAll([...urls, ...changed], url => send({ ...message, url }));
    const [inward, hits] = [watch.inward.length, canaries()];
    // A public address first: what the socket then asks for itself must not count.
    const outwardHostile = watch.outward.length;
    const refusedAtOnce = urls.filter(url => checkWebhookUrl(url, nothingAllowed) !== undefined).length;
    const redirected = await sendRedirects(receivers.map(({ port }) => port));
    const hitsAfterRedirects = canaries();
    const reached = await reachPublic(watch, send, dns);
    const careless = await carelessSenders(watch, resolve, dns);
    const goals: Goal[] = [
      none('sockets towards addresses that are not global', inward),
      none('connections at the canaries', hits),
      none('redirects followed', hitsAfterRedirects - hits),
      none('sockets that look a name up themselves', watch.unpinned),
      none(
        'hostile URLs that were answered',
        [...results].filter(([, result]) => 'status' in result),
      ),
      all('public URLs that reached a socket', reached, publicUrls.length),
      { what: 'careless senders caught', goal: '2 of 2', got: `${careless} of 2`, met: careless === 2 },
    ];
    const failures = [...results.values()].map(result => ('failure' in result ? result.failure : result.status));
    return {
      id: 'S4',
      title: `${urls.length} SSRF URLs (${hostileNames().size} by DNS), ${changed.length} mutated, ${redirected} redirects`,
      goals,
      figures: {
        refusedByTheirTextAlone: `${refusedAtOnce} of ${urls.length}`,
        ended: Object.fromEntries([...Map.groupBy(failures, String)].map(([what, list]) => [what, list.length])),
        rebindingNamesPinnedToTheirFirstAnswer: outwardHostile,
        canaries: receivers.length,
        canariesNotBound: missing,
        seed,
      },
    };
  } finally {
    watch.stop();
    for (const receiver of receivers) await receiver.close();
    await dns.close();
  }
}

async function sendAll(
  urls: readonly string[],
  send: (url: string) => Promise<SendResult>,
): Promise<ReadonlyMap<string, SendResult>> {
  const results = new Map<string, SendResult>();
  const waiting = [...new Set(urls)];
  const work = async () => {
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) results.set(url, await send(url));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return results;
}

/** An allowed receiver that sends on to the canaries; returns how many redirects it gave. */
async function sendRedirects(ports: readonly number[]): Promise<number> {
  const targets = ports.flatMap(port => [
    `http://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    `//127.0.0.1:${port}/`,
  ]);
  const answers = [301, 302, 303, 307, 308].flatMap(status => targets.map(location => ({ status, location })));
  let next = 0;
  const receiver = await startReceiver(response => {
    const { status, location } = answers[next++ % answers.length]!;
    response.writeHead(status, { location, refresh: `0; url=${location}` }).end();
  });
  const send = createWebhookSender({ allow: parseAllowList(`127.0.0.1:${receiver.port}`) }).send;
  for (const _ of answers) await send({ ...message, url: `http://127.0.0.1:${receiver.port}/` });
  await receiver.close();
  return next;
}

/** Public URLs get as far as a socket to the address that was checked: the sender refuses no more than it should. */
async function reachPublic(
  watch: Watch,
  send: (request: { url: string } & typeof message) => Promise<SendResult>,
  dns: HostileDns,
): Promise<number> {
  dns.reset();
  let reached = 0;
  for (const url of publicUrls) {
    const before = watch.outward.length;
    await send({ ...message, url });
    if (watch.outward.length > before && watch.outward.slice(before).every(isGlobalAddress)) reached++;
  }
  return reached;
}

/** One that checks nothing, and one that checks a name and then connects by name. The watch must see both reach inside. */
async function carelessSenders(watch: Watch, resolve: ResolveHost, dns: HostileDns): Promise<number> {
  const lookup = (host: string, _options: unknown, done: (error: null, found: unknown) => void) =>
    void resolve(host, { named: false }).then(found => done(null, found));
  const post = (url: string) =>
    new Promise<void>(done => {
      const sent = request(url, { method: 'POST', lookup: lookup as never, timeout: 500 });
      sent.on('error', () => done()).on('close', () => done());
      sent.end('{}');
    });
  const sawInward = async (work: () => Promise<void>) => {
    const before = watch.inward.length;
    dns.reset();
    await work();
    return watch.inward.length > before ? 1 : 0;
  };
  const unchecking = await sawInward(() => post('https://direct-0.evil.example/'));
  const rechecking = await sawInward(async () => {
    const [first] = await resolve('second-0.evil.example', { named: false });
    if (first !== undefined && isGlobalAddress(first.address)) await post('https://second-0.evil.example/');
  });
  return unchecking + rechecking;
}

/** mulberry32: the same mutations in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

if (import.meta.main) {
  const options = { scale: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' } } as const;
  const { values } = parseArgs({ options });
  const startedMs = performance.now();
  const result = await runSsrf(Number(values.scale), Number(values.seed));
  process.stderr.write(`${JSON.stringify(result.figures, null, 1)}\n`);
  process.stdout.write(`${toRow(result, (performance.now() - startedMs) / 1000)}\n`);
  process.exitCode = isMet(result) ? 0 : 1;
}
