import { setTimeout as sleep } from 'node:timers/promises';

/** Names, times and the count of what was checked. */
export function createReport() {
  const startedMs = performance.now();
  let [passed, failed] = [0, 0];
  const seconds = (fromMs: number) => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  return {
    note: (text: string) => say(`        ${text.replaceAll('\n', '\n        ')}`),
    /** What fails ends the run: all that follows stands on it. */
    async check<T>(name: string, holds: () => Promise<T>): Promise<T> {
      const fromMs = performance.now();
      try {
        const result = await holds();
        passed++;
        say(`ok      ${name} (${seconds(fromMs)})`);
        return result;
      } catch (error) {
        failed++;
        say(`FAILED  ${name} (${seconds(fromMs)})`);
        throw error;
      }
    },
    /** Looks until there is something to see. */
    async until<T>(what: string, mostMs: number, look: () => Promise<T | undefined>): Promise<T> {
      const deadlineMs = performance.now() + mostMs;
      for (;;) {
        const seen = await look();
        if (seen !== undefined) return seen;
        if (performance.now() > deadlineMs) throw new Error(`waited ${mostMs / 1000} s for ${what}`);
        await sleep(250);
      }
    },
    finish() {
      say(
        'Not shown by this: IAM (the emulator allows everything), the GPU stack (it has no capacity providers), alarms, throttling, KMS.',
      );
      say(`${passed} passed, ${failed} failed in ${seconds(startedMs)}`);
      if (failed > 0 || passed === 0) process.exitCode = 1;
    },
  };
}
