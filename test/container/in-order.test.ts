import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inOrder } from '#gpu-container/bundles/in-order.ts';

describe('work in order', () => {
  test('gives the first error, not those it causes, and begins no more than it may', async () => {
    let begun = 0;
    let taken = 0;
    let most = 0;
    const run = async () => {
      const { signal } = new AbortController();
      for await (const result of inOrder(
        Array.from({ length: 40 }, (_, at) => at),
        { width: 4, signal },
        async at => {
          most = Math.max(most, ++begun - taken);
          await sleep(at % 3);
          if (at === 20) throw new Error('the twentieth');
          return at;
        },
      )) {
        expect(result).toBe(taken++);
        await sleep(1);
      }
    };
    await expect(run()).rejects.toThrow('the twentieth');
    expect(most).toBeLessThanOrEqual(5);
  });
});
