/** A call from a node to a port over a bad network: late, refused, with its answer lost, or the last thing that the node did. */
import { ReelayError } from '#core/errors.ts';
import type { Actor, World } from './world.ts';

type Outcome = 'fine' | 'refused' | 'lost';

interface Plan {
  readonly outcome: Outcome;
  readonly delayMs: number;
  /** The effect happens at once and the answer is late; else the question is late. */
  readonly early: boolean;
  /** When the node dies, counted from the call. */
  readonly killInMs?: number;
}

/** Calls a port for an actor. `effect` must have its whole effect before it returns. */
export function callPort<T>(world: World, actor: Actor, what: string, effect: () => Promise<T>): Promise<T> {
  const { time, prng } = world;
  const { node } = actor;
  const plan = planOf(world, actor, what);
  // A receive that waits is always under way.
  const counts = what.endsWith('.receive') ? 0 : 1;
  world.underway += counts;
  const over = () => {
    world.underway -= counts;
  };
  return new Promise<T>((resolve, reject) => {
    const settle = (act: () => void) => {
      over();
      if (node === undefined) act();
      else node.deliver(act);
    };
    const refuse = () => settle(() => reject(outage(what)));
    const answerAfter = (ms: number) => {
      world.actor = actor;
      effect().then(
        value => {
          const tell = plan.outcome === 'lost' ? () => reject(outage(what)) : () => resolve(value);
          if (ms > 0) time.after(ms, () => settle(tell));
          else settle(tell);
        },
        error => time.after(ms, () => settle(() => reject(error))),
      );
    };
    if (plan.killInMs !== undefined) time.after(plan.killInMs, () => node?.kill(`in ${what}`));
    if (plan.outcome === 'refused') time.after(plan.delayMs, refuse);
    else if (plan.early) answerAfter(plan.delayMs);
    else
      time.after(plan.delayMs, () => {
        // What a dead process had sent may have left its machine or not.
        if (node?.alive() === false && prng.chance(0.5)) over();
        else answerAfter(0);
      });
  });
}

function planOf(world: World, actor: Actor, what: string): Plan {
  const { prng, scenario, faultsOn } = world;
  const usualMs = scenario.local ? prng.next() * 3 : 1 + prng.next() * 20;
  const struck = strikeOf(world, actor, what, usualMs);
  if (struck !== undefined) return struck;
  if (!faultsOn) return { outcome: 'fine', delayMs: usualMs, early: prng.chance(0.5) };
  const troubled = troubleOf(world, actor, what);
  if (troubled !== undefined) {
    world.fault(troubled === 'lost' ? 'outage_lost' : 'outage_refused', actor.name, what);
    return { outcome: troubled, delayMs: usualMs + (prng.chance(0.2) ? 2_000 : 0), early: true };
  }
  const { weather } = scenario;
  const roll = prng.next();
  const outcome: Outcome = roll < weather.refused ? 'refused' : roll < weather.refused + weather.lost ? 'lost' : 'fine';
  const slow = prng.chance(weather.slow);
  const kill = actor.node !== undefined && prng.chance(weather.killed);
  if (outcome !== 'fine') world.fault(outcome, actor.name, what);
  if (slow) world.fault('slow', actor.name, what);
  if (kill) world.fault('kill_in_call', actor.name, what);
  const delayMs = slow ? (0.2 + prng.next() * 1.3) * scenario.leaseSeconds * 1000 : usualMs;
  const plan = { outcome, delayMs, early: prng.chance(0.5) };
  return kill ? { ...plan, killInMs: prng.next() * delayMs } : plan;
}

function strikeOf(world: World, actor: Actor, what: string, delayMs: number): Plan | undefined {
  const { strike } = world;
  if (strike?.role !== actor.role || ++world.calls !== strike.call) return undefined;
  world.fault(strike.how, actor.name, what);
  if (strike.how === 'killed_before') return { outcome: 'refused', delayMs: 60_000, early: true, killInMs: 0 };
  if (strike.how === 'killed_after') return { outcome: 'fine', delayMs, early: true, killInMs: 0 };
  return { outcome: strike.how, delayMs, early: true };
}

function troubleOf(world: World, actor: Actor, what: string): Outcome | undefined {
  if (world.troubles.length === 0) return undefined;
  const port = what.slice(0, what.indexOf('.'));
  const now = world.time.nowMs();
  for (const trouble of world.troubles) {
    if (trouble.untilMs <= now || !trouble.ports.has(port)) continue;
    if (trouble.slot !== undefined && trouble.slot !== actor.node?.slot) continue;
    return world.prng.chance(trouble.lostShare) ? 'lost' : 'refused';
  }
  return undefined;
}

/** What adapters throw when the outside fails. */
function outage(what: string): ReelayError {
  return new ReelayError('store_unavailable', `${what} failed.`);
}
