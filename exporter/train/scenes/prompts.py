"""The fixed prompts that every figure is from: a quarter ask for combinations never trained on, half are phrased as no caption is."""

import numpy as np

from . import captions, oracle, world

TEST_SEED, TUNING_SEED = 2026, 404  # settings are chosen on the second

_PLAIN = {
    "single": ("a {a} {ma} {behind}",), "beside": ("a {a} {ma} next to a {b} {mb} {behind}", "a {a} {ma} on the left and a {b} {mb} on the right {behind}"),
    "stacked": ("a {a} {ma} above a {b} {mb} {behind}",),
}
_FREE = {
    "single": (
        "please show me a {a} that keeps {ma} {behind}", "{name}. {a}. {ma}.", "cinematic shot of one {a} {ma}, and behind it there is {name}",
        "I would like to see a {a}, {ma}, somewhere {behind}", "{ma} {a} {behind}, nothing else",
    ),
    "beside": (
        "two things {behind}: on the left a {a} {ma}, on the right a {b} {mb}", "{name}. left: {a}, {ma}. right: {b}, {mb}.",
        "I want a {a} {ma} together with a {b} {mb} at its right, {behind}",
    ),
    "stacked": (
        "two things {behind}: at the top a {a} {ma}, at the bottom a {b} {mb}", "I want a {a} {ma} and, right below it, a {b} {mb}, {behind}",
        "{name}. top: {a}, {ma}. bottom: {b}, {mb}.",
    ),
}
_CAMERA = {False: ", {camera}", True: " and then {camera} the whole time"}


def prompts(count: int, seed: int = TEST_SEED) -> list[dict]:
    rng = np.random.default_rng(seed)
    pick = lambda words: words[int(rng.integers(len(words)))]
    rows = []
    for i in range(count):
        unseen, free = bool(rng.random() < 0.25), bool(rng.random() < 0.5)
        clip = world.sample_clip(rng, want_held_out=unseen)
        place, ground = world.PLACES[clip.place], world.BACKGROUNDS[clip.background]
        scenic = ground in captions.SCENE_WORDS
        name = pick(captions.SCENE_NAMES[ground]) if scenic else f"{pick(captions.PLAIN_WORDS[ground])} background"
        words = {"name": name, "behind": pick(captions.SCENE_WORDS[ground]) if scenic else f"on a {name}"}
        for key, thing in zip("ab", clip.things):
            words[key] = f"{pick(captions.COLOR_WORDS[world.COLOR_NAMES[thing.color]])} {pick(captions.SHAPE_WORDS[world.SHAPES[thing.shape]])}"
            words["m" + key] = pick(captions.MOTION_WORDS[world.MOTIONS[thing.motion]])
        text = pick((_FREE if free else _PLAIN)[place]).format(**words)
        if clip.camera:
            text = text.rstrip(".") + _CAMERA[free].format(camera=pick(captions.CAMERA_WORDS[world.CAMERAS[clip.camera]]))
        rows.append({"prompt": text, "seed": 1000 + i, "unseen": unseen, "paraphrase": free, "want": oracle.truth(clip), "clip": clip})
    return rows
