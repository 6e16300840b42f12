"""Vectors of the watermark "lf-stdm/1" for test/provenance/watermark: the method as its text says it, with dense matrices, slowly.

    python test/oracle/watermark.py        (standard library only) writes test/provenance/watermark/fixtures/vectors.json
"""

import base64
import hashlib
import hmac
import json
import math
from pathlib import Path

KEY = bytes(range(32))
NAME = b"lf-stdm/1"
N, B = 64, 4
STEPS = (14.0, 18.0, 18.0)
COEFFICIENTS = (((0, 1), (1, 0), (1, 1)), ((0, 0), (0, 1), (1, 0)), ((0, 0), (0, 1), (1, 0)))
OFFSETS = (0, 128, 128)
WIDTH, HEIGHT = 107, 75  # odd: chroma is 54x38; shrinks one axis of luma, enlarges both of chroma


def mac(about: int, counter: int, more: bytes = b"") -> bytes:
    return hmac.new(KEY, NAME + bytes([about]) + counter.to_bytes(4, "big") + more, hashlib.sha256).digest()


def words(plane: int):
    counter = 0
    while True:
        digest = mac(plane, counter)
        for at in range(0, 32, 4):
            yield int.from_bytes(digest[at : at + 4], "big")
        counter += 1


def shuffle(stream) -> list[int]:
    order = list(range(128))
    for i in range(127, 0, -1):
        while True:
            word = next(stream)
            if word < (1 << 32) // (i + 1) * (i + 1):
                break
        j = word % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def key_stream(plane: int):
    stream = words(plane)
    bits = shuffle(stream) + shuffle(stream)
    signs = []
    for _ in range(256 * 3 // 32):
        word = next(stream)
        signs += [-1 if c == "1" else 1 for c in format(word, "032b")]
    return bits, signs, [next(stream) / 2**32 for _ in range(256)]


def code(message: str) -> list[int]:
    register, out = 0, []
    for bit in message + "000000":
        register = (register << 1 | int(bit)) & 127
        out += [bin(register & 0o133).count("1") % 2, bin(register & 0o171).count("1") % 2]
    return out


def payload(deployment: str, job: str, counter: int):
    tag = bin(int.from_bytes(mac(3, 0, deployment.encode()), "big") | 1 << 256)[3 : 3 + 24]
    nonce = bin(int.from_bytes(mac(4, counter, job.encode()), "big") | 1 << 256)[3 : 3 + 34]
    plain = int(tag + nonce, 2)
    left, right = plain >> 29, plain & (1 << 29) - 1
    for r in range(4):
        left, right = right, left ^ int.from_bytes(mac(5, r, right.to_bytes(4, "big")), "big") >> 227
    return tag, nonce, format(left, "029b") + format(right, "029b")


def matrix(n: int, m: int) -> list[list[float]]:
    """Rows: m places over n values."""
    rows, r = [], max(1.0, n / m)
    for k in range(m):
        center, row = (k + 0.5) * n / m - 0.5, [0.0] * n
        for i in range(math.floor(center - r) - 1, math.ceil(center + r) + 2):
            row[min(max(i, 0), n - 1)] += max(0.0, 1 - abs(i - center) / r)
        rows.append([w / sum(row) for w in row])
    return rows


def multiply(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column) if x) for column in columns] for row in a]


def transpose(a):
    return [list(column) for column in zip(*a)]


def resize(plane, h, w):
    return transpose(multiply(matrix(len(plane[0]), w), transpose(multiply(matrix(len(plane), h), plane))))


def basis(u: int, y: int) -> float:
    return 0.5 if u == 0 else math.sqrt(0.5) * math.cos((2 * y + 1) * u * math.pi / 8)


def values(grid, plane, signs):
    out = []
    for b in range(256):
        top, left, q = b // 16 * 4, b % 16 * 4, 0.0
        for j, (v, u) in enumerate(COEFFICIENTS[plane]):
            c = sum(grid[top + y][left + x] * basis(v, y) * basis(u, x) for y in range(4) for x in range(4))
            q += signs[3 * b + j] / math.sqrt(3) * c
        out.append(q)
    return out


