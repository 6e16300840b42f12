import { concat, floats, type Tensor } from '../tensor.ts';
import type { TextEmbedding } from './family.ts';

/** Embeddings of one or two texts as a batch: [B, tokens, width]. */
export function textTensor(texts: readonly TextEmbedding[]): Tensor {
  const { tokens, width } = texts[0]!;
  return floats(concat(texts.map(text => text.embeds)), [texts.length, tokens, width]);
}
