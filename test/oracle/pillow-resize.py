"""Pictures resized by Pillow, Lanczos as diffusers' VideoProcessor does it and bicubic, for test/media/resize.test.ts.

    python test/oracle/pillow-resize.py        (Pillow 13.0.0, diffusers 0.42.1) writes test/media/fixtures/pillow-resize.json

The picture is noise of a linear congruential generator (Numerical Recipes' constants), the same in both languages, with long runs
of black and white so that the overshoot is clipped.

Run `npm run lint -- --write` on the result.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
from diffusers.video_processor import VideoProcessor
from PIL import Image

CASES = (
    ((24, 16), (17, 9)),
    ((24, 16), (50, 41)),
    ((200, 120), (64, 64)),
    ((64, 64), (64, 40)),
    ((64, 64), (40, 64)),
    ((1, 1), (8, 8)),
    ((3, 2), (16, 16)),
    ((640, 361), (96, 96)),
    ((333, 500), (832, 480)),
    ((100, 100), (80, 55)),  # columns first
    ((100, 100), (80, 60)),  # rows first
    ((90, 120), (100, 121)),
)


def picture(width: int, height: int) -> np.ndarray:
    state = (width * 65537 + height) & 0xFFFFFFFF
    values = np.empty(width * height * 3, dtype=np.uint8)
    for i in range(values.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        byte = state >> 24
        values[i] = 0 if (i // 48) % 5 == 0 else 255 if (i // 48) % 5 == 1 else byte
    return values.reshape(height, width, 3)


def main() -> None:
    processor = VideoProcessor(vae_scale_factor=8)
    cases = []
    for (width, height), (to_width, to_height) in CASES:
        image = Image.fromarray(picture(width, height))
        for name, filter in (("lanczos", Image.Resampling.LANCZOS), ("bicubic", Image.Resampling.BICUBIC)):
            resized = np.asarray(image.resize((to_width, to_height), filter))
            if name == "lanczos":
                assert np.array_equal(resized, np.asarray(processor.resize(image, to_height, to_width)))
            flat = resized.reshape(-1)
            cases.append(
                {
                    "filter": name,
                    "from": {"width": width, "height": height},
                    "to": {"width": to_width, "height": to_height},
                    "sha256": hashlib.sha256(flat.tobytes()).hexdigest(),
                    "first": flat[:24].tolist(),
                }
            )
    target = Path(__file__).parents[1] / "media" / "fixtures" / "pillow-resize.json"
    target.write_text(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=2) + "\n")


main()
