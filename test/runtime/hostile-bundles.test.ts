/**
 * Bundles with one thing wrong each. All are refused with a sentence that names the file, what was found and what is supported,
 * before ONNX Runtime sees a graph: the backend here is one that must not be asked.
 */
import { spawnSync } from 'node:child_process';
import { appendFile, cp, link, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openModel } from '#gpu-container/render/model.ts';
import type { Backend } from '#gpu-container/runtime/backend.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { beside, edge, model, node, tensor } from './graph-parts.ts';
import { entryOf } from './small-bundle.ts';

const WAN = resolve(import.meta.dirname, '..', 'fixtures', 'bundles', 'wan-2.1-t2v');
const TOKENIZER = 'tokenizer/tokenizer.json';
const SCHEDULER = 'scheduler/scheduler_config.json';
const GRAPH = 'transformer/model.onnx';

const neverAsked: Backend = {
  createSession: path => {
    throw new Error(`ONNX Runtime was given ${path}`);
  },
};

interface Victim {
  readonly folder: string;
  /** Path in the bundle -> path on disk. */
  at(path: string): string;
  /** Writes a file and lists it as it then is. */
  put(path: string, content: Uint8Array | string): Promise<void>;
  /** The same of a JSON file's object. */
  change(path: string, change: (json: any) => unknown): Promise<void>;
  manifest(change: (manifest: any) => unknown): Promise<void>;
}

