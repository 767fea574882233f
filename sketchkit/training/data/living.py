"""What lives or grows, or has a face: a list of strokes each, in the order in which somebody draws them."""

from __future__ import annotations

import math

from sketchkit.training.data.hand import Hand, Line, Point, polar

__all__ = ["cat", "face", "fish", "flower", "mushroom", "snowman", "sun", "tree"]

Strokes = list[Line]


def face(h: Hand) -> Strokes:
    """Round or long, with eyes, perhaps a nose, hair or ears, smiling or not."""
    wide, tall = h.between(34, 44), h.between(38, 48)
    eye_x, eye_y = wide * h.between(0.34, 0.46), 50 - tall * h.between(0.15, 0.35)
    size, tilt = h.between(2.2, 5), h.between(-4, 4)
    eyes = [
        h.round((50 + side * eye_x, eye_y + side * tilt * 0.3), (size, size * h.between(0.9, 1.5)))
        for side in h.shuffled((-1, 1))
    ]
    mouth_y, mouth = 50 + tall * h.between(0.3, 0.42), wide * h.between(0.35, 0.6)
    smile = h.between(-5, 13) if h.chance(0.3) else h.between(6, 15)
    features = [h.curve((50 - mouth, mouth_y), (50, mouth_y + smile), (50 + mouth, mouth_y + tilt * 0.4))]
    if h.chance(0.6):
        side = h.pick((-1, 1))
        features.append(h.line((50, 46), (50 + side * h.between(4, 7), 57), (50 - side, 58)))
    out = [h.round((50, 50), (wide, tall)), *eyes, *h.shuffled(features)]
    if h.chance(0.3):
        out += [h.arc((50 + s * (wide + 3), 50), (5, 8), 90 - s * 10, -s * 200) for s in (-1, 1)]
    elif h.chance(0.5):
        top = 50 - tall
        spread = h.between(14, 24)
        out += [
            h.curve((50 + x * spread, top + abs(x) * 3), (50 + x * spread * 1.3, top - h.between(6, 14)))
            for x in (-1, -0.5, 0, 0.5, 1)
        ]
    return out


def cat(h: Hand) -> Strokes:
    """A head with pointed ears, whiskers, eyes, a nose and a mouth."""
    wide, tall = h.between(33, 38), h.between(28, 33)
    head = h.round((50, 58), (wide, tall))
    ears = []
    for s in h.shuffled((-1, 1)):
        inner, outer = (50 + s * wide * 0.3, 59 - tall), (50 + s * wide * 0.86, 58 - tall * 0.5)
        ears.append(
            h.line(inner, (50 + s * wide * h.between(0.72, 0.85), 58 - tall - h.between(10, 17)), outer)
        )
    size = h.between(2.5, 4.5)
    eyes = [h.round((50 + s * wide * 0.4, 51), (size * 0.8, size)) for s in (-1, 1)]
    nose = h.closed((47, 60.5), (53, 60.5), (50, 64))
    mouth = h.curve((41, 68), (44.5, 71.5), (49, 69.5), (50, 64.5), (51, 69.5), (55.5, 71.5), (59, 68))
    whiskers = []
    for s in (-1, 1):
        for i in range(h.count(2, 3)):
            y = 61 + 4.5 * i
            whiskers.append(h.line((50 + s * 17, y), (50 + s * h.between(43, 50), y - 5 + 5 * i)))
    return (
        [head, *ears, *eyes, nose, mouth, *whiskers]
        if h.chance(0.7)
        else [*ears, head, *eyes, nose, mouth, *whiskers]
    )


def fish(h: Hand) -> Strokes:
    """A body, a tail, an eye, fins, gills and perhaps bubbles."""
    s, high, nose = h.pick((-1, 1)), h.between(15, 23), h.between(34, 42)

    def at(x: float, y: float) -> Point:
        return 50 + s * x, 50 + y

    tail, joint = h.between(10, 16), -nose * 0.72
    body = h.curve(
        at(joint, -3),
        at(-8, -high),
        at(nose * 0.6, -high * 0.72),
        at(nose, 0),
        at(nose * 0.6, high * 0.75),
        at(-8, high),
        at(joint, 3),
    )
    fan = h.line(at(joint, -3), at(-46, -tail), at(-42, 0), at(-46, tail), at(joint, 3))
    parts = [h.round(at(nose * 0.62, -high * 0.25), h.between(1.8, 3.2))]
    if h.chance(0.6):
        parts.append(h.arc(at(nose * 0.2, 0), (5, high * 0.6), 90, -180 * s))
    if h.chance(0.6):
        parts.append(h.curve(at(-8, -high), at(-2, -high - h.between(8, 13)), at(12, -high * 0.93)))
    if h.chance(0.5):
        parts.append(h.curve(at(nose * 0.98, 3), at(nose * 0.82, 5.5), at(nose * 0.7, 4)))
    if h.chance(0.25):
        parts += [h.round(at(nose + 6 + 4 * i, -8 - 9 * i), 1.8 + 0.7 * i) for i in range(h.count(1, 3))]
    return [*([body, fan] if h.chance(0.7) else [fan, body]), *parts]


