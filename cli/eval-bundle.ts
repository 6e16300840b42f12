import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { parseResidency } from '#core/policy/residency.ts';
import { type Provider, whyUnfit } from '#core/provider.ts';
import { parseSubmission, type VideoRequest } from '#core/video-request.ts';
import type { Clip } from '#gpu-container/evaluation/clip.ts';
import type { EvalSettings } from '#gpu-container/evaluation/report.ts';
import { openObservedRender } from '#gpu-container/render/observed-render.ts';
import { describeRuntime } from '#gpu-container/runtime/ort-backend.ts';
import { localPlace } from '#local/local-ports.ts';
import type { ClipSource, EvalAsk } from './eval-source.ts';

/** What is rendered, and how. */
export interface BundleSourceOptions {
  readonly folder: string;
  readonly threads: number;
  readonly provider: Provider;
  /** Version of Reelay. */
  readonly engine: string;
}

/** A bundle's clips, rendered in this process by the pipeline of the render child. */
export async function openBundleSource(options: BundleSourceOptions): Promise<ClipSource> {
  const { threads, provider, engine } = options;
  const observed = await openObservedRender(options);
  const { card, precision } = observed;
  const unfit = whyUnfit(card.id, card.requires, { provider, memoryBytes: undefined });
  if (unfit !== undefined) {
    await observed.release();
    throw new ReelayError('provider_unavailable', unfit);
  }
  const scratch = await mkdtemp(join(tmpdir(), 'reelay-eval-'));
  const [ort = 'unknown'] = (await describeRuntime()).split(' ');
  const requestOf = (ask: EvalAsk): VideoRequest => {
    const rules = { classes: parseResidency(''), servedPlaces: [localPlace] };
    const options = { seed: ask.seed, nowMs: null, checkUrl: () => undefined, residency: rules };
    return parseSubmission(fieldsOf(ask, card.id), [card], options).request;
  };
  return {
    subject: { model: card.id, bundle: card.digest, engine, ort, provider, precision, threads, through: 'bundle' },
    size: card.defaults.size,
    frames: card.defaults.frames,
    fps: card.defaults.fps,
    check: ask => settingsOf(requestOf(ask), ask.preset),
    async make(ask, { keepLatents }) {
      const request = requestOf(ask);
      const referencePath = ask.reference && join(scratch, 'reference');
      if (ask.reference !== undefined) await writeFile(referencePath!, ask.reference.bytes);
      const { rgb, frames, height, width, latents, framesSha256 } = await observed.run(request, {
        referencePath,
        keepLatents,
      });
      return {
        clip: { frames, height, width, rgb },
        latents,
        latentsSha256: hashOf(latents),
        framesSha256,
        settings: settingsOf(request, ask.preset),
      };
    },
    ...(card.tasks.includes('v2v') && {
      recode: async (ask: EvalAsk, clip: Clip) => ({
        ...clip,
        rgb: await observed.reconstruct(requestOf(ask), clip.rgb),
      }),
    }),
    async close() {
      await observed.release();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

/** An ask as a request's fields, as the doors know them. */
function fieldsOf(
  { prompt, seed, preset, steps, guidance, reference }: EvalAsk,
  model: string,
): Record<string, unknown> {
  const fields = {
    ...{ model, prompt, seed, preset, num_inference_steps: steps, guidance_scale: guidance },
    ...(reference && { [reference.field]: { file: true, bytes: reference.bytes, contentType: '' } }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function settingsOf(request: VideoRequest, preset: string | undefined): EvalSettings {
  const { task, num_inference_steps: steps, guidance_scale: guidance, size, num_frames: frames, fps } = request;
  return { task, preset: preset ?? null, steps, guidance, size, frames, fps };
}

/** sha256 over all samples in the order of the steps, float32 little-endian; lower-case hex. */
export function hashOf(latents: readonly Float32Array[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of latents) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}
