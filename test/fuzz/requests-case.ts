import { type Dice, rollDice } from './requests-dice.ts';
import { bytesOf, framed, type KnownJobs } from './requests-http.ts';
import { oddText } from './requests-texts.ts';

/** One try: what is sent, and how it ends. */
export interface FuzzCase {
  readonly kind: string;
  /** Sent one after the other; more than one comes apart on the wire. */
  readonly pieces: readonly Buffer[];
  /**
   * `answer`: a sound frame, which must be answered. `close`: we end our side, and the server must close, having answered or not.
   * `leave`: we hang up in the middle.
   */
  readonly ends: 'answer' | 'close' | 'leave';
  readonly isHead: boolean;
}

/** Request `n` of the run with this seed. */
export function makeCase(seed: number, n: number, jobs: KnownJobs): FuzzCase {
  const dice = rollDice(seed, n);
  const share = dice.next();
  const request = framed(dice, jobs);
  const sound = (kind: string, pieces: readonly Buffer[]): FuzzCase => ({
    kind,
    pieces,
    ends: 'answer',
    isHead: request.method === 'HEAD',
  });
  const broken = (kind: string, bytes: Buffer): FuzzCase => ({ kind, pieces: [bytes], ends: 'close', isHead: false });
  // Without an answer's request at hand nobody could tell that HEAD explains its missing body.
  const readable = { ...request, method: request.method === 'HEAD' ? 'GET' : request.method };
  if (share < 0.8) return sound(request.kind, [bytesOf(request)]);
  if (share < 0.84) return sound('chunked', [bytesOf(request, chunksOf(dice, request.body))]);
  if (share < 0.85) return sound('pieces', cut(dice, bytesOf(request)));
  if (share < 0.87) return broken('bad-chunks', bytesOf(readable, [Buffer.from(badChunks(dice), 'latin1')]));
  if (share < 0.9) return broken('bad-length', badLength(dice, bytesOf(readable)));
  if (share < 0.94) return broken('bad-head', badHead(dice, bytesOf(readable)));
  if (share < 0.96) return broken('garbage', garbage(dice));
  if (share < 0.98) return broken('pipelined', pipelined(dice, jobs));
  const bytes = bytesOf(request);
  return { kind: 'hang-up', pieces: [bytes.subarray(0, dice.below(bytes.length))], ends: 'leave', isHead: false };
}

function chunksOf(dice: Dice, body: Buffer): Buffer[] {
  const pieces = cut(dice, body).filter(piece => piece.length > 0);
  const extension = dice.chance(0.1) ? `;${dice.pick(['a', 'a=b', 'a="b"'])}` : '';
  const trailer = dice.chance(0.1) ? 'x-trailer: 1\r\n' : '';
  const size = (n: number) => (dice.chance(0.1) ? n.toString(16).toUpperCase().padStart(12, '0') : n.toString(16));
  return [
    ...pieces.flatMap(piece => [Buffer.from(`${size(piece.length)}${extension}\r\n`), piece, Buffer.from('\r\n')]),
    Buffer.from(`0\r\n${trailer}\r\n`),
  ];
}

function cut(dice: Dice, bytes: Buffer): Buffer[] {
  const ends = Array.from({ length: dice.size(20) }, () => dice.below(bytes.length + 1)).sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

function badChunks(dice: Dice): string {
  return dice.pick([
    '-1\r\nx\r\n0\r\n\r\n',
    'zz\r\n',
    'ffffffffffffffffff\r\nx',
    '5\r\nabc\r\n0\r\n\r\n',
    '3\nabc\n0\n\n',
    '3\r\nabcdef\r\n0\r\n\r\n',
    `1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`,
    '0x3\r\nabc\r\n0\r\n\r\n',
    ' 3\r\nabc\r\n',
    '\r\n\r\n',
    '7fffffff\r\n',
    '0\r\nHost: x\r\n\r\n',
    `0\r\n${'a: b\r\n'.repeat(3_000)}\r\n`,
    '3\r\nabc',
  ]);
}

function badLength(dice: Dice, bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const length = dice.pick([
    '-1',
    '0',
    '1',
    '99999999999999999999',
    '7340033',
    '1e3',
    '0x10',
    ' ',
    '',
    '5, 5',
    '5\r\ncontent-length: 6',
    '+5',
    '1048577',
    '10\r\ntransfer-encoding: chunked',
  ]);
  const changed = text.replace(/\r\n(content-length: \d+\r\n)?\r\n/, () => `\r\ncontent-length: ${length}\r\n\r\n`);
  return Buffer.from(changed, 'latin1');
}

function badHead(dice: Dice, bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const line = dice.pick([
    `GET /${'a'.repeat(20_000)} HTTP/1.1`,
    'GET / HTTP/9.9',
    'GET / HTTP/1.0',
    'GET  /  HTTP/1.1',
    'get / http/1.1',
    'FOO / HTTP/1.1',
    'GET /',
    'PRI * HTTP/2.0',
    'CONNECT a:1 HTTP/1.1',
    'GET / HTTP/1.1 x',
    '\r\n\r\nGET / HTTP/1.1',
    'GET /\0 HTTP/1.1',
    'GET /ä\u0001 HTTP/1.1',
  ]);
  const header = dice.pick([
    `a: ${'b'.repeat(20_000)}`,
    `${'a: b\r\n'.repeat(2_500)}c: d`,
    'a : b',
    ': b',
    'a',
    ' a: b',
    'a: b\0c',
    'a: b\n c: d',
    'a\0: b',
    'host: x\r\nhost: y',
    'expect: 100-continue',
    'expect: x',
    'connection: upgrade\r\nupgrade: websocket',
    'transfer-encoding: gzip',
    'transfer-encoding: chunked, chunked',
    'transfer-encoding:\x0bchunked',
    `a: ${oddText(dice)}`,
    'connection: close',
    '\r',
  ]);
  if (dice.chance(0.1)) return Buffer.from(text.replace('host: 127.0.0.1\r\n', ''), 'latin1');
  return Buffer.from(
    dice.chance(0.4) ? text.replace(/^[^\r]*/, () => line) : text.replace('\r\n', () => `\r\n${header}\r\n`),
    'latin1',
  );
}

function garbage(dice: Dice): Buffer {
  return dice.chance(0.5)
    ? dice.bytes(dice.size(4_000))
    : Buffer.from(
        dice.pick([
          '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
          'SSH-2.0-x\r\n',
          '\0'.repeat(5_000),
          '\r\n'.repeat(20_000),
          '{"a":1}\n',
          'GET',
          'HTTP/1.1 200 OK\r\n\r\n',
          'EHLO x\r\n',
          '\x05\x01\x00',
          'a'.repeat(100_000),
        ]),
        'latin1',
      );
}

/** Several at once, the last of them perhaps broken. */
function pipelined(dice: Dice, jobs: KnownJobs): Buffer {
  const sound = Array.from({ length: 1 + dice.size(60) }, () => framed(dice, jobs)).filter(
    ({ method, target }) => method !== 'HEAD' && !target.includes('/events'),
  );
  return Buffer.concat([...sound.map(request => bytesOf(request)), ...(dice.chance(0.3) ? [garbage(dice)] : [])]);
}