def snowman(h: Hand) -> Strokes:
    """Two or three balls, a hat, a carrot, buttons and arms of twigs."""
    low, head = h.between(20, 24), h.between(10, 13)
    middle = h.between(14, 17)
    y_low = 97 - low
    y_mid = y_low - low * 0.85 - middle * 0.85
    y_head = y_mid - middle * 0.85 - head * 0.9
    balls = [h.round((50, y_head), head), h.round((50, y_mid), middle), h.round((50, y_low), low)]
    s = h.pick((-1, 1))
    looks = [h.round((50 + x * head * 0.4, y_head - 2.5), 1.2) for x in (-1, 1)]
    looks.append(h.line((50, y_head), (50 + s * h.between(9, 14), y_head + 3), (50, y_head + 3)))
    if h.chance(0.6):
        looks += [h.round((50, y_mid - 7 + 7 * i), 1.3) for i in range(h.count(2, 3))]
    if h.chance(0.7):
        for side in h.shuffled((-1, 1)):
            x, y = 50 + side * middle, y_mid - 3
            tip = (x + side * h.between(14, 20), y - h.between(6, 16))
            looks.append(h.line((x, y), tip))
            if h.chance(0.6):
                looks.append(h.line((x + side * 10, y - 6), (x + side * 12, y - 15)))
    if h.chance(0.65):
        brim, crown, top = head * 1.3, head * 0.75, y_head - head + 1.5
        high = h.between(11, 16)
        looks += [
            h.line((50 - brim, top), (50 + brim, top)),
            h.line((50 - crown, top), (50 - crown, top - high), (50 + crown, top - high), (50 + crown, top)),
        ]
    return [*(balls if h.chance(0.5) else balls[::-1]), *looks]


def flower(h: Hand) -> Strokes:
    """Petals around a middle, a stem, a leaf or two."""
    middle, heart = (50 + h.between(-5, 5), 32.0), h.between(5, 9)
    petals, reach, turn = h.count(5, 8), h.between(13, 19), h.between(0, 60)
    ring = []
    for i in range(petals):
        degrees = turn + 360 * i / petals
        wide = heart * math.pi / petals * h.between(1.1, 1.5)
        out_at = polar(middle, heart + reach * h.between(0.9, 1.1), degrees)
        sides = [
            polar(middle, heart + reach * 0.6, degrees + s * math.degrees(wide / (heart + 6)))
            for s in (-1, 1)
        ]
        feet = [polar(middle, heart, degrees + s * 130 / petals) for s in (-1, 1)]
        ring.append(h.curve(feet[0], sides[0], out_at, sides[1], feet[1]))
    foot = (50 + h.between(-8, 8), h.between(92, 99))
    stem = h.curve((middle[0], middle[1] + heart + reach * 0.8), (50 + h.between(-5, 5), 70), foot)
    leaves = [_leaf(h, (50 + h.between(-1, 1), h.between(70, 82)), s) for s in h.shuffled((-1, 1))]
    return [h.round(middle, heart), *ring, stem, *leaves[: h.count(0, 2)]]


def _leaf(h: Hand, foot: Point, side: int) -> Line:
    long, high = h.between(14, 20), h.between(8, 14)
    tip = (foot[0] + side * long, foot[1] - high)
    return h.curve(
        foot,
        (foot[0] + side * long * 0.35, foot[1] - high),
        tip,
        (foot[0] + side * long * 0.75, foot[1] - high * 0.15),
        foot,
    )


