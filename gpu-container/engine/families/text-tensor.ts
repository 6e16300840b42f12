import { concat, floats, type Tensor } from '../tensor.ts';
import type { TextEmbedding } from './family.ts';

/** A run's texts as the denoiser takes them. */
export type TextFeed = (texts: readonly TextEmbedding[]) => Tensor;

/** Embeddings of one or two texts as a batch: [B, tokens, width]. */
export function textTensor(texts: readonly TextEmbedding[]): Tensor {
  const { tokens, width } = texts[0]!;
  return floats(concat(texts.map(text => text.embeds)), [texts.length, tokens, width]);
}

/** The same feed, made once for the texts that a run has at every step. */
export function rememberTexts(make: TextFeed): TextFeed {
  let last: { readonly texts: readonly TextEmbedding[]; readonly tensor: Tensor } | undefined;
  return texts => {
    const isLast = last?.texts.length === texts.length && last.texts.every((text, i) => text === texts[i]);
    if (last === undefined || !isLast) last = { texts, tensor: make(texts) };
    return last.tensor;
  };
}
