/** `reelay eval` on tiny bundles: what it writes and what its gates say. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evalCommand } from '#cli/eval.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
import { inProcess } from './in-process.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const evaluate = (...words: readonly string[]) => inProcess(evalCommand(), words, { REELAY_DATA: at('data') });
const ofFast = (...words: readonly string[]) =>
  evaluate('--bundle', at('fast'), '--prompts', at('prompts.jsonl'), '--steps', '2', ...words);

/** What a busy machine makes slow is told of after two seconds; that is no complaint. */
const complaints = (stderr: string) => stderr.replace(/^(judging|golden|gate L\d): \d+ of \d+ clips, \d+ s\n/gm, '');

const PROMPTS = [
  { prompt: 'a red <b>circle</b>', seed: 7 },
  { prompt: 'a blue star', want: { background: 'black', things: [{ color: 'blue', shape: 'star', motion: 'spin' }] } },
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-eval-test-'));
  await writeFastBundle(at('fast'));
  await writeFastBundle(at('other'), { seed: 2 });
  await writeFile(at('prompts.jsonl'), `${PROMPTS.map(line => JSON.stringify(line)).join('\n\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('reelay eval', () => {
  test('tells a table, and writes JSON, a page and a sheet for each clip', async () => {
    const { code, stdout, stderr } = await ofFast('--out', at('out'));
    expect({ code, stderr: complaints(stderr) }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^reelay-fast, bundle [0-9a-f]{12}; reelay [\d.]+, ONNX Runtime [\d.]+, cpu, /);
    expect(stdout).toContain('text-to-video, 2 steps, guidance');
    expect(stdout).toMatch(/^warp error +levels +\d/m);
    expect(stdout).toContain('rFVD: not told of 2 clips; 64 are needed');
    expect((await readdir(at('out'))).sort()).toEqual(['0001.jpg', '0002.jpg', 'eval.html', 'eval.json']);
    const report = JSON.parse(await readFile(at('out', 'eval.json'), 'utf8'));
    expect(report).toMatchObject({
      reelayEval: 1,
      subject: {
        model: 'reelay-fast',
        bundle: expect.stringMatching(/^[0-9a-f]{64}$/),
        provider: 'cpu',
        through: 'bundle',
      },
      settings: { task: 't2v', preset: null, steps: 2, size: '64x64', frames: 4 },
      adherence: null, // the oracle reads no clips of 64 pixels
      rows: [
        { seed: 7, error: null },
        { seed: 1001, want: { camera: 'static', place: 'single' }, got: null },
      ],
    });
    expect(report.rows[0].figures.sharpness).toBeGreaterThan(0);
  });

  test('the page is one file that fetches nothing, and shows prompts as text', async () => {
    const page = await readFile(at('out', 'eval.html'), 'utf8');
    expect(page).toContain('a red &lt;b&gt;circle&lt;/b&gt;');
    expect(page).not.toMatch(/<b>circle|<script|<link|https?:/);
    expect(page.match(/src="data:image\/jpeg;base64,/g)).toHaveLength(2);
  });

  test('twice the same gives the same JSON, byte by byte, and nothing of the machine is in it', async () => {
    await ofFast('--json', at('again.json'));
    const text = await readFile(at('again.json'), 'utf8');
    expect(text).toBe(await readFile(at('out', 'eval.json'), 'utf8'));
    expect(text).not.toContain(folder);
  });
});

describe('reelay eval on the bundled model', () => {
  test('makes the first fixed prompts and lets the oracle read them', async () => {
    const few = ['--count', '2', '--steps', '2', '--json', at('mini.json')];
    const { code, stdout } = await evaluate('--model', 'reelay-mini', ...few);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^all prompts +2 +\d+\.\d +\d+\.\d/m);
    const { rows, adherence, besideDrawn } = JSON.parse(await readFile(at('mini.json'), 'utf8'));
    expect(rows.map((row: { got: object; marks: object }) => [row.got, row.marks])).toEqual([
      [expect.objectContaining({ things: expect.any(Array) }), expect.objectContaining({ all: expect.any(Boolean) })],
      [expect.objectContaining({ things: expect.any(Array) }), expect.objectContaining({ all: expect.any(Boolean) })],
    ]);
    expect(adherence.all.clips).toBe(2);
    // Its own encoder and decoder give back the drawn clips, nearly.
    const { clips, drawn, recoded } = besideDrawn.recoded;
    expect(clips).toBe(2);
    expect(recoded.flicker / drawn.flicker).not.toBe(1);
    expect(recoded.flicker / drawn.flicker).toBeGreaterThan(0.7);
    expect(recoded.flicker / drawn.flicker).toBeLessThan(2);
  });
});

describe('the gates of reelay eval', () => {
  const gate = (level: string, ...words: string[]) =>
    evaluate('--bundle', at('fast'), '--golden', at('golden'), '--gate', level, '--out', at('closed'), ...words);

  test('what was just made passes all three, and the reason is kept', async () => {
    const made = await ofFast('--golden', at('golden'), '--update-golden', 'the first ones');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('2 goldens of reelay-fast; 4 seeds each') });
    const manifest = JSON.parse(await readFile(at('golden', 'golden.json'), 'utf8'));
    expect(manifest).toMatchObject({
      reelayGolden: 1,
      subject: { model: 'reelay-fast', threads: 1 },
      asked: { preset: null, steps: 2, guidance: null },
      approvals: [{ reason: 'the first ones', engine: expect.stringMatching(/^\d/) }],
      prompts: [{ seed: 7, steps: 2, frames: 4, width: 64, reference: null }, { seed: 1001 }],
    });
    for (const level of ['L0', 'L1', 'L2']) {
      const { code, stdout } = await gate(level);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`gate ${level}: open`) });
    }
  });

  test('clips of other weights are refused at L0 and L1, and at L2 they leave pictures and say what to do', async () => {
    const other = (level: string) =>
      evaluate('--bundle', at('other'), '--golden', at('golden'), '--gate', level, '--out', at('closed'));
    for (const level of ['L0', 'L1']) {
      const { code, stderr } = await other(level);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^reelay: --gate L[01]: the bundle of the golden is [0-9a-f]{12} and here [0-9a-f]{12}; /);
    }
    const { code, stdout, stderr } = await other('L2');
    expect(code).toBe(1);
    expect(stdout).toMatch(/#1: the cosine of the last step is .*; 0.99 or more is needed/);
    expect(stdout).toContain('gate L2: closed');
    expect(stderr).toContain(`side by side in ${at('closed', 'gate-L2.html')}`);
    expect(stderr).toContain('--update-golden "<why>"');
    const page = await readFile(at('closed', 'gate-L2.html'), 'utf8');
    expect(page).toContain('The goldens were taken because: the first ones');
    expect((await readdir(at('closed'))).sort()).toEqual(['gate-L2-001.jpg', 'gate-L2-002.jpg', 'gate-L2.html']);
  });

  test('L0 is closed where another setting made other latents', async () => {
    const path = at('golden', 'golden.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"guidance": null', '"guidance": 1'));
    const { code, stdout } = await gate('L0', '--json', at('gate.json'), '--count', '1');
    expect(code).toBe(1);
    expect(stdout).toContain('#1: the latents are not the golden ones');
    expect(JSON.parse(await readFile(at('gate.json'), 'utf8'))).toMatchObject({ gate: 'L0', passed: false });
    await writeFile(path, text);
  });

  test('golden.json as an editor on Windows leaves it says the same', async () => {
    const path = at('golden', 'golden.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, `\ufeff${text.replaceAll('\n', '\r\n')}`);
    const { code, stderr } = await gate('L1', '--count', '1');
    expect({ code, stderr: complaints(stderr) }).toEqual({ code: 0, stderr: '' });
    await writeFile(path, text);
  });

  test('a golden of another library or processor is refused at L0', async () => {
    await mkdir(at('elsewhere'), { recursive: true });
    for (const name of await readdir(at('golden'))) await copyFile(at('golden', name), at('elsewhere', name));
    const path = at('elsewhere', 'golden.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    const refusal = async (changed: object) => {
      await writeFile(path, JSON.stringify({ ...manifest, ...changed }));
      return (await evaluate('--bundle', at('fast'), '--golden', at('elsewhere'), '--gate', 'L0')).stderr;
    };
    const { subject } = manifest;
    expect(await refusal({ subject: { ...subject, ort: '1.2.3' } })).toContain(
      'ONNX Runtime of the golden is 1.2.3 and here 1.',
    );
    expect(await refusal({ subject: { ...subject, precision: 'fp16' } })).toContain(
      'the precision of the golden is fp16',
    );
    expect(await refusal({ subject: { ...subject, provider: 'cuda' } })).toContain('L1 and L2 compare others.');
    expect(await refusal({ arch: 'z80' })).toContain('the processor of the golden is z80');
    const [first] = manifest.prompts;
    const damages = [
      ...[{ prompts: [] }, { prompts: [null] }, { prompts: [{ ...first, reference: undefined }] }, { subject: null }],
      ...[
        { asked: undefined },
        { approvals: undefined },
        { figures: {} },
        { seeds: 'x' },
        { seeds: 0 },
        { seeds: 1e9 },
      ],
    ];
    for (const damage of damages)
      expect(await refusal(damage), JSON.stringify(damage)).toMatch(
        /^reelay: --golden: .* is damaged; remove it, .*\n$/,
      );
    expect(await refusal({ reelayGolden: 2 })).toContain('is no golden.json that this program reads');
  });

  test('one command holds a model to its presets too, each a set in a folder of the golden one', async () => {
    await writeFastBundle(at('tuned'));
    const manifest = JSON.parse(await readFile(at('tuned', 'bundle.json'), 'utf8'));
    await writeFile(
      at('tuned', 'bundle.json'),
      JSON.stringify({ ...manifest, presets: { fast: { steps: 1, guidance: 1 } } }),
    );
    const tuned = (...words: string[]) => evaluate('--bundle', at('tuned'), ...words);
    const take = (folder: string, ...words: string[]) =>
      tuned('--golden', folder, '--update-golden', 'sets', '--prompts', at('prompts.jsonl'), ...words);
    expect(await take(at('two sets', 'quick'), '--preset', 'fast', '--count', '1')).toMatchObject({ code: 0 });
    expect(await take(at('two sets'), '--steps', '2')).toMatchObject({ code: 0 }); // the set inside stays
    const all = await tuned('--golden', at('two sets'), '--gate', 'L0');
    expect(all).toMatchObject({ code: 0, stdout: expect.stringMatching(/^text-to-video, 2 steps, .*; 2 prompts$/m) });
    expect(all.stdout).toMatch(/^quick: text-to-video, 1 step, guidance 1, preset fast; .*; 1 prompt$/m);

    const path = at('two sets', 'quick', 'golden.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"seed": 7', '"seed": 8'));
    const told = ['--json', at('sets.json'), '--out', at('sets-closed')];
    const { code, stdout, stderr } = await tuned('--golden', at('two sets'), '--gate', 'L0', ...told);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/gate L0: closed\n$/) });
    expect(stderr).toContain(
      `: reelay eval --golden '${at('two sets', 'quick')}' --update-golden "<why>" --preset fast --count 1\n`,
    );
    expect((await readdir(at('sets-closed'))).sort()).toEqual(['gate-L0-quick-001.jpg', 'gate-L0.html']);
    const { settings, sets, findings } = JSON.parse(await readFile(at('sets.json'), 'utf8'));
    expect({ settings, sets }).toMatchObject({
      settings: { steps: 2, preset: null },
      sets: [{ set: null }, { set: 'quick', settings: { preset: 'fast' } }],
    });
    expect(findings.map((one: { set: unknown; problems: unknown[] }) => [one.set, one.problems.length > 0])).toEqual([
      [null, false],
      [null, false],
      ['quick', true],
    ]);
    await writeFile(path, '{');
    expect((await tuned('--golden', at('two sets'), '--gate', 'L1')).stderr).toContain(`${path} is no golden.json`);
  });

  test('a golden file that was changed is named', async () => {
    await writeFile(at('golden', '002.frames.gz'), 'nothing');
    const { code, stderr } = await gate('L1');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`${at('golden', '002.frames.gz')} is not what golden.json says`),
    });
  });
});

describe('reelay eval from pictures and videos', () => {
  const tiny = join(import.meta.dirname, '..', 'fixtures', 'bundles', 'reelay-mini');
  const drawn = (...words: string[]) => evaluate('--bundle', tiny, '--count', '1', '--steps', '2', ...words);

  test('the fixed prompts bring a drawn picture or video, and a golden keeps it', async () => {
    const { stdout } = await drawn('--task', 'i2v');
    expect(stdout).toContain('image-to-video, 2 steps');
    expect(stdout).toMatch(/^first frame against the picture: PSNR \d+\.\d dB/m);
    const inside = at('moving', 'v2v'); // no set but this one
    expect(await drawn('--task', 'v2v', '--golden', inside, '--update-golden', 'of videos')).toMatchObject({ code: 0 });
    expect((await readFile(join(inside, '001.reference'))).subarray(4, 8).toString()).toBe('ftyp');
    const gate = () => evaluate('--bundle', tiny, '--golden', at('moving'), '--gate', 'L0');
    expect(await gate()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^v2v: video-to-video, 2 steps/) });
    await writeFile(join(inside, '001.reference'), 'another');
    expect((await gate()).stderr).toContain('001.reference is not what');
  });
});