def tree(h: Hand) -> Strokes:
    """A trunk with a cloud of leaves, or a fir of three storeys."""
    if h.chance(0.35):
        return _fir(h)
    half, top = h.between(4, 7), h.between(52, 60)
    trunk = [
        h.curve((50 - half, top), (50 - half * 0.8, 78), (50 - half * 1.6, 96)),
        h.curve((50 + half, top), (50 + half * 0.8, 78), (50 + half * 1.6, 96)),
    ]
    middle, bumps, wide = (50.0, 34.0), h.count(5, 7), h.between(28, 35)
    start, ring = h.between(60, 120), []
    for i in range(bumps):
        bulge = h.between(1.0, 1.1)
        for part, reach in ((0.0, 0.8), (0.25, 0.98 * bulge), (0.5, 1.06 * bulge), (0.75, 0.98 * bulge)):
            x, y = polar((0, 0), wide * reach, start + 360 * (i + part) / bumps)
            ring.append((middle[0] + x, middle[1] + y * 0.8))
    crown = h.curve(*ring, ring[0])
    apples = [
        h.round(polar(middle, h.between(4, 19), h.between(0, 360)), 2.4)
        for _ in range(h.count(3, 5) if h.chance(0.3) else 0)
    ]
    return [*([crown, *trunk] if h.chance(0.5) else [*trunk, crown]), *apples]


def _fir(h: Hand) -> Strokes:
    storeys, points = h.count(3, 4), [(50.0, 6.0)]
    for side in (1, -1):
        half: list[Point] = []
        for i in range(1, storeys + 1):
            y, x = 6 + 74 * i / storeys, 8 + 24 * i / storeys
            half += [(50 + side * h.near(x, 0.06), y), (50 + side * x * 0.5, y - 2)]
        points += half[:-1] if side > 0 else half[:-1][::-1]
    foot, half_trunk = h.between(92, 97), h.between(3, 5)
    trunk = h.line(
        (50 - half_trunk, 81), (50 - half_trunk, foot), (50 + half_trunk, foot), (50 + half_trunk, 81)
    )
    return [h.line(*points, (50.0, 6.0)), trunk]


def mushroom(h: Hand) -> Strokes:
    """A cap, a stalk, and spots."""
    rim, high, wide = h.between(50, 56), h.between(34, 42), h.between(38, 44)
    cap = [h.arc((50, rim), (wide, high), 180, 180)]
    sag = h.between(3, 8)
    under = h.curve((50 + wide, rim), (50, rim + sag), (50 - wide, rim))
    half, foot = h.between(9, 13), h.between(88, 95)
    stalk = h.curve(
        (50 - half, rim + sag * 0.8),
        (50 - half * 0.9, 74),
        (50 - half * 1.35, foot),
        (50, foot + 3),
        (50 + half * 1.35, foot),
        (50 + half * 0.9, 74),
        (50 + half, rim + sag * 0.8),
    )
    places = h.shuffled(((-0.55, 0.3), (-0.1, 0.68), (0.45, 0.42), (0.05, 0.22), (0.72, 0.16)))
    spots = [
        h.round((50 + x * wide * 0.9, rim - y * high), h.between(3, 5.5)) for x, y in places[: h.count(2, 4)]
    ]
    return [*cap, under, stalk, *spots] if h.chance(0.6) else [*cap, under, *spots, stalk]


def sun(h: Hand) -> Strokes:
    """A disc and its rays, all round or long and short by turns; now and then it smiles."""
    middle, radius = (50.0, 50.0), h.between(17, 25)
    rays, gap, reach = h.count(7, 13), h.between(3, 7), h.between(13, 22)
    turns, start, way = h.chance(0.3), h.between(-120, 0), h.pick((-1, 1))
    out = [h.round(middle, (radius, radius * h.between(0.92, 1.08)))]
    for i in range(rays):
        degrees = start + way * (360 * i / rays + h.between(-6, 6))
        long = reach * h.between(0.85, 1.15) * (0.55 if turns and i % 2 else 1.0)
        near, far = radius + gap * h.between(0.7, 1.3), radius + gap + long
        ends = [polar(middle, near, degrees), polar(middle, far, degrees + h.between(-3, 3))]
        out.append(h.line(*ends))
    if h.chance(0.3):
        eyes = [h.line((50 + s * radius * 0.35, 43), (50 + s * radius * 0.35, 47.5)) for s in (-1, 1)]
        out += [*eyes, h.arc((50, 51), (radius * 0.5, radius * 0.4), 165, -150)]
    return out
