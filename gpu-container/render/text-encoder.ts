import { createHash } from 'node:crypto';
import type { JobWarning } from '#core/job-warnings.ts';
import { limits } from '#core/limits.ts';
import type { Family, TextEmbedding } from '#gpu-container/engine/families/family.ts';
import type { Tensor } from '#gpu-container/engine/tensor.ts';
import type { Backend } from '#gpu-container/runtime/backend.ts';
import { cleanWebText } from '#gpu-container/runtime/clean-text.ts';
import { createEmbedCache } from '#gpu-container/runtime/embed-cache.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { createTokenizer, type TextGaps } from '#gpu-container/runtime/tokenizer.ts';

/** Prompt -> what the denoiser is fed. Remembered embeddings must not be changed. */
export interface TextEncoder {
  embed(prompt: string): Promise<TextEmbedding>;
  /** What of a prompt is not fed, or only as "unknown". */
  warningsOf(prompt: string): readonly JobWarning[];
  release(): Promise<void>;
}

/** Tokenizer and graph of a bundle; remembers recent texts by the hash of encoder, tokenizer, cleaned text and length. */
export async function openTextEncoder(bundle: Bundle, family: Family, backend: Backend): Promise<TextEncoder> {
  const { name, manifest, graphs } = bundle;
  const { graph, maxTokens, width } = manifest.components.text_encoder;
  const { cleaning, zeroPadRows, masked } = family.text;
  const tokenizer = createTokenizer(`${name}: tokenizer.json`, bundle.tokenizer, maxTokens, bundle.configs.tokenizer);
  const dims = [1, maxTokens];
  const session = await backend.createSession(graphs.text_encoder!, {
    name: `${name}: ${graph}`,
    knownInputs: { input_ids: { type: 'int64', dims }, attention_mask: { type: 'int64', dims } },
    neededOutputs: ['last_hidden_state'],
  });
  const cache = createEmbedCache<TextEmbedding>(limits.embedCacheBytes, ({ embeds }) => embeds.byteLength);

  const encode = async (text: string): Promise<TextEmbedding> => {
    const { ids, mask } = tokenizer.encode(text);
    const feeds = {
      input_ids: { type: 'int64', data: BigInt64Array.from(ids, BigInt), dims },
      attention_mask: { type: 'int64', data: BigInt64Array.from(mask, bit => (masked ? BigInt(bit) : 1n)), dims },
    } satisfies Record<string, Tensor>;
    const hidden = (await session.run(feeds)).last_hidden_state!;
    if (hidden.type !== 'float32' || hidden.data.length !== maxTokens * width)
      throw new RangeError(
        `text_encoder: it gave [${hidden.dims.join(', ')}]; bundle.json says [1, ${maxTokens}, ${width}].`,
      );
    const embeds = zeroPadRows ? withoutPadding(hidden.data, mask, width) : hidden.data;
    return { embeds, mask: Uint8Array.from(mask), tokens: maxTokens, width };
  };

  const place = [fileHash(bundle, graph), fileHash(bundle, 'tokenizer/tokenizer.json'), String(maxTokens)];
  const cleaned = (prompt: string) => (cleaning === 'web' ? cleanWebText(prompt) : prompt);
  return {
    embed(prompt) {
      const text = cleaned(prompt);
      const key = createHash('sha256')
        .update(JSON.stringify([...place, text]))
        .digest('hex');
      return cache.get(key, () => encode(text));
    },
    warningsOf: prompt => warningsFrom(tokenizer.gapsIn(cleaned(prompt))),
    release: () => session.release(),
  };
}

function warningsFrom({ unknownWords, tokens, maxTokens }: TextGaps): readonly JobWarning[] {
  const warnings: JobWarning[] = [];
  if (unknownWords.length > 0) warnings.push({ code: 'unknown_words', words: unknownWords });
  if (tokens > maxTokens) warnings.push({ code: 'prompt_truncated', tokens, maxTokens });
  return warnings;
}

const fileHash = (bundle: Bundle, path: string) => bundle.manifest.files.find(file => file.path === path)?.sha256 ?? '';

/** Rows past the mask set to zero: [tokens, width]. */
function withoutPadding(embeds: Float32Array, mask: readonly number[], width: number): Float32Array {
  const out = embeds.slice();
  for (const [row, real] of mask.entries()) if (real === 0) out.fill(0, row * width, (row + 1) * width);
  return out;
}
