/** Forty receivers on loopback, as good or as bad as they are told to be, that check whatever reaches them. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import OpenAI from 'openai';
import { type Received, type Receiver, startRawReceiver, startReceiver } from '#test/adapters/http/receivers.ts';

/** What a receiver does with a request. */
export type Behaviour =
  | 'good'
  | 'errors'
  | 'silent'
  | 'hangs up'
  | 'slow'
  | 'garbage'
  | 'redirects'
  | 'gone'
  | 'flaky'
  | 'not there';

export const CROWD = 40;

/** 30 %: the even places are endpoints, the odd ones URLs of jobs. */
const BAD: Readonly<Record<number, Behaviour>> = {
  ...{ 1: 'errors', 4: 'silent', 7: 'hangs up', 11: 'slow', 14: 'errors', 17: 'garbage' },
  ...{ 21: 'redirects', 24: 'gone', 27: 'flaky', 31: 'silent', 34: 'hangs up', 37: 'not there' },
};

export interface Member {
  readonly behaviour: Behaviour;
  readonly url: string;
  /** Arrival of each event's first request, by event id. */
  readonly firstAtMs: Map<string, number>;
  /** Set before anything is sent there. */
  secret: string;
  requests: number;
}

export interface Crowd {
  readonly members: readonly Member[];
  /** What was wrong with requests: a signature, an id that changed, a body that did. */
  readonly complaints: string[];
  /** Connections to where the redirects point. */
  canaryConnections(): number;
  /** Resolves when every request was checked. */
  checked(): Promise<void>;
  close(): Promise<void>;
}

const SLOW_MS = 350;

export async function startCrowd(withBad: boolean): Promise<Crowd> {
  const openai = new OpenAI({ apiKey: 'none' });
  const canary = await startReceiver();
  const complaints: string[] = [];
  const checks: Promise<unknown>[] = [];
  const members: Member[] = [];
  const receivers: Receiver[] = [canary];

  function look(member: Member, request: Received): void {
    member.requests++;
    const id = request.headers['webhook-id'] ?? '';
    if (!member.firstAtMs.has(id)) member.firstAtMs.set(id, request.atMs);
    if (JSON.parse(request.body).id !== id) complaints.push(`${member.url}: webhook-id ${id} is not the event's`);
    checks.push(
      openai.webhooks
        .unwrap(request.body, request.headers, member.secret)
        .catch(error => complaints.push(`${member.url}: ${error.message}`)),
    );
  }

  for (let place = 0; place < CROWD; place++) {
    const behaviour = (withBad ? BAD[place] : undefined) ?? 'good';
    const member: Member = { behaviour, url: '', firstAtMs: new Map(), secret: '', requests: 0 };
    const receiver = await startMember(behaviour, request => look(member, request), canary.port);
    members.push(Object.assign(member, { url: `http://127.0.0.1:${receiver.port}/hook/${place}` }));
    if (behaviour === 'not there') await receiver.close();
    else receivers.push(receiver);
  }
  return {
    members,
    complaints,
    canaryConnections: () => canary.connections(),
    checked: async () => void (await Promise.all(checks)),
    close: async () => void (await Promise.all(receivers.map(receiver => receiver.close()))),
  };
}

function startMember(behaviour: Behaviour, look: (request: Received) => void, canaryPort: number): Promise<Receiver> {
  if (behaviour === 'garbage') return startRawReceiver(socket => babble(socket));
  const seen = new Map<string, number>();
  return startReceiver(
    (response, request) => {
      const id = request.headers['webhook-id'] ?? '';
      seen.set(id, (seen.get(id) ?? 0) + 1);
      answer(behaviour, response, seen.get(id) ?? 0, canaryPort);
    },
    { onRequest: look },
  );
}

/** How each answers the n-th request for the same event. */
const ANSWERS: Readonly<
  Partial<Record<Behaviour, (response: ServerResponse, nth: number, canaryPort: number) => void>>
> = {
  errors: response => end(response, 500),
  silent: () => undefined,
  'hangs up': response => response.destroy(),
  slow: response => setTimeout(() => end(response, 200), SLOW_MS),
  redirects: (response, _nth, port) => end(response, 308, { location: `http://127.0.0.1:${port}/` }),
  gone: response => end(response, 410),
  flaky: (response, nth) => end(response, nth <= 2 ? 503 : 200),
};

function answer(behaviour: Behaviour, response: ServerResponse, nth: number, canaryPort: number): void {
  const own = ANSWERS[behaviour];
  if (own === undefined) end(response, 200);
  else own(response, nth, canaryPort);
}

function end(response: ServerResponse, status: number, headers = {}): void {
  response.writeHead(status, headers).end('thanks');
}

function babble(socket: Socket): void {
  socket.once('data', () => socket.end(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff, 0x00, 0x0a])));
}
