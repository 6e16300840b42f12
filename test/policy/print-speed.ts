/** How long decisions take: `node_modules/node/bin/node test/policy/print-speed.ts`. */
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { decide } from '#core/policy/content/decide.ts';
import { asking, floor, ports, readSet } from './evaluation.ts';
import { hostileTexts } from './hostile-texts.ts';

const msOf = (prompt: string) => {
  const from = performance.now();
  const { outcome } = decide(floor, asking(prompt), ports);
  return { ms: performance.now() - from, outcome };
};
const prompts = readSet().map(({ text }) => text);
for (const text of prompts) msOf(text);
const times = prompts.map(text => msOf(text).ms).sort((a, b) => a - b);
const at = (share: number) => times[Math.floor((times.length - 1) * share)]!.toFixed(3);
console.log(`${times.length} prompts: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`);
for (const [name, textOf] of hostileTexts) {
  const [longest, huge] = [textOf(contentLimits.maxTextChars), textOf(1_048_576)];
  const [{ ms }, unread] = [msOf(longest), msOf(huge)];
  console.log(
    `${name}: ${ms.toFixed(1)} ms for the longest prompt, ${unread.ms.toFixed(3)} ms and ${unread.outcome} for 1 MiB`,
  );
}
