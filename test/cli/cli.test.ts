import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serve } from '#local/serve.ts';
import { cli, startServer } from '#test/local/server-process.ts';

let folder: string;
const env = () => ({ REELAY_DATA: join(folder, 'data') });
const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PROMPT = 'a red circle bouncing over a dark blue background';

describe('reelay generate', () => {
  test('twice with the same seed makes identical frames, in files that each installation has marked as its own', async () => {
    const [a, b] = [join(folder, 'a.mp4'), join(folder, 'b.mp4')];
    const first = await cli(['generate', PROMPT, '--seed', '7', '--out', a], env());
    expect(first).toMatchObject({ code: 0, stdout: `${a}\n` });
    expect(first.stderr).toContain('completed');
    const again = async (seed: string, data: string, ...more: string[]) =>
      JSON.parse((await cli(['generate', PROMPT, '--seed', seed, '--json', ...more], { REELAY_DATA: data })).stdout);
    const here = await again('7', env().REELAY_DATA);
    const there = await again('7', join(folder, 'other-data'), '--out', b);
    expect(there.frames_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(there.frames_sha256).toBe(here.frames_sha256);
    expect(await sha256(b)).not.toBe(await sha256(a));
    expect((await again('8', env().REELAY_DATA)).frames_sha256).not.toBe(here.frames_sha256);
  });

  test('prints one JSON object for a script', async () => {
    const { code, stdout, stderr } = await cli(
      ['generate', 'a', 'blue', 'star', '--steps', '1', '--seed', '5', '--json'],
      env(),
    );
    const facts = JSON.parse(stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(facts).toMatchObject({ status: 'completed', seed: 5, model: 'reelay-mini', error: null });
    expect(await sha256(facts.path)).toBe(facts.sha256);
    expect((await stat(facts.path)).size).toBe(facts.bytes);
  });

  test.each([
    [['generate', PROMPT, '--size', '9x9'], 'size: got "9x9"'],
    [['generate', PROMPT, '--steps', 'many'], 'num_inference_steps: expected a number'],
    [['generate', ' '], 'prompt: got an empty text'],
    [['generate', PROMPT, '--model', 'sora-2'], 'this server offers: reelay-mini'],
    [['generate', PROMPT, '--out', '/nowhere/a.mp4'], 'the folder /nowhere does not exist'],
    [['generate', PROMPT, '--out', 'a.gif'], 'ends in .mp4'],
    [['generate', PROMPT, '--wibble'], "unknown option '--wibble'"],
    [['generate'], "missing required argument 'prompt'"],
    [['genrate', PROMPT], "unknown command 'genrate'"],
  ])('refuses %j with a sentence and exit code 2', async (args, sentence) => {
    const { code, stdout, stderr } = await cli(args, env());
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('reelay', () => {
  test.each(['', 'generate', 'serve', 'worker', 'models', 'doctor'])('%s --help explains itself', async command => {
    const { code, stdout } = await cli(command === '' ? ['--help'] : [command, '--help'], env());
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: reelay');
  });

  test('models list and verify say what is there and that it is whole', async () => {
    expect((await cli(['models', 'list'], env())).stdout).toMatch(/^reelay-mini {2}Apache-2.0/);
    expect(JSON.parse((await cli(['models', 'list', '--json'], env())).stdout)[0]).toMatchObject({ id: 'reelay-mini' });
    const verified = await cli(['models', 'verify', '--json'], env());
    expect([verified.code, JSON.parse(verified.stdout)]).toEqual([
      0,
      [{ model: 'reelay-mini', ok: true, error: null }],
    ]);
  });

  test('doctor finds this machine well, and a bad one ill', async () => {
    const well = await cli(['doctor', '--json'], env());
    expect(JSON.parse(well.stdout).filter((finding: any) => !finding.ok)).toEqual([]);
    expect(well.code).toBe(0);
    await writeFile(join(folder, 'a-file'), '');
    const ill = await cli(['doctor'], { REELAY_DATA: join(folder, 'a-file') });
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/^BAD {2}data folder:/m);
  });

  test('worker --until-idle renders what waits and ends', async () => {
    const shared = { REELAY_DATA: join(folder, 'shared') };
    const front = await serve({ dataFolder: shared.REELAY_DATA, port: 0, studio: false, work: false });
    const init = {
      method: 'POST',
      body: '{"prompt":"a ring","num_inference_steps":1}',
      headers: { 'content-type': 'application/json' },
    };
    const { id } = (await (await fetch(`${front.url}/v1/videos`, init)).json()) as { id: string };
    const { code, stdout } = await cli(['worker', '--until-idle', '--json'], { REELAY_DATA: join(folder, 'shared') });
    expect(code).toBe(0);
    expect(stdout).toContain('{"event":"stopped"}');
    const video = (await (await fetch(`${front.url}/v1/videos/${id}`)).json()) as { status: string };
    expect(video.status).toBe('completed');
    await front.close();
  });
});

describe('npm start', () => {
  test('with a prompt prints the path of the MP4 and then ready, each on a line of its own', async () => {
    const server = await startServer(join(folder, 'start'), PROMPT.split(' '));
    const lines = server.output().split('\n');
    const path = lines.find(line => line.startsWith('/') && line.endsWith('.mp4'))!;
    expect((await readFile(path)).subarray(4, 8).toString()).toBe('ftyp');
    expect(lines.indexOf(`ready ${server.url}`)).toBeGreaterThan(lines.indexOf(path));
    expect(await server.stop()).toBe(0);
  });

  test('says in one line that a port is taken, or is no port', async () => {
    const taken = createServer();
    await new Promise<void>(done => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as { port: number };
    const { code, stderr, stdout } = await cli(['start'], { ...env(), PORT: String(port) });
    taken.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`Port ${port} on 127.0.0.1 is taken`)]);
    const nonsense = await cli(['start'], { ...env(), PORT: 'http' });
    expect([nonsense.code, nonsense.stderr]).toEqual([
      2,
      'reelay: PORT: got "http"; a number from 0 to 65535 is allowed.\n',
    ]);
  });

  test('says in a sentence that the data folder cannot be used', async () => {
    await writeFile(join(folder, 'not-a-folder'), 'x');
    const { code, stderr } = await cli(['start'], { REELAY_DATA: join(folder, 'not-a-folder') });
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stderr).toContain('not-a-folder');
  });
});
