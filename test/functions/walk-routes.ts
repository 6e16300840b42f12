/**
 * @file Tries another tenant's ids on every route that takes one, beside ids that nobody has: `node test/functions/walk-routes.ts [5000]`.
 * Prints how many tries there were, how many answers differed in status or words, and how long either kind took. Exits 1 on a difference.
 */
import { callAs, makeTenant, routesWithId, startKeyedServer, strangeId } from './two-tenants.ts';

const tries = Number(process.argv[2] ?? 5_000);
const server = await startKeyedServer();
const tenants = [await makeTenant(server, 'acme'), await makeTenant(server, 'bolt')] as const;
const [theirsMs, nobodysMs]: [number[], number[]] = [[], []];
const differences: string[] = [];

async function timed(into: number[], ...call: Parameters<typeof callAs>) {
  const startedMs = performance.now();
  const { status, text } = await callAs(...call);
  into.push(performance.now() - startedMs);
  return { status, text };
}

for (let n = 0; n < tries; n++) {
  const { method, path, of } = routesWithId[n % routesWithId.length]!;
  const turn = Math.floor(n / routesWithId.length) % 2;
  const [owner, other] = [tenants[turn]!, tenants[1 - turn]!];
  const id = owner.ids[of];
  if (id === undefined) throw new Error(`${method} ${path}: two-tenants.ts makes nothing of this kind`);
  const fields = method === 'POST' ? { prompt: 'a ring' } : undefined;
  const at = (which: string) => path.replace(/\{.*?\}/, which);
  // Which of the two comes first alternates: what is warm by then is warm for both.
  const asks = [
    () => timed(theirsMs, server, other.key, method, at(id), fields),
    () => timed(nobodysMs, server, other.key, method, at(strangeId(id)), fields),
  ];
  const first = await asks[n % 2]!();
  const second = await asks[1 - (n % 2)]!();
  const isSame = first.status === second.status && first.text === second.text;
  const isLeak = [200, 201, 204, 302].includes(first.status) || [...owner.secrets].some(s => first.text.includes(s));
  if (!isSame || isLeak) differences.push(`${method} ${path}: ${first.status} ${second.status}`);
}
const quantile = (times: number[], part: number) =>
  (times.sort((a, b) => a - b)[Math.floor(times.length * part)] ?? 0).toFixed(2);
await server.close();
process.stdout.write(
  `${tries} tries on ${routesWithId.length} routes: ${differences.length} differ from an unknown id\n` +
    `another tenant's id: median ${quantile(theirsMs, 0.5)} ms, p95 ${quantile(theirsMs, 0.95)} ms\n` +
    `an unknown id:       median ${quantile(nobodysMs, 0.5)} ms, p95 ${quantile(nobodysMs, 0.95)} ms\n`,
);
for (const told of new Set(differences)) process.stdout.write(`${told}\n`);
process.exitCode = differences.length === 0 ? 0 : 1;
