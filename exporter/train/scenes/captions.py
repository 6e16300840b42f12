"""What a person might type for a clip: synonyms, several sentence plans, details left out, and words that change nothing."""

import numpy as np

from . import grounds, world

SHAPE_WORDS = {
    "ball": ("ball", "ball", "circle", "sphere", "disc", "orb"), "square": ("square", "square", "box", "block", "cube"),
    "triangle": ("triangle", "triangle", "pyramid"), "star": ("star",), "ring": ("ring", "ring", "hoop", "donut"),
    "heart": ("heart",), "moon": ("moon", "moon", "crescent", "crescent moon"), "boat": ("boat", "boat", "sailboat", "ship", "sailing boat"),
    "balloon": ("balloon", "balloon", "hot air balloon"), "car": ("car", "car", "automobile"),
}
COLOR_WORDS = {
    "red": ("red", "red", "red", "crimson", "scarlet"), "orange": ("orange",), "yellow": ("yellow", "yellow", "golden"),
    "green": ("green", "green", "emerald"), "blue": ("blue",), "purple": ("purple", "purple", "violet"), "pink": ("pink", "pink", "rose"),
    "white": ("white", "white", "silver"),
}
PLAIN_WORDS = {
    "black": ("black",), "dark blue": ("dark blue", "dark blue", "navy", "navy blue"), "dark green": ("dark green", "deep green"),
    "dark red": ("dark red", "dark red", "maroon"), "gray": ("gray", "grey"), "light blue": ("light blue", "light blue", "pale blue"),
    "white": ("white",), "cream": ("cream", "beige"),
}
# Phrases that follow the subject, then bare names for "in the ..." plans.
SCENE_WORDS = {
    "sky": ("in the sky", "in a blue sky", "in the clouds", "among the clouds", "high in the air", "against a cloudy sky", "up in the air"),
    "sea": ("over the sea", "on the sea", "at sea", "on the ocean", "above the water", "over the waves", "on the water", "over the ocean"),
    "meadow": ("over a meadow", "in a meadow", "on the grass", "over green hills", "in a field", "over grassy hills", "on a green field", "in the park"),
    "night": ("at night", "in the night", "in the night sky", "under the stars", "in the moonlight", "in a starry night", "against the night sky"),
    "city": ("in the city", "over the city", "in front of a skyline", "in front of skyscrapers", "above the city lights", "in a big city", "among tall buildings", "downtown"),
    "desert": ("in the desert", "over the desert", "over sand dunes", "in front of the pyramids", "on the sand", "in a hot desert", "over the dunes"),
    "snow": ("in the snow", "over the snow", "in winter", "over snowy hills", "in a snowy landscape", "in front of snowy mountains", "in a winter forest"),
}
SCENE_NAMES = {
    "sky": ("sky", "blue sky", "clouds"), "sea": ("sea", "ocean", "water"), "meadow": ("meadow", "grass", "green hills", "field"),
    "night": ("night", "night sky", "starry night"), "city": ("city", "skyline", "skyscrapers"), "desert": ("desert", "sand dunes", "dunes"),
    "snow": ("snow", "winter landscape", "snowy hills"),
}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "medium": ("medium", "medium sized"), "large": ("large", "big", "huge", "giant")}
MOTION_WORDS = {
    "right": ("moving right", "moving to the right", "sliding right", "drifting to the right", "flying right", "going right", "travelling to the right", "driving to the right"),
    "left": ("moving left", "moving to the left", "sliding left", "drifting to the left", "flying left", "going left", "travelling to the left", "driving to the left"),
    "up": ("moving up", "rising", "floating up", "flying up", "moving upwards", "going up", "climbing", "lifting off"),
    "down": ("moving down", "falling", "sinking", "dropping down", "moving downwards", "going down", "descending", "coming down"),
    "bounce": ("bouncing", "bouncing", "jumping", "hopping", "bouncing up and down"),
    "orbit": ("circling", "orbiting", "moving in a circle", "going around", "moving around in circles", "flying in circles"),
    "grow": ("growing", "expanding", "getting bigger", "getting larger", "coming closer", "inflating"),
    "shrink": ("shrinking", "getting smaller", "becoming smaller", "going far away", "deflating"),
    "spin": ("spinning", "rotating", "turning", "spinning around", "twirling"),
    "still": ("standing still", "not moving", "resting", "staying still", "floating in place", "hovering"),
}
FINITE = {  # "a ball that bounces"
    "right": ("moves right", "flies to the right", "slides to the right"), "left": ("moves left", "flies to the left", "slides to the left"),
    "up": ("rises", "flies up", "floats up", "goes up"), "down": ("falls", "sinks", "drops", "goes down"), "bounce": ("bounces", "jumps", "hops"),
    "orbit": ("orbits", "moves in circles", "flies in a circle"), "grow": ("grows", "expands", "gets bigger"),
    "shrink": ("shrinks", "gets smaller"), "spin": ("spins", "rotates", "turns"), "still": ("stands still", "stays still", "does not move"),
}
CAMERA_WORDS = {
    "pan right": ("camera pans right", "the camera pans to the right", "camera panning right", "the camera moves right", "pan right", "panning to the right"),
    "pan left": ("camera pans left", "the camera pans to the left", "camera panning left", "the camera moves left", "pan left", "panning to the left"),
    "zoom in": ("camera zooms in", "the camera zooms in", "zooming in", "slow zoom in", "zoom in", "the camera moves closer"),
    "zoom out": ("camera zooms out", "the camera zooms out", "zooming out", "slow zoom out", "zoom out", "the camera pulls back"),
}
# Words that people put into prompts and that mean nothing here: known, so that no warning names them, and learnt to be ignored.
FILLER = (
    "beautiful cute shiny glossy bright colorful lovely simple amazing realistic cinematic detailed nice pretty happy funny magic glowing cool "
    "smooth slow calm peaceful dreamy epic fast single solid toy cartoon animated 3d 4k hd"
).split()
BEFORE = ("a video of", "video of", "a clip of", "an animation of", "a movie showing", "a short film of", "footage of", "a scene with",
          "an animated video of", "show me", "create", "make a video of", "generate", "imagine", "a shot of", "a picture of", "please show")
