import { expect, test } from 'vitest';
import { createTaskProtection } from '#adapters/aws/ecs-task-protection.ts';
import { startLoopback } from './loopback.ts';

type Reply = 'done' | 'failure' | 'error' | 'silent' | 'not json';

/** An ECS agent that keeps the state it is given, or answers as told; `replies` is used up call by call. */
async function startAgent(replies: Reply[] = []) {
  const { uri, got } = await startLoopback(({ body }, response) => {
    const { ProtectionEnabled } = JSON.parse(body);
    const reply = replies.shift() ?? 'done';
    if (reply === 'silent') return void response.destroy();
    if (reply === 'error') response.statusCode = 400;
    const bodies = {
      done: { protection: { ExpirationDate: '2026-01-01T00:00:00Z', ProtectionEnabled, TaskArn: 'arn' } },
      failure: { failure: { Arn: 'arn', Reason: 'TASK_NOT_VALID' } },
      error: { requestID: 'x', error: { Code: 'AccessDeniedException', Message: 'm' } },
    };
    response.end(reply === 'not json' ? '<html>' : JSON.stringify(bodies[reply]));
  });
  return { agentUri: `${uri}/api/task-1`, got, bodies: () => got.map(({ body }) => JSON.parse(body)) };
}

const [on, off] = [{ ProtectionEnabled: true, ExpiresInMinutes: 10 }, { ProtectionEnabled: false }];

test('a task that holds a job is protected, and free again after it', async () => {
  const agent = await startAgent();
  const protection = createTaskProtection({ agentUri: agent.agentUri, minutes: 10 });
  await protection.hold();
  await protection.free();
  expect(agent.bodies()).toEqual([on, off]);
  expect(agent.got[0]).toMatchObject({
    method: 'PUT',
    path: '/api/task-1/task-protection/v1/state',
    headers: { 'content-type': 'application/json' },
  });
});

test('beats renew the protection when half of its time is over, and not before', async () => {
  const agent = await startAgent();
  let nowMs = 1_000;
  const protection = createTaskProtection({ agentUri: agent.agentUri, minutes: 10, now: () => nowMs });
  for (let beat = 0; beat < 30; beat++, nowMs += 40_000) await protection.hold();
  // Twenty minutes of beats: at the start and each five minutes, rounded up to the next beat.
  expect(agent.got).toHaveLength(4);
  expect(agent.bodies()).toEqual([on, on, on, on]);
});

test('a task without a job asks for nothing', async () => {
  const agent = await startAgent();
  const protection = createTaskProtection({ agentUri: agent.agentUri, minutes: 10 });
  await protection.free();
  await protection.hold();
  await protection.free();
  await protection.free();
  expect(agent.bodies()).toEqual([on, off]);
});

test.for<[Reply, string]>([
  ['failure', 'TASK_NOT_VALID'],
  ['error', 'AccessDeniedException'],
  ['silent', 'did not answer'],
  ['not json', 'did not answer'],
])('an agent that answers with %s is store_unavailable, and the next beat asks again', async ([reply, words]) => {
  const agent = await startAgent([reply]);
  const protection = createTaskProtection({ agentUri: agent.agentUri, minutes: 10 });
  const refusal = { code: 'store_unavailable', message: expect.stringContaining(words) };
  await expect(protection.hold()).rejects.toMatchObject(refusal);
  await protection.hold();
  expect(agent.bodies()).toEqual([on, on]);
});

test('a protection whose answer was lost is given up all the same, until the agent says so', async () => {
  const agent = await startAgent(['silent', 'silent']);
  const protection = createTaskProtection({ agentUri: agent.agentUri, minutes: 10 });
  await expect(protection.hold()).rejects.toThrow();
  await expect(protection.free()).rejects.toThrow();
  await protection.free();
  await protection.free();
  expect(agent.bodies()).toEqual([on, off, off]);
});

test('a free does not overtake a hold that is on its way', async () => {
  const agent = await startAgent();
  const protection = createTaskProtection({ agentUri: agent.agentUri, minutes: 10 });
  await Promise.all([protection.hold(), protection.free(), protection.hold()]);
  expect(agent.bodies()).toEqual([on, off, on]);
});

test('no agent is store_unavailable', async () => {
  const protection = createTaskProtection({ agentUri: 'http://127.0.0.1:9', minutes: 10 });
  await expect(protection.hold()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
});
