/**
 * @file What a model takes no notice of in a prompt. A warning is told with the video and never keeps it from being made. The words are the
 * prompt's: stores seal them as they do the prompt (adapters/sealed-warnings.ts), and no log gets them.
 */

/** One thing that a finished video leaves out of what was asked for. */
export type JobWarning =
  /** Words that its tokenizer knows only as "unknown", as they were written, the first of them. */
  | { readonly code: 'unknown_words'; readonly words: readonly string[] }
  /** More tokens than the model reads; both without the tokenizer's own. */
  | { readonly code: 'prompt_truncated'; readonly tokens: number; readonly maxTokens: number };

/** A warning as a sentence for people. It quotes the prompt. */
export function warningText(warning: JobWarning): string {
  switch (warning.code) {
    case 'unknown_words':
      return `The model does not know these words of the prompt: ${warning.words.join(', ')}.`;
    case 'prompt_truncated':
      return `The model reads ${warning.maxTokens} tokens of a prompt and this one has ${warning.tokens}: its end was left out.`;
  }
}
