/**
 * How long the policy takes inside `submit`, on the real ports of a data folder: `node_modules/node/bin/node test/policy/print-path-speed.ts`.
 * Every prompt of the committed set; the best of three where what the machine did meanwhile is not to count. One consent record read with each in the second row; the rows after that write.
 */
import { createConsent } from '#core/policy/consents/consents.ts';
import { type Asked, askPolicy } from '#core/policy/reviews/ask.ts';
import { judge } from '#core/policy/reviews/judge.ts';
import { readSet } from './evaluation.ts';
import { openPolicyWorld } from './policy-world.ts';

const world = openPolicyWorld();
world.db.exec('PRAGMA synchronous=FULL');
const { ports } = world;
const consent = await createConsent(
  ports,
  { tenant: 'local', by: 'local/boris' },
  { subject: 'x', names: ['Jane Roe'], evidence_sha256: 'e'.repeat(64), valid_to: Date.now() / 1000 + 1_000 },
);
const asked = (prompt: string, consents: readonly string[] = []): Asked => ({
  ...{ tenant: 'local', requester: 'local/anna', prompt, negativePrompt: '', references: [], consents },
  residency: 'standard',
});
const prompts = readSet().map(({ text }) => text);

async function row(name: string, best: number, ask: (prompt: string, n: number) => Promise<unknown>): Promise<void> {
  for (const prompt of prompts.slice(0, 300)) await ask(prompt, -1).catch(() => undefined);
  const times: number[] = [];
  for (const [n, prompt] of prompts.entries()) {
    const tries = [];
    for (let again = 0; again < best; again++) {
      const from = performance.now();
      await ask(prompt, n).catch(() => undefined);
      tries.push(performance.now() - from);
    }
    times.push(Math.min(...tries));
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor((times.length - 1) * share)]!.toFixed(3);
  console.log(`${name}: ${times.length} prompts, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`);
}

for (const best of [1, 3])
  await row(`decision in submit and in the worker, best of ${best}`, best, prompt => askPolicy(ports, asked(prompt)));
for (const best of [1, 3])
  await row(`the same with a consent record to read, best of ${best}`, best, prompt =>
    askPolicy(ports, asked(prompt, [consent.id])),
  );
await row('with refusals and notes written, each fsynced', 1, (prompt, n) => judge(ports, asked(prompt), `video_${n}`));
world.close();
