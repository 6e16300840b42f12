import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEvents } from '#adapters/local/local-event-bus.ts';
import { type ServerProcess, startServer } from '#test/local/server-process.ts';

let folder: string;
let server: ServerProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-kill-'));
});
afterEach(async () => {
  await server?.killAll().catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

async function submit(url: string, fields: Record<string, unknown>): Promise<string> {
  const init = { method: 'POST', body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } };
  return ((await (await fetch(`${url}/v1/videos`, init)).json()) as { id: string }).id;
}

async function until(url: string, id: string, done: (video: any) => boolean): Promise<any> {
  for (let looks = 0; looks < 600; looks++) {
    const video = (await (await fetch(`${url}/v1/videos/${id}`)).json()) as any;
    if (done(video)) return video;
    await sleep(50);
  }
  throw new Error('waited too long');
}

async function eventTypes(): Promise<string[]> {
  const types: string[] = [];
  for await (const event of readEvents(join(folder, 'events.jsonl'))) types.push(event.type);
  return types;
}

const LONG = { prompt: 'a red circle bouncing over a dark blue background', seed: 3, num_inference_steps: 50 };

describe('a server that dies', () => {
  test('by kill -9 in mid-job is restarted and finishes the job, with one event', async () => {
    server = await startServer(folder);
    const id = await submit(server.url, LONG);
    const before = await until(server.url, id, video => video.stage === 'denoising' && video.progress > 5);
    expect(before).toMatchObject({ status: 'in_progress', attempt: 1 });
    await server.killAll();

    const restarted = Date.now();
    server = await startServer(folder);
    const after = await until(server.url, id, video => video.attempt === 2);
    expect(Date.now() - restarted).toBeLessThan(15_000);
    expect(after.error).toBeNull();
    const ended = await until(server.url, id, video => !['queued', 'in_progress'].includes(video.status));
    expect(ended).toMatchObject({ status: 'completed', attempt: 2, seed: 3 });
    // the record comes before the event: who reads the one at once may be early for the other
    await expect.poll(eventTypes, { timeout: 5_000 }).toEqual(['video.completed']);
    const mp4 = Buffer.from(await (await fetch(`${server.url}/v1/videos/${id}/content`)).arrayBuffer());
    expect(mp4.subarray(4, 8).toString()).toBe('ftyp');
  });

  test('right after it accepted jobs has lost none of them', async () => {
    server = await startServer(folder);
    const ids = await Promise.all(
      Array.from({ length: 8 }, () => submit(server!.url, { ...LONG, num_inference_steps: 1 })),
    );
    await server.killAll();
    server = await startServer(folder);
    for (const id of ids)
      expect(await until(server.url, id, video => !['queued', 'in_progress'].includes(video.status))).toMatchObject({
        status: 'completed',
      });
    await expect.poll(eventTypes, { timeout: 5_000 }).toHaveLength(8);
  });

  test('by SIGTERM gives its job back without counting a failure, and the next start finishes it', async () => {
    server = await startServer(folder);
    const id = await submit(server.url, LONG);
    await until(server.url, id, video => video.stage === 'denoising');
    const asked = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - asked).toBeLessThan(10_000);
    expect(await readFile(join(folder, 'log.jsonl'), 'utf8')).toContain('"code":"drained"');
    server = await startServer(folder);
    const ended = await until(server.url, id, video => video.status === 'completed');
    expect(ended.attempt).toBe(2);
  });
});
