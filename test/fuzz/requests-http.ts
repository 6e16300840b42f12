import { gzipSync } from 'node:zlib';
import type { Dice } from './requests-dice.ts';
import { jsonBody } from './requests-json.ts';
import { multipartBody } from './requests-multipart.ts';
import { headerText, oddText } from './requests-texts.ts';

/** Ids of jobs that are there, so that not everything ends at "unknown". */
export interface KnownJobs {
  readonly completed: string;
  readonly queued: string;
}

/** A request whose frame is sound: a method, a target, headers a parser lets pass, a body as long as it says. */
export interface Framed {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'M-SEARCH',
  'PURGE',
  'LINK',
  'QUERY',
  'SUBSCRIBE',
];
const CREATE = '/v1/videos';

/** One of the sound frames around something unsound. */
export function framed(dice: Dice, jobs: KnownJobs): Framed & { kind: string } {
  const kind = dice.below(20);
  if (kind < 8) return { kind: 'json', ...post(dice, jobs, 'application/json', jsonBody(dice)) };
  if (kind < 12) {
    const { contentType, body } = multipartBody(dice);
    return { kind: 'multipart', ...post(dice, jobs, contentType, body) };
  }
  if (kind < 15)
    return {
      kind: 'path',
      method: dice.pick(['GET', 'GET', 'HEAD', 'POST']),
      target: oddTarget(dice, jobs),
      headers: [],
      body: Buffer.alloc(0),
    };
  if (kind < 16)
    return {
      kind: 'method',
      method: dice.pick(METHODS),
      target: dice.pick([CREATE, `${CREATE}/${oddId(dice)}`, '/health', '*', '/']),
      headers: [],
      body: dice.chance(0.3) ? jsonBody(dice) : Buffer.alloc(0),
    };
  if (kind < 18) return { kind: 'type', ...typed(dice, jobs) };
  return { kind: 'header', ...withHeaders(dice, jobs) };
}

function post(dice: Dice, jobs: KnownJobs, contentType: string, body: Buffer): Framed {
  const target = dice.chance(0.9)
    ? CREATE
    : dice.pick([
        `${CREATE}/edits`,
        `${CREATE}/extensions`,
        `${CREATE}/characters`,
        `${CREATE}/${jobs.queued}/remix`,
        `${CREATE}/${oddId(dice)}/cancel`,
      ]);
  return { method: 'POST', target, headers: [`content-type: ${contentType.slice(0, 8_000)}`], body };
}

function oddId(dice: Dice): string {
  return dice.pick([
    encodeURIComponent(oddText(dice).toWellFormed()).slice(0, 4_000),
    '%',
    '%zz',
    '%00',
    '%2e%2e',
    '%2f',
    '%E0%A4%A',
    '..',
    '.',
    '%ff%fe',
    'video_%30',
    `video_${'z'.repeat(26)}`,
    '%u0041',
    '~',
    '*',
    '%25%32%65',
  ]);
}

function oddTarget(dice: Dice, jobs: KnownJobs): string {
  const id = dice.chance(0.3) ? dice.pick([jobs.completed, jobs.queued]) : oddId(dice);
  const path = dice.pick([
    ...[
      `${CREATE}/${id}`,
      `${CREATE}/${id}`,
      CREATE,
      `${CREATE}/${id}/content`,
      `${CREATE}/${id}/events`,
      `/v1/models/${id}`,
      `${CREATE}/characters/${id}`,
    ],
    ...[
      `//${id}/v1/videos`,
      `/v1//videos`,
      `/v1/videos/`,
      `/v1/./videos/../videos`,
      `/V1/VIDEOS`,
      `/v1/videos;a=b`,
      `/${id}`,
      `/v1/videos/${id}/${id}`,
      '/v1/videos/models',
      '/health',
    ],
    ...[
      `http://127.0.0.1/v1/videos`,
      'http://[',
      `\\\\x\\y`,
      `/v1/videos/${'a/'.repeat(dice.size(2_000))}`,
      `/${'%41'.repeat(dice.size(2_000))}`,
      '/v1/videos#x',
    ],
  ]);
  const pairs = Array.from({ length: dice.chance(0.02) ? dice.size(700) : dice.size(5) }, () => pair(dice));
  const target = dice.chance(0.6)
    ? `${path}?${pairs.join(dice.chance(0.95) ? '&' : dice.pick([';', '&&', '?']))}`
    : path;
  // What a request line may carry; the rest is for the broken ones.
  return target.replace(/[^\x21-\x7e\x80-\xff]/g, '+').slice(0, 12_000);
}