AFTER = (".", "!", ", slowly", " slowly", " smoothly", " gently", ", high quality", ", cinematic", ", 4k", ", beautiful", " quickly", ", smooth motion", ", realistic")
LOOSE = (
    "a an the one two is are that which of and with over on against across in front background ground backdrop gradient shape thing object "
    "while both there next to beside left right side above below under another behind it its shot camera , . ! ? ; : - ' very"
)


# What may be missing, unknown or too much anywhere without another meaning: noise for the text encoder, which else trusts the grammar's order.
EMPTY = frozenset((*FILLER, *"a an the one is are that which and with of there it its shot very two another while we see , . ! ? ; : - '".split()))

MARKS = ("", "\x01", "\x02", "\x03")  # of the first object, the second, both
_UNMARK = {ord(mark): None for mark in MARKS if mark}


def _pick(rng, words):
    return words[int(rng.integers(len(words)))]


def _noun(thing, rng, say, sized=True):
    """'a small red ball' and what it states, [color, shape, size]."""
    color = _pick(rng, COLOR_WORDS[world.COLOR_NAMES[thing.color]]) if say[0] else ""
    shape = _pick(rng, SHAPE_WORDS[world.SHAPES[thing.shape]]) if say[1] else _pick(rng, ("shape", "thing", "object"))
    size = _pick(rng, SIZE_WORDS[world.SIZE_NAMES[thing.size]]) if sized and say[2] else ""
    words = [size, _pick(rng, FILLER) if rng.random() < 0.12 else "", color]
    if rng.random() < 0.2:
        words.reverse()
    phrase = " ".join(w for w in (_pick(rng, ("a", "a", "a", "the", "one", "")), *words, shape) if w)
    return phrase, [thing.color if say[0] else -1, thing.shape if say[1] else -1, thing.size if size else -1]


def _moving(motion, rng):
    name = world.MOTIONS[motion]
    if rng.random() < 0.3:
        return _pick(rng, ("that ", "which ", "")) + _pick(rng, FINITE[name])
    return _pick(rng, ("", "", "", "is ", "that is ")) + _pick(rng, MOTION_WORDS[name])


