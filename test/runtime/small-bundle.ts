/** A bundle of a few hundred bytes, for tests of what is refused: real in form, its graphs do next to nothing. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { GOVERNANCE } from './fast-bundle.ts';
import { encodeGraph } from './onnx-graph.ts';

/** out = tanh(in) */
export const TANH_GRAPH = encodeGraph({
  inputs: [{ name: 'in', type: 'float32', shape: [1] }],
  outputs: [{ name: 'out', type: 'float32', shape: [1] }],
  nodes: [{ op: 'Tanh', inputs: ['in'], output: 'out' }],
  weights: [],
});

export interface SmallBundle {
  readonly folder: string;
  /** Writes bundle.json again after `change`. */
  rewrite(change: (manifest: Record<string, never> & { files: FileEntry[] }) => void): Promise<void>;
}

interface FileEntry {
  path: string;
  bytes: number;
  sha256: string;
}

type Contents = Readonly<Record<string, Uint8Array | string>>;

/** `graph` is the transformer's; `more` are files besides, or instead. */
export async function smallBundle(graph: Uint8Array = TANH_GRAPH, more: Contents = {}): Promise<SmallBundle> {
  const root = await mkdtemp(join(tmpdir(), 'reelay-bundle-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'models', 'small');
  const contents: Record<string, Uint8Array | string> = {
    'text_encoder/model.onnx': TANH_GRAPH,
    'transformer/model.onnx': graph,
    'vae_decoder/model.onnx': TANH_GRAPH,
    'tokenizer/tokenizer.json': '{"model":{"type":"WordLevel","vocab":{}}}',
    'scheduler/scheduler_config.json': '{"_class_name":"FlowMatchEulerDiscreteScheduler"}',
  };
  const files: FileEntry[] = [];
  Object.assign(contents, more);
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), content);
    files.push(entryOf(path, content));
  }
  const json = JSON.stringify(manifest(files));
  await writeFile(join(folder, 'bundle.json'), json);
  return {
    folder,
    async rewrite(change) {
      const changed = JSON.parse(json);
      change(changed);
      await writeFile(join(folder, 'bundle.json'), JSON.stringify(changed));
    },
  };
}

export function entryOf(path: string, content: Uint8Array | string): FileEntry {
  const bytes = Buffer.from(content);
  return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function manifest(files: FileEntry[]) {
  return {
    bundle: 1,
    id: 'small',
    family: 'reelay-mini',
    tasks: ['t2v'],
    license: 'Apache-2.0',
    created: 1,
    owned_by: 'tests',
    description: 'A bundle for tests.',
    governance: GOVERNANCE,
    components: {
      text_encoder: { graph: 'text_encoder/model.onnx', maxTokens: 4, width: 8 },
      transformer: { graph: 'transformer/model.onnx' },
      vae_decoder: { graph: 'vae_decoder/model.onnx', plan: 'whole' },
    },
    latents: { channels: 2, frames: 1, height: 2, width: 2 },
    limits: {
      sizes: ['64x64'],
      frames: { min: 4, max: 4, step: 1 },
      fps: { min: 4, max: 8, step: 1 },
      steps: { min: 1, max: 9, step: 1 },
      guidance: { min: 1, max: 10 },
      maxPromptChars: 100,
    },
    defaults: { size: '64x64', frames: 4, fps: 4, steps: 2, guidance: 2, negativePrompt: '' },
    files,
  };
}
