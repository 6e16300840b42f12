"""Ids of the Rust `tokenizers` library for the bundled model's tokenizer.json, for test/runtime/tokenizer.test.ts.

    python test/oracle/tokenizer.py models/reelay-mini/tokenizer/tokenizer.json
    (tokenizers 0.23.3) writes test/runtime/fixtures/tokenizer.json, a case a line; the tokenizer itself is stored along
"""

import json
import sys
from pathlib import Path

import tokenizers

PROMPTS = [
    "", " ", "a red circle bouncing over a dark blue background", "A RED Ball, Bouncing!!", "red",
    "a big, green square... moving left?", "(a) [red] {circle}", "unknownword spinning zebra", "red-circle's edge",
    "a golden crescent moon rising above the sea at night", "A 3D toy car, in 4K: HD; please!",
    "un café très bleu à Zürich", "красный круг", "赤い円が動く", "a red circle 🔴 over 🌊🌊 blue", "snake_case x2 3.14",
    "tabs\tand\nnew  lines", "[CLS] a [PAD] circle [UNK]", "[ONE] a red ball [TWO] a boat", "e\u0301toile na\u00efve \u0130stanbul",
    "a red circle " * 20, "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, " * 2,
]


def main() -> None:
    text = Path(sys.argv[1]).read_text()
    tokenizer = tokenizers.Tokenizer.from_str(text)
    cases = [{"prompt": p, "ids": tokenizer.encode(p).ids} for p in PROMPTS]
    path = Path(__file__).parents[1] / "runtime/fixtures/tokenizer.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    tokenizer_json = json.dumps(json.loads(text), ensure_ascii=False)
    path.write_text(f'{{"tokenizers": "{tokenizers.__version__}", "cases": [\n{lines}\n],\n"tokenizer": {tokenizer_json}}}\n')


if __name__ == "__main__":
    main()