/** A copy of a good bundle. */
async function victim(): Promise<Victim> {
  const root = await mkdtemp(join(tmpdir(), 'reelay-hostile-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'models', 'bad');
  await cp(WAN, folder, { recursive: true });
  const at = (path: string) => join(folder, path);
  const rewrite = async (path: string, change: (json: any) => unknown): Promise<string> => {
    const json = JSON.parse(await readFile(at(path), 'utf8'));
    change(json);
    return JSON.stringify(json);
  };
  const manifest = async (change: (manifest: any) => unknown) =>
    writeFile(at('bundle.json'), await rewrite('bundle.json', change));
  const put = async (path: string, content: Uint8Array | string) => {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content);
    await manifest(m => {
      m.files = [...m.files.filter((file: { path: string }) => file.path !== path), entryOf(path, content)];
    });
  };
  return { folder, at, put, manifest, change: async (path, change) => put(path, await rewrite(path, change)) };
}

const open = async (folder: string) => openModel(await loadBundle(folder), neverAsked);

test('the bundle of which these are copies is a good one', async () => {
  const { folder } = await victim();
  await expect(open(folder)).rejects.toThrow(/^ONNX Runtime was given .*text_encoder\/model\.onnx$/);
});

describe('refused', () => {
  test.each<[string, (bad: Victim) => Promise<unknown>, string]>([
    // files
    ['a missing file', bad => rm(bad.at(GRAPH)), `models/bad: ${GRAPH} is missing`],
    [
      'a missing component',
      bad => rm(bad.at('transformer'), { recursive: true }),
      'transformer/config.json is missing',
    ],
    ['a file that is too long', bad => appendFile(bad.at(GRAPH), 'x'), 'bytes, bundle.json says'],
    [
      'a file of the right length and another content',
      async bad => writeFile(bad.at(GRAPH), (await readFile(bad.at(GRAPH))).reverse()),
      `models/bad: ${GRAPH} does not match its sha256: bundle.json says`,
    ],
    [
      'a link in the place of a file',
      async bad => {
        await rename(bad.at(GRAPH), bad.at('elsewhere'));
        await symlink('../elsewhere', bad.at(GRAPH));
      },
      `${GRAPH} is not a plain file inside the bundle; links are not followed`,
    ],
    [
      'a link in the place of a folder',
      async bad => {
        await rename(bad.at('transformer'), join(bad.folder, '..', 'elsewhere'));
        await symlink('../elsewhere', bad.at('transformer'));
      },
      'is not a plain file inside the bundle; links are not followed',
    ],
    [
      'a link to a device',
      async bad => {
        await rm(bad.at(SCHEDULER));
        await symlink('/dev/zero', bad.at(SCHEDULER));
      },
      `${SCHEDULER} is not a plain file`,
    ],
    [
      'a folder in the place of a file',
      async bad => {
        await rm(bad.at(GRAPH));
        await mkdir(bad.at(GRAPH));
      },
      `${GRAPH} is not a plain file`,
    ],
    // bundle.json
    ['no bundle.json', bad => rm(bad.at('bundle.json')), 'there is no bundle.json to read in this folder'],
    [
      'a bundle.json of 2 MB',
      bad => writeFile(bad.at('bundle.json'), ' '.repeat(2e6)),
      'not a file of at most 1048576',
    ],
    ['a bundle.json that is none', bad => writeFile(bad.at('bundle.json'), '{'), 'bundle.json is not JSON'],
    ['a bundle.json of brackets', bad => writeFile(bad.at('bundle.json'), '['.repeat(1e6)), 'bundle.json is not JSON'],
    ['an unknown family', bad => bad.manifest(m => (m.family = 'hunyuan')), 'family: got "hunyuan"; allowed: wan,'],
    [
      'a component that is not there',
      bad => bad.manifest(m => delete m.components.transformer),
      'components.transformer: is missing; the family wan has one',
    ],
    [
      'a path out of the bundle',
      bad => bad.manifest(m => (m.files[0].path = '../../etc/passwd')),
      'files.0.path: got "../../etc/passwd"; a path inside the bundle is allowed',
    ],
    ['a file that is listed twice', bad => bad.manifest(m => m.files.push(m.files[0])), 'is listed twice'],
    [
      'a graph with an id of the parent folder',
      bad => bad.manifest(m => (m.id = '..')),
      'id: letters, digits, dot, dash and underscore are allowed, a letter or digit first',
    ],
    [
      'a size that its components cannot make',
      bad => bad.manifest(m => m.limits.sizes.push('33x33')),
      'limits.sizes: 33x33; both sides are multiples of 16',
    ],
    // small files
    [
      'a pipeline of another family',
      bad => bad.change('model_index.json', json => (json._class_name = 'LTXPipeline')),
      'model_index.json: _class_name is "LTXPipeline"; of the family wan these are rendered: WanPipeline',
    ],
    ['a model_index.json that is a list', bad => bad.put('model_index.json', '[]'), 'is not a JSON object'],
    [
      'caches without end',
      bad => bad.put('vae_decoder/stream_caches.json', JSON.stringify([{ channels: 1e9, frames: 1, scale: 1 }])),
      'vae_decoder/stream_caches.json: got a list of 1, in it {"channels":1000000000',
    ],
    [
      'an unknown scheduler',
      bad => bad.change(SCHEDULER, json => (json._class_name = 'EvilScheduler')),
      'got _class_name "EvilScheduler"; known: UniPCMultistepScheduler, FlowMatchEulerDiscreteScheduler',
    ],
    [
      'an option of the scheduler that we do not follow',
      bad => bad.change(SCHEDULER, json => (json.solver_type = 'bh9')),
      'solver_type',
    ],
    [
      'a tokenizer of an unknown kind',
      bad => bad.change(TOKENIZER, json => (json.model.type = 'Morphemes')),
      `${TOKENIZER}: model: got the type "Morphemes"; supported: BPE, Unigram, WordPiece, WordLevel`,
    ],
    [
      'a tokenizer without a kind',
      bad => bad.change(TOKENIZER, json => delete json.model),
      `${TOKENIZER}: model: got the type none; supported: BPE`,
    ],
    [
      'a splitter of an unknown kind, in a sequence',
      bad =>
        bad.change(TOKENIZER, json => {
          json.pre_tokenizer = { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, { type: 'UnicodeScripts' }] };
        }),
      'pre_tokenizer.1: got the type "UnicodeScripts"; supported: BertPreTokenizer',
    ],
    [
      'a sequence of nothing',
      bad => bad.change(TOKENIZER, json => (json.normalizer = { type: 'Sequence' })),
      'normalizer: has no list "normalizers"',
    ],
    ['a tokenizer that is none', bad => bad.put(TOKENIZER, 'null'), `${TOKENIZER} is not a JSON object`],
    // graphs
    [
      'data above the folder',
      bad => bad.put(GRAPH, model({ tensors: [beside('../../../../etc/passwd')] })),
      `${GRAPH} is no graph that can be loaded: the tensor "w" keeps its data in "../../../../etc/passwd"`,
    ],
    [
      'data at an absolute path',
      bad => bad.put(GRAPH, model({ tensors: [beside('/etc/passwd')] })),
      'keeps its data in "/etc/passwd"; a plain name beside the graph is allowed',
    ],
    [
      'data behind percent signs',
      bad => bad.put(GRAPH, model({ tensors: [beside('%2e%2e%2fx')] })),
      'keeps its data in "%2e%2e%2fx"; a plain name beside the graph is allowed',
    ],
    [
      'data in a file that is there and not listed',
      async bad => {
        await writeFile(bad.at('transformer/model.onnx_data'), Buffer.alloc(16));
        await bad.put(GRAPH, model({ tensors: [beside('model.onnx_data')] }));
      },
      'keeps its data in "model.onnx_data", which bundle.json does not list',
    ],
    [
      'data that is shorter than its tensors',
      async bad => {
        await bad.put('transformer/model.onnx_data', Buffer.alloc(15));
        await bad.put(GRAPH, model({ tensors: [beside('model.onnx_data')] }));
      },
      'up to byte 16; the file has 15',
    ],
    [
      'an operator of its own domain',
      bad => bad.put(GRAPH, model({ nodes: [node('Run', 'evil')] })),
      'the operator "evil:Run" is of a domain of its own; ai.onnx, ai.onnx.ml and com.microsoft are supported',
    ],
    [
      'bf16 at an input',
      bad => bad.put(GRAPH, model({ inputs: [edge('hidden_states', 16)] })),
      `${GRAPH} is no graph that can be loaded: the input "hidden_states" is bfloat16; float32, int64 and int32 are supported`,
    ],
    [
      'f16 at an output',
      bad => bad.put(GRAPH, model({ outputs: [edge('out_hidden_states', 10)] })),
      'the output "out_hidden_states" is float16; float32, int64 and int32 are supported at the edges',
    ],
    [
      'dims without end',
      bad => bad.put(GRAPH, model({ tensors: [tensor({ dims: [2 ** 40, 2 ** 40] })] })),
      'bytes are the most of one tensor',
    ],
    ['half a graph', async bad => bad.put(GRAPH, (await readFile(bad.at(GRAPH))).subarray(0, 5000)), 'runs past its'],
    ['text in the place of a graph', bad => bad.put(GRAPH, 'git-lfs pointer'), 'is no graph that can be loaded'],
  ])('%s', async (_, change, sentence) => {
    const bad = await victim();
    await change(bad);
    await expect(open(bad.folder)).rejects.toMatchObject({
      name: 'ReelayError',
      code: expect.stringMatching(/^bundle_(invalid|corrupt)$/),
      retryable: false,
      message: expect.stringContaining(sentence),
    });
  });

  test('a second name of the same file is fine: it is the same bytes', async () => {
    const { at, folder } = await victim();
    await rename(at(GRAPH), at('elsewhere'));
    await link(at('elsewhere'), at(GRAPH));
    await loadBundle(folder);
  });

  test.skipIf(process.platform === 'win32')('a pipe is not waited for', async () => {
    const { at, folder } = await victim();
    await rm(at(GRAPH));
    expect(spawnSync('mkfifo', [at(GRAPH)]).status).toBe(0);
    await expect(loadBundle(folder)).rejects.toThrow(`${GRAPH} is not a plain file`);
  });
});