def _behind(clip, rng):
    """The ground as a phrase, e.g. 'over the sea' or 'on a dark blue background'."""
    name = world.BACKGROUNDS[clip.background]
    article = _pick(rng, ("a", "a", "the"))
    if name in SCENE_WORDS:
        if rng.random() < 0.8:
            return _pick(rng, SCENE_WORDS[name]), 0
        return f"{_pick(rng, ('with', 'in front of', 'against', 'over'))} {article} {_pick(rng, SCENE_NAMES[name])} {_pick(rng, ('', 'background', 'in the background'))}".strip(), 0
    said = bool(clip.gradient and rng.random() < 0.9)
    tail = _pick(rng, ("gradient background", "gradient")) if said else _pick(rng, ("background", "background", "backdrop", "ground", ""))
    ground = f"{article} {_pick(rng, PLAIN_WORDS[name])} {tail}".strip()
    if tail == "":
        ground = ground.split(" ", 1)[1]
    return f"{_pick(rng, ('over', 'on', 'on', 'against', 'in front of', 'with', 'across'))} {ground}", int(said)


def _join(*parts):
    return " ".join(p for p in parts if p)


def _one(clip, rng):
    thing = clip.things[0]
    camera = clip.camera > 0
    say = rng.random(4) < np.array([0.97, 0.99, 0.5, 0.6 if camera and world.MOTIONS[thing.motion] == "still" else 0.95])
    noun, labels = _noun(thing, rng, say)
    motion = _moving(thing.motion, rng) if say[3] else ""
    if motion and rng.random() < 0.15:
        motion = f", {motion}{_pick(rng, ('', ','))}"
    return _of(1, noun), _of(1, motion), [labels + [thing.motion if say[3] else -1]]


def _of(index, text):
    """Marks every word as said of this thing, for the text encoder's training; 3 is both."""
    return " ".join(word + MARKS[index] for word in text.split())


def _two(clip, rng):
    """Two objects; the place is always said, or it is 'a and b', which means beside, the first on the left."""
    say = [rng.random(4) < np.array([0.97, 0.99, 0.0, 0.92]) for _ in clip.things]
    nouns, labels = zip(*(_noun(t, rng, s, sized=False) for t, s in zip(clip.things, say)))
    labels = [l + [t.motion if s[3] else -1] for l, t, s in zip(labels, clip.things, say)]
    a, b = (_of(i, noun) for i, noun in enumerate(nouns, 1))
    ma, mb = (_of(i, _moving(t.motion, rng)) if s[3] else "" for i, (t, s) in enumerate(zip(clip.things, say), 1))
    beside = world.PLACES[clip.place] == "beside"
    if say[0][3] and say[1][3] and clip.things[0].motion == clip.things[1].motion and rng.random() < 0.5:
        both = _join(_pick(rng, ("both", "both are")), _of(3, _pick(rng, MOTION_WORDS[world.MOTIONS[clip.things[0].motion]])))
        return _join(a, _pick(rng, ("and", "next to", "beside") if beside else ("above", "over")), b, both), "", labels
    and_, while_ = _pick(rng, ("and", "and", "with", ",", "while")), _pick(rng, ("and", ",", "while", ", and", "."))
    if beside:
        left = _pick(rng, ("on the left", "on the left side", "left", "at the left"))
        right = _pick(rng, ("on the right", "on the right side", "right", "at the right"))
        plans = (
            (a, ma, _pick(rng, ("next to", "beside", "left of", "to the left of", "on the left of")), b, mb),
            (a, ma, and_, b, mb), (a, ma, left, while_, b, mb, right), (a, left, ma, while_, b, right, mb), (left, a, ma, while_, right, b, mb),
            (left, _pick(rng, ("is", "there is", "we see")), a, ma, while_, right, b, mb),
            (a, and_, b, ",", _pick(rng, ("the left one", "the first", "the first one")), ma, while_, _pick(rng, ("the right one", "the second", "the other")), mb),
            (a, ma, ",", _pick(rng, ("to its right", "on its right", "right of it")), b, mb),
            (b, mb, ",", _pick(rng, ("to its left", "on its left", "left of it")), a, ma),
            (b, mb, _pick(rng, ("right of", "to the right of", "on the right of")), a, ma), (b, mb, right, while_, a, ma, left), (right, b, mb, while_, left, a, ma),
        )
    else:
        top, bottom = _pick(rng, ("at the top", "on top", "at the top of the picture")), _pick(rng, ("at the bottom", "below", "down below"))
        plans = (
            (a, ma, _pick(rng, ("above", "above", "on top of", "over")), b, mb), (a, ma, _pick(rng, ("above", "over")), b, mb),
            (b, mb, _pick(rng, ("below", "under", "underneath", "beneath")), a, ma), (a, ma, top, while_, b, mb, bottom), (a, top, ma, while_, b, bottom, mb),
            (top, a, ma, while_, bottom, b, mb), (bottom, b, mb, while_, top, a, ma), (b, mb, bottom, while_, a, ma, top),
            (a, ma, ",", _pick(rng, ("below it", "under it", "beneath it")), b, mb), (b, mb, ",", _pick(rng, ("above it", "over it")), a, ma),
            (a, "above", b, ",", _pick(rng, ("the upper one", "the first", "the top one")), ma, while_, _pick(rng, ("the lower one", "the second", "the other")), mb),
        )
    return _join(*plans[int(rng.integers(len(plans)))]), "", labels


