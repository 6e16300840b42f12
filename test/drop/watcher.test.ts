import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test as base, describe, expect } from 'vitest';
import { dropLimits } from '#core/drop/drop-limits.ts';
import { ReelayError } from '#core/errors.ts';
import { ALL_TASKS, CARD } from '#test/core/model-card.ts';
import { makeImage, makeMp4 } from '#test/media/make-media.ts';
import { type DropWorld, openDropWorld, until } from './drop-world.ts';

const PNG = await makeImage('png');
const MP4 = Buffer.from(await makeMp4(16, 8));

/** A drop folder for each test; they mostly wait, so most of them wait together. */
const test = base.extend<{ world: DropWorld }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from its first argument
  world: async ({}, use) => {
    const world = openDropWorld();
    await use(world);
    await world.close();
  },
});

const empty = (names: string[]) => names.length === 0;
const outcomesByName = async (world: DropWorld) =>
  Object.fromEntries((await world.outcomes()).map(({ source, outcome, reason }) => [source.name, reason ?? outcome]));

describe('a file is taken when it is whole', () => {
  test('and not while it is written', async ({ world }) => {
    await world.start();
    world.put('slow.txt', 'a ');
    for (let at = 0; at < 4; at++) {
      await sleep(900);
      appendFileSync(join(world.folder, 'in', 'slow.txt'), 'very ');
      expect(world.inFolder()).toEqual(['slow.txt']);
    }
    appendFileSync(join(world.folder, 'in', 'slow.txt'), 'slow cat');
    await until(world.inFolder, empty);
    const [job] = (await world.ports.store.list('local', { limit: 9, order: 'asc' })).jobs;
    expect(job?.request.prompt).toBe('a very very very very slow cat');
  });

  test('at once when it came by a rename, from elsewhere or from a temporary name', async ({ world }) => {
    await world.start();
    world.moveIn('far.txt', 'far');
    await until(world.inFolder, empty, 1.5);
    world.put('near.txt.part', 'near');
    await sleep(1_300);
    renameSync(join(world.folder, 'in', 'near.txt.part'), join(world.folder, 'in', 'near.txt'));
    await until(world.inFolder, empty, 1.5);
    expect(world.names('accepted')).toEqual(['far.txt', 'near.txt']);
  });

  test('at once when its sender says so', async ({ world }) => {
    await world.start();
    world.put('x.txt', 'x');
    world.put('x.ready', '');
    await until(world.inFolder, empty, 1.5);
    expect(world.names('accepted')).toEqual(['x.ready', 'x.txt']);
  });

  test('with what its stem still brings: a text waits for the picture beside it', async ({ world }) => {
    await world.start();
    world.put('cat.txt', 'it moves');
    for (let at = 0; at < 4; at++) {
      appendFileSync(join(world.folder, 'in', 'cat.png'), at === 0 ? PNG : 'more');
      await sleep(900);
    }
    await until(world.inFolder, empty);
    expect(await outcomesByName(world)).toEqual({ 'cat.png': 'rejected', 'cat.txt': 'rejected' });
  });
});

