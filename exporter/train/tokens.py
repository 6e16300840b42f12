"""Words to ids: a closed vocabulary read off the caption tables, written as an ordinary tokenizer.json (WordLevel)."""

import json
import re

import world

MAX_TOKENS = 24
PAD, UNKNOWN, START = 0, 1, 2

_LOOSE = (
    "a an the one is that over on against across in front of with background ground gradient shape thing object video clip "
    "animation movie showing slowly smoothly , . !"
)


def vocabulary() -> list[str]:
    words = set(_LOOSE.split())
    for table in (world.SHAPE_WORDS, world.COLOR_WORDS, world.BACKGROUND_WORDS, world.SIZE_WORDS, world.MOTION_WORDS):
        for phrases in table.values():
            for phrase in phrases:
                words.update(phrase.split())
    return ["[PAD]", "[UNK]", "[CLS]"] + sorted(words)


VOCABULARY = vocabulary()
_IDS = {word: i for i, word in enumerate(VOCABULARY)}


def encode(text: str) -> list[int]:
    """Exactly what tokenizer.json does: lower case, split into words and punctuation, [CLS] first, cut and pad to 24."""
    ids = [START] + [_IDS.get(w, UNKNOWN) for w in re.findall(r"\w+|[^\w\s]+", text.lower())]
    ids = ids[:MAX_TOKENS]
    return ids + [PAD] * (MAX_TOKENS - len(ids))


def write_tokenizer(path: str) -> None:
    special = [
        {"id": i, "content": VOCABULARY[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i in (PAD, UNKNOWN, START)
    ]
    document = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": MAX_TOKENS, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": MAX_TOKENS}, "direction": "Right", "pad_to_multiple_of": None,
                    "pad_id": PAD, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [START], "tokens": ["[CLS]"]}},
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": _IDS, "unk_token": "[UNK]"},
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