def caption(clip: world.Clip, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    text, labels = marked_caption(clip, rng)
    return text.translate(_UNMARK), labels


def marked_caption(clip: world.Clip, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A sentence for the clip, and the labels it states: background, gradient, camera, place, then color, shape, size and motion of
    either object, the left or upper one first; -1 is unsaid. With one object the second's labels are unsaid. Words that are said of
    an object end in one of MARKS."""
    single = len(clip.things) == 1
    subject, motion, things = (_one if single else _two)(clip, rng)
    background, gradient = -1, 0
    plan = rng.random()
    if rng.random() < 0.93:
        behind, gradient = _behind(clip, rng)
        background = clip.background
        name = world.BACKGROUNDS[clip.background]
        named = _pick(rng, SCENE_NAMES[name] if name in SCENE_NAMES else PLAIN_WORDS[name])
        if plan < 0.1:
            tail = _pick(rng, ("the background is {}", "with {} behind it", "and {} in the background", "background {}", "{} behind"))
            text, gradient = f"{_join(subject, motion)}{_pick(rng, (', ', ' ', '. '))}{tail.format(named)}", 0
        elif plan < 0.16:
            scene = named if name in SCENE_NAMES else named + " background"
            text, gradient = f"{scene}{_pick(rng, (', ', ' : ', ' with '))}{_join(subject, motion)}", 0
        elif plan < 0.72:
            text = _join(subject, motion, behind)
        elif plan < 0.84:
            text = f"{behind}{_pick(rng, (',', ''))} {_pick(rng, ('', 'there is '))}{_join(subject, motion)}"
        else:
            text = f"{_join(subject, behind)}{_pick(rng, ('', ','))} {motion}".strip()
    else:
        text = _join(subject, motion)
    text, camera = text.rstrip(" ,"), clip.camera
    if camera:
        words = _pick(rng, CAMERA_WORDS[world.CAMERAS[camera]])
        text = f"{words}{_pick(rng, (', ', ' : ', ' on '))}{text}" if rng.random() < 0.2 else f"{text}{_pick(rng, (', ', ' while ', ', ', '. '))}{words}"
    elif rng.random() < 0.05:
        text += _pick(rng, (", static camera", ", fixed camera"))
    if rng.random() < 0.22:
        text = f"{_pick(rng, BEFORE)} {text}"
    if rng.random() < 0.2:
        text += _pick(rng, AFTER)
    if len(things) == 1:
        things.append([-1, -1, -1, -1])
    return text, np.array([background, gradient if background >= 0 else -1, camera, clip.place, *things[0], *things[1]])


LABELS = (len(grounds.BACKGROUNDS), 2, len(world.CAMERAS), len(world.PLACES)) + 2 * (len(world.COLORS), len(world.SHAPES), len(world.SIZES), len(world.MOTIONS))


def every_phrase():
    """All texts a caption is made of, for the vocabulary."""
    for table in (SHAPE_WORDS, COLOR_WORDS, PLAIN_WORDS, SCENE_WORDS, SCENE_NAMES, SIZE_WORDS, MOTION_WORDS, FINITE, CAMERA_WORDS):
        for phrases in table.values():
            yield from phrases
    yield from (*FILLER, *BEFORE, *AFTER, LOOSE, "underneath bottom top static fixed below at far beneath first second other one upper lower picture we see side down of")
