import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listDeadLetters } from '#core/jobs/dead-letters.ts';
import { preparePolicy } from '#core/policy/content/prepare-policy.ts';
import { parseTenantPolicy } from '#core/policy/content/tenant-policy.ts';
import type { ContentPolicies } from '#core/policy/reviews/content-ports.ts';
import { decideReview, viewReview } from '#core/policy/reviews/queue.ts';
import { askBeforeRender } from '#gpu-container/worker/policy-gate.ts';
import { processJob } from '#gpu-container/worker/process-job.ts';
import { openWorkerBench, type WorkerBench } from './worker-bench.ts';

let bench: WorkerBench;
const never = new AbortController().signal;
beforeAll(async () => {
  bench = await openWorkerBench();
});
afterAll(() => bench.close());

/** A worker that knows a newer file of the tenant than the front door did. */
const worker = (outcome: 'review' | 'deny') => ({ ...bench.ports, content: policyOf(outcome) });
const boris = { person: 'local/boris', tenant: 'local', role: 'reviewer' } as const;
const policyOf = (outcome: string, id = 'zeppelins', word = 'zeppelin'): ContentPolicies => {
  const file = JSON.stringify({ v: 1, rules: [{ id, any: [word], outcome }] });
  const prepared = preparePolicy(text => createHash('sha256').update(text).digest('hex'), parseTenantPolicy(file));
  return { policyOf: () => prepared };
};

describe('the worker asks its own policy before it renders', () => {
  test('and a denial fails the job with the code that a refusal has, with nothing rendered', async () => {
    const { id } = await bench.submit({ prompt: 'a zeppelin', num_inference_steps: 1 });
    await processJob(worker('deny'), await bench.receive(), never);
    const job = await bench.job(id);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'policy_denied' }, artifacts: {} });
    expect(job.error?.message).toContain('tenant.zeppelins');
    expect((await listDeadLetters(bench.ports, 9)).map(letter => letter.message.reason)).toContain('policy_denied');
    expect(await bench.ports.queue.depth()).toBe(0);
  });

  test('and what a person has to see waits without a message, then runs under that policy, and not under another', async () => {
    const { id } = await bench.submit({ prompt: 'a zeppelin', num_inference_steps: 1, seed: 2 });
    await processJob(worker('review'), await bench.receive(), never);
    const waiting = await bench.job(id);
    expect(waiting).toMatchObject({ status: 'queued', attempt: 1, lease: null, review: { state: 'waiting' } });
    expect(await bench.ports.queue.depth()).toBe(0);
    await viewReview(bench.ports, boris, 'local', waiting.review!.id);
    await decideReview(bench.ports, boris, 'local', waiting.review!.id, 'approve');
    await processJob(worker('deny'), await bench.receive(), never);
    expect((await bench.job(id)).error?.code).toBe('policy_denied');
    const again = await bench.submit({ prompt: 'a zeppelin', num_inference_steps: 1, seed: 3 });
    expect(await askBeforeRender(worker('review'), again)).toBeUndefined();
    await processJob(worker('deny'), await bench.receive(), never);
  });

  test('and workers of two policies need one approval each, and no job waits for an item that was decided', async () => {
    const { id } = await bench.submit({ prompt: 'a balloon', num_inference_steps: 1 });
    const [old, young] = ['old', 'young'].map(name => ({
      ...bench.ports,
      content: policyOf('review', name, 'balloon'),
    }));
    for (const ports of [old!, young!]) {
      await processJob(ports, await bench.receive(), never);
      const { review } = await bench.job(id);
      await viewReview(bench.ports, boris, 'local', review!.id);
      await decideReview(bench.ports, boris, 'local', review!.id, 'approve');
    }
    expect(await askBeforeRender(old!, await bench.job(id))).toBeUndefined();
  });
});