function pair(dice: Dice): string {
  const name = dice.pick([
    'limit',
    'order',
    'after',
    'status',
    'metadata[a]',
    'metadata[]',
    'metadata[__proto__]',
    'metadata[a][b]',
    'variant',
    '__proto__',
    'constructor',
    '',
    '%',
    '%00',
  ]);
  const value = dice.chance(0.3)
    ? dice.pick(['0', '101', '1e2', '١', '-1', 'asc', 'desc', 'queued', 'video', 'thumbnail', '20', '1'])
    : encodeURIComponent(oddText(dice).toWellFormed()).slice(0, 1_000);
  return dice.chance(0.9)
    ? `${name}=${value}`
    : dice.pick([name, `=${value}`, `${name}==${value}`, `${name}=%E0%A4%A`, `${name}=%ff`]);
}

/** Bodies whose type, charset or encoding is not what they are. */
function typed(dice: Dice, jobs: KnownJobs): Framed {
  const body = dice.chance(0.5)
    ? jsonBody(dice)
    : dice.chance(0.5)
      ? gzipSync(jsonBody(dice))
      : dice.bytes(dice.size(3_000));
  const type = dice.chance(0.7)
    ? dice.pick([
        '',
        'application/json',
        'application/json; charset=utf-16',
        'Application/JSON;',
        'application/jsonp',
        'text/plain',
        'text/html',
        'application/x-www-form-urlencoded',
        'application/octet-stream',
        'json',
        '*/*',
        'application/json, text/plain',
        'multipart/form-data',
      ])
    : headerText(dice);
  const encoding = dice.chance(0.5)
    ? [`content-encoding: ${dice.pick(['gzip', 'br', 'identity', 'deflate', 'x', 'gzip, gzip', 'zstd', ''])}`]
    : [];
  const { method, target } = post(dice, jobs, '', body);
  return { method, target, headers: [...(type === '' ? [] : [`content-type: ${type}`]), ...encoding], body };
}

/** Headers the handlers read, with nonsense in them. */
function withHeaders(dice: Dice, jobs: KnownJobs): Framed {
  const nonsense = () =>
    dice.chance(0.5) ? headerText(dice) : dice.pick(['0', '1', '-1', '999', '1e9', 'bytes=0-0', '*', '"', ',', ';']);
  const names = [
    'idempotency-key',
    'x-stainless-retry-count',
    'authorization',
    'accept',
    'last-event-id',
    'cookie',
    'origin',
    'if-none-match',
    'x-reelay-status',
    'x-request-id',
    'user-agent',
    'referer',
    'x-forwarded-for',
    'accept-encoding',
    'x-http-method-override',
    '__proto__',
    'constructor',
    'upgrade',
    'te',
    'trailer',
    'via',
  ];
  const headers = Array.from(
    { length: 1 + dice.size(dice.chance(0.05) ? 100 : 6) },
    () => `${dice.pick(names)}: ${nonsense()}`,
  );
  if (dice.chance(0.4)) {
    const range = dice.pick([
      'bytes=',
      'bytes=-',
      'bytes=5-1',
      'bytes=-0',
      'bytes=999999-',
      `bytes=0-${'9'.repeat(50)}`,
      `bytes=-${'9'.repeat(50)}`,
      'bytes=0-0,2-3',
      'BYTES=0-1',
      'items=0-1',
      'bytes=a-b',
      'bytes=0-1;',
      'bytes = 0 - 1',
      `bytes=${'0-1,'.repeat(500)}`,
    ]);
    const target = `${CREATE}/${jobs.completed}/content?variant=${dice.pick(['video', 'thumbnail', 'spritesheet', 'x', ''])}`;
    return {
      method: dice.pick(['GET', 'GET', 'HEAD']),
      target,
      headers: [...headers, `range: ${range}`],
      body: Buffer.alloc(0),
    };
  }
  if (dice.chance(0.5))
    return {
      method: 'GET',
      target: dice.pick([CREATE, `${CREATE}/${jobs.queued}`, `${CREATE}/${jobs.queued}/events`, '/v1/models']),
      headers,
      body: Buffer.alloc(0),
    };
  return {
    method: 'POST',
    target: CREATE,
    headers: ['content-type: application/json', ...headers],
    body: jsonBody(dice),
  };
}

/** The bytes of a sound frame; `chunked` sends the body in pieces that say their own length. */
export function bytesOf({ method, target, headers, body }: Framed, chunks?: readonly Buffer[]): Buffer {
  const framing =
    chunks !== undefined
      ? ['transfer-encoding: chunked']
      : body.length > 0 || method === 'POST'
        ? [`content-length: ${body.length}`]
        : [];
  const head = [`${method} ${target} HTTP/1.1`, 'host: 127.0.0.1', ...headers, ...framing, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), ...(chunks ?? [body])]);
}
