import { setTimeout as sleep } from 'node:timers/promises';

/** The metadata service answers from the host in milliseconds; where there is none, nothing answers at all. */
const TIMEOUT_MS = 2_000;
/** The longest that IMDSv2 allows; a token that is refused is replaced. */
const TOKEN_SECONDS = 21_600;

/** Where to look, how often, and whom to tell. */
export interface SpotNoticeOptions {
  /** `http://169.254.169.254` on EC2. */
  readonly metadataUri: string;
  /** EC2 asks for a look every five seconds: the notice comes two minutes before the end, or at once with a hibernation. */
  readonly everyMs: number;
  readonly fetch?: typeof fetch;
  /** Called once with what EC2 is about to do: `terminate`, `stop`, `hibernate`, or `unknown`. */
  readonly onNotice: (action: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Looks for the notice that EC2 takes this Spot instance back, until it has come or `signal` aborts. Errors are passed over: on-prem
 * there is no such service, and a look that failed is made again. Does not keep the process alive, and rejects only if `onNotice` throws.
 */
export async function watchSpotNotice(options: SpotNoticeOptions): Promise<void> {
  const { everyMs, onNotice, signal } = options;
  const tokens: Tokens = { current: undefined };
  while (!signal.aborted) {
    const action = await look(options, tokens).catch(() => {
      tokens.current = undefined; // it may be what was wrong
    });
    if (signal.aborted) return;
    if (action !== undefined) return onNotice(action);
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

/** The IMDSv2 token in use; undefined when a new one is needed. */
interface Tokens {
  current: string | undefined;
}

/** What is announced, undefined when nothing is. */
async function look(options: SpotNoticeOptions, tokens: Tokens): Promise<string | undefined> {
  tokens.current ??= await ask(options, '/latest/api/token', {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
  }).then(textOf);
  const headers = { 'x-aws-ec2-metadata-token': tokens.current };
  const response = await ask(options, '/latest/meta-data/spot/instance-action', { headers });
  // Read in any case: a body left unread holds its connection.
  const text = await response.text();
  if (response.status === 401) tokens.current = undefined;
  return response.status === 200 ? actionIn(text) : undefined;
}

function ask({ metadataUri, fetch: send = fetch, signal }: SpotNoticeOptions, path: string, init: RequestInit) {
  return send(`${metadataUri}${path}`, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.ok) throw new Error(`the metadata service answered ${response.status}`);
  return text;
}

/** A notice that cannot be read is a notice all the same. */
function actionIn(text: string): string {
  try {
    const { action } = JSON.parse(text) as { action?: unknown };
    return typeof action === 'string' ? action : 'unknown';
  } catch {
    return 'unknown';
  }
}
