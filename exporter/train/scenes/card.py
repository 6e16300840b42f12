"""The figures of the model card, of what `reelay eval --json` wrote: evaluation.json, and the card's tables on standard output.

    npx reelay eval --server http://127.0.0.1:4180 --count 256 --json t2v.json       and --preset fast, --task i2v, --task v2v
    python -m scenes.card --out ../../models/reelay-mini/evaluation.json t2v.json fast.json i2v.json v2v.json
"""

import argparse
import json
from pathlib import Path

ATTRIBUTES = ("background", "camera", "place", "color", "shape", "motion", "all")
GROUPS = {"all": "all prompts", "seen": "combinations of training", "unseen": "combinations never seen", "plain": "phrased as in training",
          "paraphrase": "paraphrased", "one object": "one object", "two beside": "two, beside", "two stacked": "two, one above"}


def name_of(report: dict) -> str:
    settings = report["settings"]
    return settings["task"] + (f" {settings['preset']}" if settings["preset"] else "")


def kept(report: dict) -> dict:
    """The report without what 256 rows say, but for the misses."""
    misses = [{k: row[k] for k in ("prompt", "seed", "error", "want", "got")} for row in report["rows"] if not (row["marks"] or {}).get("all")]
    return {**{k: v for k, v in report.items() if k != "rows"}, "misses": misses}


def row(label: str, rates: dict) -> str:
    cells = [f"{rates['percent'][k]:.1f}" for k in ATTRIBUTES] + ["" if rates["eachOfTwo"] is None else f"{rates['eachOfTwo']:.1f}"]
    return f"| {label} | {rates['clips']} | {' | '.join(cells)} |"


def tables(reports: list[dict]) -> str:
    head = ["| | n | " + " | ".join((*ATTRIBUTES, "each of two")) + " |", "|---" * (len(ATTRIBUTES) + 3) + "|"]
    lines = [*head, *(row(name_of(report), report["adherence"]["all"]) for report in reports), "", *head]
    lines += [row(text, reports[0]["adherence"][group]) for group, text in GROUPS.items() if group in reports[0]["adherence"]]
    lines += ["", *head, *(row(name, rates) for name, rates in reports[0]["adherenceByAttribute"].items()), ""]
    for report in reports:
        beside, first, rfvd = (report[k] for k in ("besideDrawn", "firstFramePsnr", "rfvd"))
        over = beside and {k: round(beside["made"][k] / beside["drawn"][k], 3) for k in ("flicker", "flickerSecond")}
        lines.append(f"{name_of(report)}: over drawn {over}, first frame {first}, rFVD {rfvd}, defects {report['defects']}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("reports", type=Path, nargs="+")
    args = parser.parse_args()
    reports = [json.loads(path.read_text()) for path in args.reports]
    args.out.write_text(json.dumps({name_of(r): kept(r) for r in reports}, indent=1) + "\n")
    print(tables(reports))


if __name__ == "__main__":
    main()