def embed(plane_bytes, plane, word):
    bits, signs, dithers = key_stream(plane)
    step = STEPS[plane]
    p = [[v - OFFSETS[plane] for v in row] for row in plane_bytes]
    h, w, targets = len(p), len(p[0]), None
    for _ in range(3):
        q = values(resize(p, N, N), plane, signs)
        if targets is None:
            f = [step * (dithers[i] + word[bits[i]] / 2) for i in range(256)]
            targets = [step * round((q[i] - f[i]) / step) + f[i] for i in range(256)]
        change = [[0.0] * N for _ in range(N)]
        for i in range(256):
            for j, (v, u) in enumerate(COEFFICIENTS[plane]):
                amount = (targets[i] - q[i]) * signs[3 * i + j] / math.sqrt(3)
                for y in range(4):
                    for x in range(4):
                        change[i // 16 * 4 + y][i % 16 * 4 + x] += amount * basis(v, y) * basis(u, x)
        big = resize(change, h, w)
        p = [[p[y][x] + 1.15 * big[y][x] for x in range(w)] for y in range(h)]
    return [[min(255, max(0, round(v + OFFSETS[plane]))) for v in row] for row in p]


def soft_values(planes):
    """Of one frame, at the gain of 1: the sums of each bit's blocks, each plane by how much its pairs of blocks agree."""
    total = [0.0] * 128
    for plane, rows in enumerate(planes):
        bits, signs, dithers = key_stream(plane)
        q = values(resize([[v - OFFSETS[plane] for v in row] for row in rows], N, N), plane, signs)
        pairs = {}
        for i in range(256):
            pairs.setdefault(bits[i], []).append(-math.cos(2 * math.pi * (q[i] / STEPS[plane] - dithers[i])))
        common = sum(2 * one * other for one, other in pairs.values())
        apart = sum((one - other) ** 2 for one, other in pairs.values())
        weight = math.sqrt(max(0.0, common)) / (apart + (common + apart) / 100 + 1e-9)
        for bit, (one, other) in pairs.items():
            total[bit] += weight * (one + other)
    return total


def picture():
    """A ramp, waves and noise that any language can draw: I420 planes."""
    state, planes = 1, []
    for plane, (h, w) in enumerate(((HEIGHT, WIDTH), *(((HEIGHT + 1) // 2, (WIDTH + 1) // 2),) * 2)):
        rows = []
        for y in range(h):
            row = []
            for x in range(w):
                state = (state * 1103515245 + 12345) % 2**31
                row.append((x * 2 + y * (3 - plane) + (x * y >> 4) * 5 + (state >> 16) % 9) % 220 + 16)
            rows.append(row)
        planes.append(rows)
    return planes


def packed(planes) -> str:
    return base64.b64encode(bytes(v for rows in planes for row in rows for v in row)).decode()


def main() -> None:
    tag, nonce, message = payload("studio-7", "video_01h0000000000000000000000a", 2)
    word = code(message)
    plain = picture()
    marked = [embed(rows, plane, word) for plane, rows in enumerate(plain)]
    streams = []
    for plane in range(3):
        bits, signs, dithers = key_stream(plane)
        streams.append({"bits": bits, "signs": "".join("-" if s < 0 else "+" for s in signs), "dithers": dithers})
    out = {
        "key": KEY.hex(),
        "deployment": "studio-7",
        "job": "video_01h0000000000000000000000a",
        "counter": 2,
        "tag": int(tag, 2),
        "nonce": int(nonce, 2),
        "message": [int(message[:29], 2), int(message[29:], 2)],
        "coded": "".join(map(str, word)),
        "streams": streams,
        "width": WIDTH,
        "height": HEIGHT,
        "plain": packed(plain),
        "marked": packed(marked),
        "soft": soft_values(marked),
    }
    path = Path(__file__).parent.parent / "provenance/watermark/fixtures/vectors.json"
    path.write_text(json.dumps(out) + "\n")


main()
