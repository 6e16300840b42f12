"""Ids of the Rust `tokenizers` library for the bundled model's tokenizer.json, for test/runtime/tokenizer.test.ts.

    python test/oracle/tokenizer.py models/reelay-mini/tokenizer/tokenizer.json
    (tokenizers 0.23.3) writes test/runtime/fixtures/tokenizer.json; the tokenizer itself is stored along

Run `npm run lint -- --write` on the result.
"""

import json
import sys
from pathlib import Path

import tokenizers

PROMPTS = [
    "", " ", "a red circle bouncing over a dark blue background", "A RED Circle, Bouncing!!", "red",
    "a big, green square... moving left?", "(a) [red] {circle}", "unknownword spinning zebra", "red-circle's edge",
    "un café très bleu à Zürich", "красный круг", "赤い円が動く", "a red circle 🔴 over 🌊🌊 blue", "snake_case x2 3.14",
    "tabs\tand\nnew  lines", "[CLS] a [PAD] circle [UNK]", "e\u0301toile na\u00efve \u0130stanbul",
    "a red circle " * 20, "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen",
]


def main() -> None:
    text = Path(sys.argv[1]).read_text()
    tokenizer = tokenizers.Tokenizer.from_str(text)
    cases = [{"prompt": p, "ids": tokenizer.encode(p).ids} for p in PROMPTS]
    path = Path(__file__).parents[1] / "runtime/fixtures/tokenizer.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"tokenizers": tokenizers.__version__, "cases": cases, "tokenizer": json.loads(text)}
    path.write_text(json.dumps(document, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
