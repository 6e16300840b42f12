/**
 * @file What Wan's pipelines do to a prompt before the tokenizer: ftfy, HTML entities twice, white space (diffusers'
 * `prompt_clean`).
 *
 * Of ftfy 6.3 the character fixes are followed, in its order: entities, terminal escapes, C1 controls, ligatures, fullwidth and
 * halfwidth forms, curly quotes, line breaks, lone surrogates, control characters, NFC. Its guess at wrongly decoded bytes
 * (mojibake such as "Ã©") is not: a prompt that came as UTF-8 has none.
 */
import { decodeHTML } from 'entities';

/** ftfy repeats its fixes until nothing changes; each layer of entities takes one. More than these only an attacker writes. */
const MAX_ROUNDS = 8;

/** `text` as the tokenizer is given it. */
export function cleanWebText(text: string): string {
  let fixed = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = fixCharacters(fixed);
    if (next === fixed) break;
    fixed = next;
  }
  return decodeHTML(decodeHTML(fixed)).replace(/\s+/gu, ' ').trim();
}

/** ftfy unescapes entities only where the text holds no tag, and only those that end in a semicolon. */
function fixCharacters(text: string): string {
  const plain = text.includes('<') ? text : text.replace(/&#?[0-9A-Za-z]{1,24};/g, entity => decodeHTML(entity));
  return plain
    .replace(TERMINAL_ESCAPES, '')
    .replace(/[\u0080-\u009f]/g, control => WINDOWS_1252.decode(Uint8Array.of(control.charCodeAt(0))))
    .replace(/[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g, ligature =>
      ligature === 'ﬅ' ? 'ſt' : ligature.normalize('NFKC'),
    )
    .replace(/[\u3000\uff01-\uffef]/g, wide => wide.normalize('NFKC'))
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/\r\n|[\r\u2028\u2029\u0085]/g, '\n')
    .toWellFormed()
    .replace(CONTROLS, '')
    .normalize('NFC');
}

const WINDOWS_1252 = new TextDecoder('windows-1252');

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const TERMINAL_ESCAPES = /\u001b\[[\d;]*[a-zA-Z]/g;

/** Those that ftfy removes: ASCII controls but tab, line feed, form feed and return; deprecated format characters; BOM, interlinear. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROLS = /[\u0000-\u0008\u000b\u000e-\u001f\u007f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;
