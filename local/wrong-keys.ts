/** @file How often an address may be wrong about a key: guessing is slow, and neither a guesser nor a forgotten script fills the log. */
import { isIPv4 } from 'node:net';
import { type Principal, unauthorized } from '#core/accounts/authenticate.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import type { Refusal } from '#core/accounts/refusal.ts';
import type { Deps } from '#functions/deps.ts';

/** A person mistypes a few times; a script with an old key comes again and again. */
export const WRONG_KEYS_A_MINUTE = 20;
/** Addresses that are remembered, some 200 bytes each. */
const MAX_CALLERS = 10_000;
const MINUTE_MS = 60_000;

/** What is known of an address; its counts are of the minute that ends at `untilMs`. */
interface Caller {
  untilMs: number;
  wrong: number;
  refused: number;
  /** A right key came from here: it is a person, or a proxy with persons behind it. */
  isKnown: boolean;
}

/** Who asks, or why nobody is let in; a number of seconds where its address has to wait until a key is looked at again. */
export type KeyCheck = (
  address: string,
  authorization: string | undefined,
  route: string,
) => Promise<Principal | Refusal | number>;

/**
 * Looks at keys, WRONG_KEYS_A_MINUTE wrong ones from one address; for the rest of that minute at none from there. Behind a proxy everyone
 * has the proxy's address, and one must not lock the others out: where a right key came from before, right ones are let in all the same.
 * No key at all guesses nothing and only counts for the log, and neither does the right key of a suspended tenant. What comes at the
 * same time is counted once it is known to be wrong, so a flood gets as many more looks as there are requests at once.
 */
export function createKeyCheck({ authenticate, now, log }: Pick<Deps, 'authenticate' | 'now' | 'log'>): KeyCheck {
  const callers = new Map<string, Caller>();
  return async (address, authorization, route) => {
    const caller = callerAt(callers, networkOf(address), now());
    const isOver = caller.wrong >= WRONG_KEYS_A_MINUTE;
    const hasKey = authorization !== undefined;
    const asked = !hasKey || caller.isKnown || !isOver ? await authenticate(authorization) : unauthorized();
    if (!isRefusal(asked) || asked.code !== 'unauthorized') {
      caller.isKnown ||= hasKey;
      return asked;
    }
    if (hasKey) caller.wrong++;
    caller.refused++;
    // The first of a minute, the tenth, the hundredth: who floods must not turn the log over.
    if (/^10*$/.test(String(caller.refused)))
      log('warn', 'no valid key', { route, address, refusedInMinute: caller.refused });
    return hasKey && isOver ? Math.ceil((caller.untilMs - now()) / 1000) : asked;
  };
}

function callerAt(callers: Map<string, Caller>, name: string, nowMs: number): Caller {
  let caller = callers.get(name);
  if (caller === undefined) {
    // Maps keep their order: the one that was seen first goes.
    if (callers.size >= MAX_CALLERS) callers.delete(callers.keys().next().value!);
    caller = { untilMs: 0, wrong: 0, refused: 0, isKnown: false };
    callers.set(name, caller);
  }
  if (caller.untilMs <= nowMs) Object.assign(caller, { untilMs: nowMs + MINUTE_MS, wrong: 0, refused: 0 });
  return caller;
}

/** One machine has 2^64 addresses of IPv6, so those count by their first half. An IPv4 one that came to an IPv6 socket is itself. */
export function networkOf(address: string): string {
  const mapped = address.replace(/^::ffff:/i, '');
  if (isIPv4(mapped)) return mapped;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const groups = head.split(':').filter(group => group !== '');
  const after = (tail ?? '').split(':').filter(group => group !== '');
  while (tail !== undefined && groups.length + after.length < 8) groups.push('0');
  return [...groups, ...after].slice(0, 4).join(':');
}
