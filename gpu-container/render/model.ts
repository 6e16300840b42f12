import { ReelayError } from '#core/errors.ts';
import type { LatentShape } from '#gpu-container/engine/latents.ts';
import { createScheduler, type Scheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import type { Backend, Session, Tensor } from '#gpu-container/runtime/backend.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { createTokenizer } from '#gpu-container/runtime/tokenizer.ts';

/** A loaded bundle as four functions on plain arrays: the pipelines see neither graphs nor tensors. */
export interface Model {
  readonly bundle: Bundle;
  readonly latent: LatentShape;
  /** Prompt -> embedding [1, maxTokens, width]. */
  embed(prompt: string): Promise<Float32Array>;
  /**
   * Latents [B, C, T, H, W], one timestep for all, embeddings [B, maxTokens, width] -> velocity [B, C, T, H, W]. B is 1, or 2 for
   * guidance.
   */
  velocity(batch: number, latents: Float32Array, timestep: number, embeddings: Float32Array): Promise<Float32Array>;
  /** Latent [1, C, T, H, W] -> sample [1, 3, frames, height, width] in -1..1. */
  decode(latent: Float32Array): Promise<Float32Array>;
  scheduler(steps: number): Scheduler;
  release(): Promise<void>;
}

/** Loads the three graphs, the tokenizer and the scheduler of a verified bundle; `bundle_invalid` where they do not fit together. */
export async function openModel(bundle: Bundle, backend: Backend): Promise<Model> {
  const { manifest, name, graphs } = bundle;
  const { text_encoder } = manifest.components;
  if (manifest.latents === undefined)
    throw new ReelayError('bundle_invalid', `${name}: the family ${manifest.family} is not rendered yet.`);
  const scheduler = (steps: number) => createScheduler(bundle.scheduler, { steps });
  try {
    scheduler(manifest.defaults.steps);
  } catch (cause) {
    throw new ReelayError('bundle_invalid', `${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const tokenizer = createTokenizer(`${name}: tokenizer.json`, bundle.tokenizer, text_encoder.maxTokens);
  const { channels, frames, height, width } = manifest.latents;
  const textDims = [text_encoder.maxTokens, text_encoder.width];
  const idDims = [1, text_encoder.maxTokens];
  const encoder = await backend.createSession(graphs.text_encoder!, {
    name: `${name}: text_encoder`,
    knownInputs: { input_ids: { type: 'int64', dims: idDims }, attention_mask: { type: 'int64', dims: idDims } },
    neededOutputs: ['last_hidden_state'],
  });
  const denoiser = await backend.createSession(graphs.transformer!, {
    name: `${name}: transformer`,
    knownInputs: {
      hidden_states: { type: 'float32', dims: [null, channels, frames, height, width] },
      timestep: { type: 'float32', dims: [null] },
      encoder_hidden_states: { type: 'float32', dims: [null, ...textDims] },
    },
    neededOutputs: ['out_hidden_states'],
  });
  const latentDims = [1, channels, frames, height, width];
  const decoder = await backend.createSession(graphs.vae_decoder!, {
    name: `${name}: vae_decoder`,
    knownInputs: { latent_sample: { type: 'float32', dims: latentDims } },
    neededOutputs: ['sample'],
  });
  return {
    bundle,
    latent: manifest.latents,
    scheduler,
    async embed(prompt) {
      const ids = BigInt64Array.from(tokenizer.encode(prompt), BigInt);
      const mask = BigInt64Array.from(ids, id => (id === BigInt(tokenizer.padId) ? 0n : 1n));
      const feeds = {
        input_ids: { type: 'int64', data: ids, dims: idDims },
        attention_mask: { type: 'int64', data: mask, dims: idDims },
      } satisfies Record<string, Tensor>;
      return floats(encoder, feeds, 'last_hidden_state');
    },
    velocity(batch, latents, timestep, embeddings) {
      const feeds = {
        hidden_states: { type: 'float32', data: latents, dims: [batch, channels, frames, height, width] },
        timestep: { type: 'float32', data: new Float32Array(batch).fill(timestep), dims: [batch] },
        encoder_hidden_states: { type: 'float32', data: embeddings, dims: [batch, ...textDims] },
      } satisfies Record<string, Tensor>;
      return floats(denoiser, feeds, 'out_hidden_states');
    },
    decode(latent) {
      return floats(decoder, { latent_sample: { type: 'float32', data: latent, dims: latentDims } }, 'sample');
    },
    async release() {
      for (const session of [encoder, denoiser, decoder]) await session.release();
    },
  };
}

async function floats(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  output: string,
): Promise<Float32Array> {
  const tensor = (await session.run(feeds))[output];
  if (tensor?.type !== 'float32') throw new TypeError(`session: output ${output} is not float32.`);
  return tensor.data;
}
