/** One answer of the server, as bytes gave it. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** A stream of events, which ends when we do. */
  readonly isStream: boolean;
}

/** The first whole answer of some bytes, and how many they were; undefined: not whole yet. 1xx are passed over. */
export function readAnswer(received: string, isHead: boolean): { answer: Answer; length: number } | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const lines = received.slice(0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(lines[0]!)?.[1] ?? 0);
  const headers = new Map(
    lines
      .slice(1)
      .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const from = headEnd + 4;
  if (status >= 100 && status < 200) {
    const next = readAnswer(received.slice(from), isHead);
    return next && { answer: next.answer, length: from + next.length };
  }
  const isStream = headers.get('content-type') === 'text/event-stream';
  if (isHead || isStream || status === 204 || status === 304)
    return { answer: { status, headers, body: '', isStream }, length: from };
  const body =
    headers.get('transfer-encoding') === 'chunked' ? readChunks(received, from) : readLength(received, from, headers);
  return body && { answer: { status, headers, body: body.text, isStream }, length: body.end };
}

function readLength(received: string, from: number, headers: ReadonlyMap<string, string>) {
  const end = from + Number(headers.get('content-length') ?? 0);
  return received.length < end ? undefined : { text: received.slice(from, end), end };
}

function readChunks(received: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = from; ; ) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(received.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (!(received.length >= end)) return undefined;
    if (size === 0) return { text, end };
    text += received.slice(lineEnd + 2, end - 2);
    at = end;
  }
}

/** What Node's parser refuses before any handler of ours may answer; nothing else may come without an envelope. */
const BARE = [400, 408, 413, 417, 431];
/** Refusals are short whatever they refuse: an echo of the input or a list of all its faults would multiply it. */
const MOST_REFUSAL_CHARS = 8_192;
const LEAKS =
  /\n\s+at |node:internal|node_modules|file:\/\/|\.[tj]s:\d+|\/work\/|\/tmp\/|\/root\/|SQLITE|sqlite|ReelayError|TypeError|SyntaxError|RangeError/;

/** What is wrong with an answer to a request that was wrong itself; undefined: nothing. */
export function faultOf({ status, headers, body }: Answer, isHead: boolean): string | undefined {
  if (status >= 500 || status < 200) return `status ${status}`;
  const text = `${[...headers].join('\n')}\n${body}`;
  if (LEAKS.test(text)) return `leak: ${LEAKS.exec(text)?.[0]}`;
  if (status < 400) return undefined;
  if (!headers.has('x-request-id'))
    return BARE.includes(status) && body === '' ? undefined : `status ${status} without a request id`;
  if (isHead) return undefined;
  if (body.length > MOST_REFUSAL_CHARS) return `a refusal of ${body.length} characters`;
  return isEnvelope(body) ? undefined : `status ${status} without the envelope`;
}

function isEnvelope(body: string): boolean {
  try {
    const { error } = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
    const isText = (value: unknown) => typeof value === 'string' && value !== '';
    return (
      isText(error.message) &&
      isText(error.type) &&
      isText(error.code) &&
      (error.param === null || typeof error.param === 'string')
    );
  } catch {
    return false;
  }
}