describe.concurrent('in a local drop folder', () => {
  describe('a dropped text', () => {
    test('becomes a job, a receipt, and a video beside it when the job has ended', async ({ world }) => {
      await world.start();
      world.put('cat.txt', 'a cat\n');
      await until(world.inFolder, empty);
      const [job] = (await world.ports.store.list('local', { limit: 9, order: 'asc' })).jobs;
      expect(job?.request.prompt).toBe('a cat');
      expect(world.receipts()).toMatchObject([
        { object: 'receipt', outcome: 'accepted', id: job?.id, status: 'queued', output: null, usage: null },
      ]);
      expect(world.names('accepted')).toEqual(['cat.txt']);
      await world.finishJobs();
      const [receipt] = await until(world.receipts, ([one]) => one?.status === 'completed');
      const { output } = receipt!;
      expect(output?.file).toBe(`cat.${job?.id}.mp4`);
      expect(readFileSync(join(world.folder, 'out', output!.file))).toHaveLength(output!.bytes);
      expect(world.names('out')).toHaveLength(2);
      await until(
        () => world.ports.kv.list('drop_open/local', { limit: 9 }),
        open => open.length === 0,
      );
    });

    test('that is refused lies in rejected/ beside the words that say what to change', async ({ world }) => {
      await world.start();
      world.moveIn('long.json', JSON.stringify({ prompt: 'a secret prompt '.repeat(100), size: '1x1', sizes: 3 }));
      await until(world.inFolder, empty);
      const { error, source, outcome } = world.json('rejected', 'long.error.json');
      expect(error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_request', param: 'sizes' });
      for (const part of ['sizes: unknown field', 'size: got "1x1"; mini makes 256x256', 'prompt: got 1600 characters'])
        expect(error.message).toContain(part);
      expect(error.message).not.toContain('secret');
      expect([source.name, outcome]).toEqual(['long.json', 'rejected']);
      expect(world.names('rejected')).toEqual(['long.error.json', 'long.json']);
      expect(world.names('out')).toEqual([]);
    });

    test('of the same content is a duplicate and names the first job, until that job has failed', async ({ world }) => {
      await world.start();
      world.moveIn('a.txt', 'a cat');
      await until(world.inFolder, empty);
      world.moveIn('b.json', '{"prompt":"a cat"}');
      world.moveIn('a.txt', 'a cat');
      await until(world.inFolder, empty);
      const ids = new Set(world.receipts().map(({ id }) => id));
      expect(ids.size).toBe(1);
      expect(
        world
          .receipts()
          .map(({ outcome }) => outcome)
          .sort(),
      ).toEqual(['accepted', 'duplicate', 'duplicate']);
      expect(world.names('accepted')).toHaveLength(3);
      const [id] = ids;
      await world.ports.store.transition(
        id!,
        { status: 'queued', attempt: 0 },
        { status: 'cancelled', completedAtMs: Date.now() },
      );
      world.moveIn('again.txt', 'a cat');
      await until(world.inFolder, empty);
      const again = world.receipts().find(({ source }) => source.name === 'again.txt');
      expect(again).toMatchObject({ outcome: 'accepted', status: 'queued' });
      expect(again?.id).not.toBe(id);
    });

    test('says so in its receipt when its job fails', async ({ world }) => {
      await world.start();
      world.moveIn('a.txt', 'a cat');
      const [open] = await until(world.receipts, receipts => receipts.length === 1);
      const error = { code: 'render_failed', message: 'It did not work.' };
      await world.ports.store.transition(
        open!.id,
        { status: 'queued', attempt: 0 },
        { status: 'failed', error, completedAtMs: Date.now() },
      );
      const [receipt] = await until(world.receipts, ([one]) => one?.status === 'failed');
      expect(receipt).toMatchObject({ error, output: null });
    });

    test('waits while the queue is full, and nothing is refused', async ({ world }) => {
      await world.start({ maxQueuedJobs: 1 });
      world.moveIn('a.txt', 'a');
      world.moveIn('b.txt', 'b');
      await until(world.inFolder, names => names.length === 1);
      await sleep(1_500);
      expect(world.inFolder()).toHaveLength(1);
      await world.finishJobs();
      await until(world.inFolder, empty);
      expect(world.names('accepted')).toEqual(['a.txt', 'b.txt']);
      expect(world.log.filter(({ fields }) => fields.code === 'queue_full')).toHaveLength(1);
    });
  });

  describe('a batch', () => {
    test('is a job a line, equal lines too', async ({ world }) => {
      await world.start();
      world.moveIn('many.jsonl', '{"prompt":"a"}\n{"prompt":"b","seed":4}\n{"prompt":"a"}\n');
      await until(world.inFolder, empty);
      expect(new Set(world.receipts().map(({ id }) => id)).size).toBe(3);
      expect(
        world
          .receipts()
          .map(({ line }) => line)
          .sort(),
      ).toEqual([1, 2, 3]);
    });

    test('is refused as a whole, with every bad line named', async ({ world }) => {
      await world.start();
      world.moveIn('many.jsonl', '{"prompt":"a"}\n{"prompt":""}\n{"prompt":"b","seed":-1}\n');
      await until(world.inFolder, empty);
      const { message } = world.json('rejected', 'many.error.json').error;
      expect(message).toContain('line 2: prompt: got an empty text');
      expect(message).toContain('line 3: seed: got -1');
      expect((await world.ports.store.list('local', { limit: 9, order: 'asc' })).jobs).toEqual([]);
    });
  });

  describe('an image', () => {
    test('is refused in words that say what the model offers, and its sidecar goes with it', async ({ world }) => {
      await world.start();
      world.moveIn('cat.png', PNG);
      await sleep(700);
      world.moveIn('cat.txt', 'it moves');
      await until(world.inFolder, empty);
      const { error, parts } = world.json('rejected', 'cat.error.json');
      expect(error).toMatchObject({ code: 'unsupported_operation', param: 'input_reference' });
      expect(error.message).toContain('mini offers text-to-video. Drop a .txt with a prompt');
      expect(parts).toMatchObject([{ name: 'cat.txt' }]);
      expect(world.names('rejected')).toEqual(['cat.error.json', 'cat.png', 'cat.txt']);
      expect(await outcomesByName(world)).toEqual({ 'cat.png': 'rejected', 'cat.txt': 'rejected' });
    });

    test('that a request names is taken with the request, also when it comes later', async ({ world }) => {
      await world.start();
      world.moveIn('ask.json', '{"prompt":"x","input_reference":"bild.png"}');
      await sleep(1_200);
      expect(world.inFolder()).toEqual(['ask.json']);
      world.moveIn('bild.png', PNG);
      await until(world.inFolder, empty);
      expect(world.names('rejected')).toEqual(['ask.error.json', 'ask.json', 'bild.png']);
    });

    test('without a sidecar is looked at once that had its time', async ({ world }) => {
      await world.start();
      world.moveIn('alone.png', PNG);
      await sleep(2_000);
      expect(world.inFolder()).toEqual(['alone.png']);
      await until(world.inFolder, empty, dropLimits.sidecarWaitMs / 1000 + 5);
      expect(world.json('rejected', 'alone.error.json').error.message).toContain('prompt: expected a text');
    });
  });

  describe('where a model takes them,', () => {
    const takes = async (use: (world: DropWorld) => Promise<void>) => {
      const world = openDropWorld([CARD, ALL_TASKS]);
      await world.start();
      await use(world).finally(() => world.close());
    };
    const jobs = async (world: DropWorld) => (await world.ports.store.list('local', { limit: 9, order: 'asc' })).jobs;
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

    test('an image and a video with their sidecars become jobs that start from them', () =>
      takes(async world => {
        world.moveIn('cat.txt', 'it moves');
        world.moveIn('cat.png', PNG);
        world.moveIn('dog.json', '{"prompt":"in snow","strength":0.5}');
        world.moveIn('dog.mp4', MP4);
        await until(world.inFolder, empty);
        const made = await jobs(world);
        expect(
          made.map(({ request }) => [request.prompt, request.task, request.strength, request.reference?.sha256]).sort(),
        ).toEqual([
          ['in snow', 'v2v', 0.5, hash(MP4)],
          ['it moves', 'i2v', null, hash(PNG)],
        ]);
        for (const { request } of made)
          expect((await world.ports.blobs.get(request.reference!.key))?.bytes).toBe(request.reference!.bytes);
        const receipts = world.receipts().map(({ source, parts }) => [source.name, source.sha256, parts[0]?.name]);
        expect(receipts.sort()).toEqual([
          ['cat.png', hash(PNG), 'cat.txt'],
          ['dog.mp4', hash(MP4), 'dog.json'],
        ]);
      }));

    test('every line of a batch may start from the same picture', () =>
      takes(async world => {
        world.moveIn('star.png', PNG);
        world.moveIn(
          'many.jsonl',
          '{"prompt":"a","input_reference":"star.png"}\n{"prompt":"b","image_reference":"star.png"}\n{"prompt":"c"}\n',
        );
        await until(world.inFolder, empty);
        const made = (await jobs(world)).map(({ request }) => [
          request.prompt,
          request.task,
          request.reference?.sha256,
        ]);
        expect(made.sort()).toEqual([
          ['a', 'i2v', hash(PNG)],
          ['b', 'i2v', hash(PNG)],
          ['c', 't2v', undefined],
        ]);
      }));

    test('what is damaged, cut off or too short is refused in the words of the API', () =>
      takes(async world => {
        world.moveIn('cut.txt', 'x');
        world.moveIn('cut.png', PNG.subarray(0, 60));
        world.moveIn('short.json', '{"prompt":"x","seconds":4}');
        world.moveIn('short.mp4', MP4);
        await until(world.inFolder, empty);
        const told = (name: string) => world.json('rejected', `${name}.error.json`).error.message;
        expect(told('cut')).toContain('input_reference: it is cut off');
        expect(told('short')).toContain('input_reference: got 2.00 seconds of video');
        expect(await jobs(world)).toEqual([]);
      }));
  });

  describe('what is no drop', () => {
    test('gets an outcome row and stays where it is', async ({ world }) => {
      await world.start();
      world.put('empty.txt', '');
      world.put('.hidden.txt', 'x');
      world.put('film.mp4.crdownload', 'x');
      mkdirSync(join(world.folder, 'in', 'folder.txt'));
      writeFileSync(join(world.folder, 'in', 'folder.txt', 'inner.txt'), 'x');
      execFileSync('mkfifo', [join(world.folder, 'in', 'pipe.txt')]);
      symlinkSync('/etc/hostname', join(world.folder, 'in', 'link.txt'));
      symlinkSync('nowhere', join(world.folder, 'in', 'dangling.txt'));
      const rows = {
        'empty.txt': 'empty',
        '.hidden.txt': 'hidden',
        'film.mp4.crdownload': 'temporary',
        'folder.txt': 'folder',
        'pipe.txt': 'special',
        'link.txt': 'link',
        'dangling.txt': 'link',
      };
      await until(
        () => outcomesByName(world),
        seen => Object.keys(seen).length === 7,
      );
      expect(await outcomesByName(world)).toEqual(rows);
      expect(world.inFolder()).toHaveLength(7);
      await world.start(); // nothing gets a second outcome
      await sleep(3_500);
      expect(await world.outcomes()).toHaveLength(7);
      world.put('empty.txt', 'now it says something');
      await until(world.inFolder, names => !names.includes('empty.txt'));
      expect(world.receipts()).toHaveLength(1);
    });

    test('as a hard link is refused without being read', async ({ world }) => {
      await world.start();
      const secret = join(world.folder, 'secret.txt');
      writeFileSync(secret, 'a secret of someone');
      linkSync(secret, join(world.folder, 'in', 'trick.txt'));
      await until(world.inFolder, empty);
      const { error, source } = world.json('rejected', 'trick.error.json');
      expect(error.message).toContain('hard link');
      expect(source.sha256).toBeNull();
      expect(readFileSync(secret, 'utf8')).toBe('a secret of someone');
    });

    test('as a huge or unknown file is refused without being read', async ({ world }) => {
      await world.start();
      world.moveIn('big.txt', Buffer.alloc(1_048_577, 'x'));
      world.moveIn('film.mkv', Buffer.alloc(9_000_000));
      await until(world.inFolder, empty);
      expect(world.json('rejected', 'big.error.json').error).toMatchObject({
        code: 'payload_too_large',
        param: 'file',
      });
      expect(world.json('rejected', 'film.error.json').error.message).toContain('this kind of file is not taken');
    });

    test('as a request of ten thousand mistakes is refused by the first of them', async ({ world }) => {
      await world.start();
      const fields = Array.from({ length: 10_000 }, (_, at) => [`field_${at}`, at]);
      world.moveIn('many.json', JSON.stringify({ prompt: 'x', ...Object.fromEntries(fields) }));
      world.moveIn('deep.json', `{"prompt":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
      await until(world.inFolder, empty);
      expect(world.json('rejected', 'many.error.json').error.message.length).toBeLessThan(9_000);
      expect(world.json('rejected', 'deep.error.json').error.message).toContain('levels deep');
    });

    test('as a thing of our own that came back starts nothing', async ({ world }) => {
      await world.start();
      world.moveIn('a.txt', 'a cat');
      world.moveIn('bad.json', '{');
      await until(world.inFolder, empty);
      await world.finishJobs();
      await until(world.receipts, ([one]) => one?.status === 'completed');
      const back = [...world.names('out'), 'bad.error.json'];
      for (const name of world.names('out'))
        copyFileSync(join(world.folder, 'out', name), join(world.folder, 'in', name));
      copyFileSync(join(world.folder, 'rejected', 'bad.error.json'), join(world.folder, 'in', 'bad.error.json'));
      symlinkSync(join(world.folder, 'out'), join(world.folder, 'in', 'out'));
      const own = async () => (await world.outcomes()).filter(({ reason }) => reason === 'own').length;
      await until(own, count => count === 3, 20);
      expect(world.inFolder()).toEqual([...back, 'out'].sort());
      expect(world.receipts()).toHaveLength(1);
      expect(world.names('rejected')).toHaveLength(2);
    });
  });

  describe('names', () => {
    const hostile: [string, Buffer][] = [
      ['a newline', Buffer.from('a\nb.txt')],
      ['no UTF-8', Buffer.from([0x61, 0xff, 0xfe, 0x2e, 0x74, 0x78, 0x74])],
      ['text that turns around', Buffer.from('photo\u202egnp.txt')],
      ['an emoji', Buffer.from('👩‍🎨🎬.txt')],
      ['a leading dash', Buffer.from('-rf.txt')],
      ['dots', Buffer.from('a..⁄..⁄etc.txt')],
      ['a device', Buffer.from('CON.txt')],
      ['quotes and a shell', Buffer.from('"; touch $(pwned) `x` \'.txt')],
      ['percent signs', Buffer.from('%2e%2e%2fetc%00.txt')],
      ['255 bytes', Buffer.from(`${'x'.repeat(251)}.txt`)],
      ['many bytes a letter', Buffer.from(`${'猫'.repeat(83)}.txt`)],
      ['spaces at both ends', Buffer.from(' a .txt')],
      ['terminal codes', Buffer.from('\u001b[31mred.txt')],
      ['a backslash', Buffer.from('a\\..\\windows.txt')],
    ];

    test('are labels: hostile ones become jobs, and what is written has safe names', async ({ world }) => {
      await world.start();
      for (const [at, [, name]] of hostile.entries()) world.moveIn(name, `prompt ${at}`);
      await until(world.inFolder, empty);
      const receipts = world.receipts();
      expect(receipts).toHaveLength(hostile.length);
      for (const name of world.names('out')) expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,180}\.json$/);
      const shown = receipts.map(({ source }) => source.name);
      expect(shown).toContain('a\\u{a}b.txt');
      expect(shown).toContain('a\\xff\\xfe.txt');
      expect(shown).toContain('photo\\u{202e}gnp.txt');
      expect(world.names('accepted')).toHaveLength(hostile.length);
    });

    test('of refused files get an error file as well, equal ones one each', async ({ world }) => {
      await world.start();
      for (const [, name] of hostile) world.moveIn(name, '');
      for (const [, name] of hostile) world.moveIn(Buffer.concat([name, Buffer.from('.json')]).subarray(-255), '{');
      await until(world.inFolder, names => names.length === hostile.length);
      expect(world.names('rejected').filter(name => name.endsWith('.error.json'))).toHaveLength(hostile.length);
      expect(world.names('rejected')).toHaveLength(2 * hostile.length);
    });
  });

  describe('a drop folder', () => {
    test('finds what it was not told of', async ({ world }) => {
      world.put('before.txt', 'before');
      await world.start();
      await until(world.inFolder, empty);
      await world.stop();
      world.put('between.txt', 'between');
      await world.start();
      await until(world.inFolder, empty);
      expect(world.names('accepted')).toEqual(['before.txt', 'between.txt']);
    });

    test('keeps both when a file is written over just as it is taken', async ({ world }) => {
      await world.start();
      let at = 0;
      const kv = new Proxy(world.ports.kv, {
        get: (target, key) =>
          key === 'create'
            ? async (entry: any) => {
                if (entry.space === 'drop_seen/local' && at++ === 0) world.moveIn('a.txt', 'the second');
                return target.create(entry);
              }
            : Reflect.get(target, key),
      });
      await world.start({ kv });
      world.moveIn('a.txt', 'the first');
      await until(world.inFolder, empty);
      await until(world.receipts, receipts => receipts.length === 2);
      const kept = world.names('accepted').map(name => readFileSync(join(world.folder, 'accepted', name), 'utf8'));
      expect(kept.sort()).toEqual(['the first', 'the second']);
    });

    test('keeps drops where they are while something is out, says it once, and goes on by itself', async ({
      world,
    }) => {
      let out = true;
      const kv = new Proxy(world.ports.kv, {
        get: (target, key) =>
          key === 'create' && out
            ? async () => {
                throw new ReelayError('store_unavailable', 'The database cannot grow; the disk is full.');
              }
            : Reflect.get(target, key),
      });
      await world.start({ kv });
      world.moveIn('a.txt', 'a');
      world.moveIn('b.txt', 'b');
      await sleep(2_500);
      expect(world.inFolder()).toEqual(['a.txt', 'b.txt']);
      expect(world.log.filter(({ level }) => level === 'error')).toHaveLength(1);
      expect(JSON.stringify(world.log)).not.toContain('a.txt');
      out = false;
      await until(world.inFolder, empty);
      expect(world.receipts()).toHaveLength(2);
    });

    test('stands still while one of its folders is none, and goes on when it is one again', async ({ world }) => {
      await world.start();
      renameSync(join(world.folder, 'out'), join(world.folder, 'elsewhere'));
      writeFileSync(join(world.folder, 'out'), 'a file');
      world.moveIn('a.txt', 'a');
      await sleep(1_500);
      expect(world.inFolder()).toEqual(['a.txt']);
      rmSync(join(world.folder, 'out'));
      renameSync(join(world.folder, 'elsewhere'), join(world.folder, 'out'));
      await until(world.inFolder, empty);
      expect(world.receipts()).toHaveLength(1);
    });

    test.skipIf(process.getuid?.() === 0)('takes the others while one cannot be read', async ({ world }) => {
      await world.start();
      world.moveIn('secret.txt', 'secret');
      chmodSync(join(world.folder, 'in', 'secret.txt'), 0);
      world.moveIn('b.txt', 'b');
      await until(world.inFolder, names => names.length === 1);
      chmodSync(join(world.folder, 'in', 'secret.txt'), 0o600);
      await until(world.inFolder, empty);
      expect(world.receipts()).toHaveLength(2);
    });

    test.for([
      ['in', 'accepted'],
      ['out', 'in'],
      ['rejected', 'in'],
    ] as const)('whose %s is a link is not used, and says why', async ([place, target], { world }) => {
      rmSync(join(world.folder, place), { recursive: true, force: true });
      mkdirSync(join(world.folder, target), { recursive: true });
      symlinkSync(join(world.folder, target), join(world.folder, place));
      await expect(world.start()).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining(`${place}/ is a link; give in, accepted, out and rejected real folders`),
      });
    });

    test('makes in/ again when someone removes it, and writes nothing once it has become a link', async ({ world }) => {
      await world.start();
      rmSync(join(world.folder, 'in'), { recursive: true });
      await sleep(500);
      await world.start();
      world.moveIn('a.txt', 'a');
      await until(world.inFolder, empty);
      const outside = join(world.folder, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'canary.txt'), 'canary');
      rmSync(join(world.folder, 'in'), { recursive: true });
      symlinkSync(outside, join(world.folder, 'in'));
      await sleep(3_500);
      expect(readFileSync(join(outside, 'canary.txt'), 'utf8')).toBe('canary');
      expect(world.receipts()).toHaveLength(1);
    });

    test('is watched by one process at a time', async ({ world }) => {
      const first = await world.start();
      const other = openDropWorld();
      try {
        const stop = new AbortController();
        const { startDrop } = await import('#adapters/local/drop-watcher.ts');
        const second = await startDrop(
          { ...other.ports, log: () => undefined },
          { folder: world.folder, tenant: 'local' },
          stop.signal,
        );
        for (let at = 0; at < 20; at++) world.moveIn(`${at}.txt`, `prompt ${at}`);
        await until(world.inFolder, empty);
        expect(world.receipts()).toHaveLength(20);
        expect((await other.ports.store.list('local', { limit: 9, order: 'asc' })).jobs).toEqual([]);
        stop.abort();
        await second.stopped;
      } finally {
        await other.close();
      }
      expect(first.places.root).toContain('drop');
    });
  });
});
