"""Words to ids: a closed vocabulary read off the caption tables, written as an ordinary tokenizer.json (WordLevel).

Unknown words become [UNK], so that whoever tokenises can name them; the model is trained to ignore them.
"""

import json
import re

from . import captions

MAX_TOKENS = 40
PAD, UNKNOWN = 0, 1
START = (2, 3, 4)  # rows in which the encoder gathers the scene, the first object and the second
_PIECES = re.compile(r"\w+|[^\w\s]+")
_MARKED = re.compile(r"(\w+|[^\w\s\x01-\x03]+)([\x01-\x03]?)")


def vocabulary() -> list[str]:
    words = set()
    for phrase in captions.every_phrase():
        words.update(_PIECES.findall(phrase))
    return ["[PAD]", "[UNK]", "[CLS]", "[ONE]", "[TWO]"] + sorted(words)


VOCABULARY = vocabulary()
_IDS = {word: i for i, word in enumerate(VOCABULARY)}


def words_to_ids(text: str) -> list[int]:
    """Exactly what tokenizer.json does before padding: lower case, words and punctuation, three of its own first, cut to 40."""
    return ([*START] + [_IDS.get(w, UNKNOWN) for w in _PIECES.findall(text.lower())])[:MAX_TOKENS]


def marked_ids(text: str) -> tuple[list[int], list[int]]:
    """Ids of a caption whose words are marked, and each one's mark."""
    found = _MARKED.findall(text.lower())
    marks = [0] * len(START) + [captions.MARKS.index(mark) for _, mark in found]
    return ([*START] + [_IDS.get(w, UNKNOWN) for w, _ in found])[:MAX_TOKENS], marks[:MAX_TOKENS]


def encode(text: str) -> list[int]:
    ids = words_to_ids(text)
    return ids + [PAD] * (MAX_TOKENS - len(ids))


def write_tokenizer(path: str) -> None:
    special = [
        {"id": i, "content": VOCABULARY[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i in (PAD, UNKNOWN, *START)
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
            "single": [*({"SpecialToken": {"id": VOCABULARY[i], "type_id": 0}} for i in START), {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {VOCABULARY[i]: {"id": VOCABULARY[i], "ids": [i], "tokens": [VOCABULARY[i]]} for i in START},
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": _IDS, "unk_token": "[UNK]"},
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
