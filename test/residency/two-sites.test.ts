import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sweepLostMessages } from '#core/jobs/relay.ts';
import { jobPrefix } from '#core/keys.ts';
import { cloud, onprem, openEnclaveWorld } from './enclave-world.ts';

let world: Awaited<ReturnType<typeof openEnclaveWorld>>;
beforeEach(async () => {
  world = await openEnclaveWorld();
});
afterEach(() => world.close());

const sitesOf = (jobs: readonly { placements: readonly { site: string }[] }[]) =>
  new Set(jobs.flatMap(job => job.placements.map(({ site }) => site)));

describe('a cloud worker and one on the premises, on two enclaves', () => {
  test('do 200 mixed jobs: the sovereign ones on the premises only, none lost, the tenants in turn', async () => {
    const ids: string[] = [];
    // Of each class one tenant has asked for everything before the other came.
    for (let n = 0; n < 200; n++)
      ids.push((await world.submit(n < 140 ? 'acme' : 'lab', n % 5 < 2 ? 'sovereign' : 'standard')).id);
    const inside = world.startWorker(onprem);
    const outside = world.startWorker(cloud);
    const jobs = await world.ended(ids);
    expect(jobs.filter(job => job.status !== 'completed')).toEqual([]);
    expect(jobs.map(job => job.attempt)).toEqual(Array(200).fill(1));

    const sovereign = jobs.filter(job => job.request.residency === 'sovereign');
    expect(sovereign).toHaveLength(80);
    expect([...sitesOf(sovereign)]).toEqual(['onprem']);
    expect(outside.rendered.filter(task => task.includes('sovereign'))).toEqual([]);
    expect([...inside.rendered, ...outside.rendered].sort()).toEqual(ids.map(id => `${id}/1`).sort());
    expect(outside.rendered.length, 'the cloud had its part of the rest').toBeGreaterThan(10);
    expect(inside.rendered.length).toBeGreaterThan(80);

    const { blobs } = world.enclaves.get('standard')!;
    for (const job of sovereign) {
      expect(job.placements).toMatchObject([{ ...onprem, attempt: 1, worker: 'onprem-a', fromStep: 0 }]);
      expect(job.acceptedAt).toMatchObject({ site: 'cloud', pool: 'front-door' });
      expect(await blobs.head(`${jobPrefix(job)}attempt=1/video.mp4`)).toBeUndefined();
      expect(await world.door.blobs.head(job.artifacts.video!.key)).toBeDefined();
    }

    // Start-time fair queueing: while both wait, neither is more than a job and those in flight ahead of the other.
    for (const residency of ['sovereign', 'standard']) {
      const order = jobs
        .filter(job => job.request.residency === residency)
        .sort((a, b) => a.startedAtMs! - b.startedAtMs!)
        .map(job => job.tenant);
      const both = order.slice(0, order.lastIndexOf('lab') + 1);
      let [acme, lab] = [0, 0];
      for (const tenant of both) {
        if (tenant === 'acme') acme++;
        else lab++;
        expect(Math.abs(acme - lab), `${residency}: ${acme} of acme, ${lab} of lab`).toBeLessThanOrEqual(4);
      }
    }
  }, 120_000);

  test('a cloud worker that is handed a sovereign enclave renders nothing of it, says so, and gives the token back', async () => {
    const { id } = await world.submit('acme', 'sovereign');
    const other = await world.submit('acme', 'standard');
    const outside = world.startWorker(cloud, ['sovereign', 'standard']);
    await world.ended([other.id]);
    expect(outside.rendered).toEqual([`${other.id}/1`]);
    const refusal = {
      level: 'error',
      fields: { jobId: id, residency: 'sovereign', site: 'cloud', pool: 'cloud-spot' },
    };
    await expect
      .poll(() => outside.log)
      .toContainEqual(expect.objectContaining({ level: 'error', message: expect.stringContaining('refused') }));
    expect(outside.log.find(({ message }) => message.includes('refused'))).toMatchObject(refusal);
    expect(await world.job(id)).toMatchObject({ status: 'queued', attempt: 0, placements: [] });
    world.startWorker(onprem);
    const [job] = await world.ended([id]);
    expect(job?.placements.map(({ site }) => site)).toEqual(['onprem']);
  }, 60_000);

  test('a sovereign token on the standard queue takes no job, and a new one is sent where it belongs', async () => {
    const { id } = await world.submit('acme', 'sovereign');
    const sovereign = world.enclaves.get('sovereign')!;
    const strayed = (await sovereign.queue.receive({ leaseSeconds: 30, waitMs: 0 }))!;
    await sovereign.queue.ack(strayed);
    await world.enclaves.get('standard')!.queue.send(strayed.message);
    const outside = world.startWorker(cloud);
    await expect.poll(() => world.enclaves.get('standard')!.queue.depth()).toBe(0);
    const last = await world.submit('acme', 'standard');
    await world.ended([last.id]);
    expect(outside.rendered).toEqual([`${last.id}/1`]);
    expect(await sweepLostMessages(sovereign)).toBe(1);
    world.startWorker(onprem);
    expect(await world.ended([id])).toMatchObject([{ status: 'completed', placements: [onprem] }]);
  }, 60_000);

  test('a worker of both classes does the restricted one first, and every fourth time the other', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 16; n++) ids.push((await world.submit('acme', n < 4 ? 'standard' : 'sovereign')).id);
    const inside = world.startWorker(onprem);
    await world.ended(ids);
    const order = inside.rendered.map(task => (task.includes('sovereign') ? 's' : '.')).join('');
    expect(order).toBe('sss.sss.sss.sss.');
    const { id } = await world.submit('acme', 'standard');
    await expect.poll(async () => (await world.job(id)).status, { timeout: 5_000 }).toBe('completed');
  }, 60_000);

  test('an enclave whose queue is out keeps the other one from nothing', async () => {
    const sovereign = world.enclaves.get('sovereign')!;
    const { id } = await world.submit('acme', 'standard');
    world.enclaves.set('sovereign', {
      ...sovereign,
      queue: { ...sovereign.queue, receive: () => Promise.reject(new Error('out')) },
    });
    const inside = world.startWorker(onprem);
    await world.ended([id]);
    expect(inside.log.map(({ message }) => message)).toContain('worker loop failed');
  }, 60_000);
});
