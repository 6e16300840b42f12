/** @file The bundled family: fixed latents [1, C, T, h, w], flow matching, guidance as a batch of two, no statistics. */
import { elementCount, filled, floats, repeatBatch } from '../tensor.ts';
import type { Family, FamilySource } from './family.ts';
import { rememberTexts, textTensor } from './text-tensor.ts';

/** A clip's latent, without the batch. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** `latents` is bundle.json's; `clip` the one size that it stands for. */
export function createReelayMini(
  source: Pick<FamilySource, 'textWidth' | 'maxTokens'>,
  latents: LatentShape,
  clip: { readonly frames: number; readonly height: number; readonly width: number },
): Family {
  const shape = [latents.channels, latents.frames, latents.height, latents.width];
  const dims = [1, ...shape];
  return {
    name: 'reelay-mini',
    tasks: ['t2v'],
    text: { cleaning: 'none', zeroPadRows: false, masked: true },
    pixelMultiple: clip.width,
    frameRule: { first: clip.frames, step: clip.frames },
    decoder: { spatialScale: clip.width / latents.width },
    denoiserInputs: {
      hidden_states: [null, ...shape],
      timestep: [null],
      encoder_hidden_states: [null, source.maxTokens, source.textWidth],
    },
    denoiserOutput: 'out_hidden_states',
    sampleDims: () => dims,
    scheduleOptions: ({ steps }) => ({ steps }),
    start: async (request, means) => {
      const text = rememberTexts(textTensor);
      return {
        noise: means.draw(elementCount(dims)),
        batchedGuidance: true,
        component: () => 'transformer',
        guidance: () => request.guidance,
        feeds: ({ sample, timestep, texts }) => {
          const batch = texts.length;
          return {
            hidden_states: floats(repeatBatch(sample, batch), [batch, ...shape]),
            timestep: filled(timestep, [batch]),
            encoder_hidden_states: text(texts),
          };
        },
        finish: sample => ({ latent: floats(sample, dims) }),
      };
    },
  };
}
