"""The subjects of `synth`: for each class a function from a pen to strokes, in the order people draw them."""

from __future__ import annotations

import math
from collections.abc import Callable

from sketchkit.training.data.strokes import Pen, Point, Stroke, mirror, polar

__all__ = ["SUBJECTS"]

Strokes = list[Stroke]

_SIDES = (-1, 1)


def balloon(pen: Pen) -> Strokes:
    """A balloon on a long string, sometimes with a gleam."""
    wide, tall = pen.uniform(23, 28), pen.uniform(27, 33)
    lean, foot = pen.uniform(-6, 6), 36 + tall
    skin = pen.ellipse((50, 36), (wide, tall), lean)
    end = foot + 6
    knot = pen.polygon((50, foot - 1), (50 - pen.uniform(3, 4.5), end), (50 + pen.uniform(3, 4.5), end))
    sway = pen.uniform(3, 8) * pen.choose(_SIDES)
    string = pen.curve(
        (50, end), (50 + sway, foot + 17), (50 - sway, foot + 29), (50 + sway * 0.6, foot + 42)
    )
    gleam = [pen.arc((50, 36), (wide * 0.65, tall * 0.65), 190, 60)] if pen.chance(0.6) else []
    return [skin, knot, string, *gleam] if pen.chance(0.7) else [skin, *gleam, knot, string]


def boat(pen: Pen) -> Strokes:
    """A hull, a mast, one sail or two, perhaps a flag and waves."""
    s, deck, keel = pen.choose(_SIDES), pen.uniform(66, 71), pen.uniform(83, 89)
    hull = pen.polygon((10, deck), (90, deck), (pen.uniform(72, 79), keel), (pen.uniform(21, 28), keel))
    x, top = 50 - s * pen.uniform(2, 7), pen.uniform(8, 14)
    mast = pen.line((x, deck), (x, top))
    boom = deck - pen.uniform(5, 8)
    sails = [pen.polygon((x + s * 2, top + 3), (x + s * pen.uniform(29, 36), boom), (x + s * 2, boom))]
    if pen.chance(0.6):
        peak, clew = (x - s * 2, top + pen.uniform(7, 14)), (x - s * pen.uniform(20, 28), boom)
        sails.append(pen.polygon(peak, clew, (x - s * 2, boom)))
    out = [hull, mast, *sails] if pen.chance(0.6) else [mast, *sails, hull]
    if pen.chance(0.3):
        out.append(pen.line((x, top), (x - s * 11, top - 3.5), (x, top - 7), (x, top)))
    if pen.chance(0.5):
        out.append(pen.curve(*((2 + 12 * i, keel + 4 + (3.5 if i % 2 else -2)) for i in range(9))))
    return out


def car(pen: Pen) -> Strokes:
    """A body with a cabin, windows, two wheels, perhaps a light and a handle."""
    s, floor = pen.choose(_SIDES), pen.uniform(70, 74)
    belt, top = pen.uniform(48, 52), pen.uniform(27, 33)

    def at(x: float, y: float) -> Point:
        return 50 + s * x, y

    back, front = -pen.uniform(26, 32), pen.uniform(10, 15)
    rear = [at(-46, floor), at(-46, belt + 2), at(back - 4, belt), at(back + 5, top)]
    nose = [at(front, top), at(front + 12, belt), at(41, belt + 4), at(46, belt + 11), at(46, floor)]
    body = pen.line(*rear, *nose, rear[0])
    post, glass, sill = (back + front) / 2 + 3, top + 4.5, belt - 1
    windows = [
        pen.polygon(at(back + 3, sill), at(back + 8, glass), at(post - 2, glass), at(post - 2, sill)),
        pen.polygon(at(post + 2, sill), at(post + 2, glass), at(front - 2, glass), at(front + 6, sill)),
    ]
    size, wheels = pen.uniform(8, 10.5), Strokes()
    for x in pen.permute((-26, 26)):
        wheels.append(pen.ellipse(at(x, floor + 1), size))
        if pen.chance(0.6):
            wheels.append(pen.ellipse(at(x, floor + 1), size * 0.4))
    extras = [pen.line(at(post + 4, belt + 6), at(post + 10, belt + 6))] if pen.chance(0.5) else []
    if pen.chance(0.5):
        extras.append(pen.ellipse(at(42, belt + 11), (2.6, 3.2)))
    return [body, *windows, *wheels, *extras] if pen.chance(0.6) else [body, *wheels, *windows, *extras]


def cat(pen: Pen) -> Strokes:
    """A head with pointed ears, whiskers, eyes, a nose and a mouth."""
    wide, tall = pen.uniform(33, 38), pen.uniform(28, 33)
    head = pen.ellipse((50, 58), (wide, tall))
    ears = []
    for s in pen.permute(_SIDES):
        tip = (50 + s * wide * pen.uniform(0.72, 0.85), 58 - tall - pen.uniform(10, 17))
        ears.append(pen.line((50 + s * wide * 0.3, 59 - tall), tip, (50 + s * wide * 0.86, 58 - tall * 0.5)))
    size = pen.uniform(2.5, 4.5)
    features = [pen.ellipse((50 + s * wide * 0.4, 51), (size * 0.8, size)) for s in _SIDES]
    features.append(pen.polygon((47, 60.5), (53, 60.5), (50, 64)))
    features.append(pen.curve(*mirror((9, 68), (5.5, 71.5), (1, 69.5), (0, 64.5))))
    for s in _SIDES:
        for i in range(pen.integer(2, 3)):
            y = 61 + 4.5 * i
            features.append(pen.line((50 + s * 17, y), (50 + s * pen.uniform(43, 50), y - 5 + 5 * i)))
    return [head, *ears, *features] if pen.chance(0.7) else [*ears, head, *features]


def cup(pen: Pen) -> Strokes:
    """A cup with its handle, perhaps on a saucer or steaming."""
    s, top, foot = pen.choose(_SIDES), pen.uniform(34, 40), pen.uniform(80, 86)
    wide, narrow, lip = pen.uniform(25, 30), pen.uniform(15, 23), pen.uniform(4, 7)
    rim = pen.ellipse((50, top), (wide, lip))
    side = pen.curve(*mirror((wide, top), (wide * 0.95, (top + foot) / 2), (narrow, foot), (0, foot + 3)))
    grip, x = pen.uniform(11, 16), 50 + s * wide * 0.97
    upper, lower = (x + s * grip, top + 10), (x + s * grip * 0.95, top + 25)
    handle = pen.curve((x, top + 9), upper, lower, (x - s * 3, top + 31))
    out = [rim, side, handle] if pen.chance(0.7) else [side, rim, handle]
    if pen.chance(0.35):
        out.append(pen.arc((50, foot + 1), (40, 8), -25, 230))
    if pen.chance(0.55):
        for i in pen.permute((-1, 0, 1))[: pen.integer(2, 3)]:
            x = 50 + 12 * i
            out.append(pen.curve((x, top - 10), (x + 4, top - 16), (x - 3, top - 23), (x + 2, top - 30)))
    return out


def face(pen: Pen) -> Strokes:
    """Round or long, with eyes, perhaps a nose, hair or ears, smiling or not."""
    wide, tall = pen.uniform(34, 44), pen.uniform(38, 48)
    eye_x, eye_y = wide * pen.uniform(0.34, 0.46), 50 - tall * pen.uniform(0.15, 0.35)
    size, tilt = pen.uniform(2.2, 5), pen.uniform(-4, 4)
    eyes = [
        pen.ellipse((50 + s * eye_x, eye_y + s * tilt * 0.3), (size, size * pen.uniform(0.9, 1.5)))
        for s in pen.permute(_SIDES)
    ]
    mouth_y, mouth = 50 + tall * pen.uniform(0.3, 0.42), wide * pen.uniform(0.35, 0.6)
    smile = pen.uniform(-5, 13) if pen.chance(0.3) else pen.uniform(6, 15)
    ends = (50 - mouth, mouth_y), (50 + mouth, mouth_y + tilt * 0.4)
    features = [pen.curve(ends[0], (50, mouth_y + smile), ends[1])]
    if pen.chance(0.6):
        s = pen.choose(_SIDES)
        features.append(pen.line((50, 46), (50 + s * pen.uniform(4, 7), 57), (50 - s, 58)))
    out = [pen.ellipse((50, 50), (wide, tall)), *eyes, *pen.permute(features)]
    if pen.chance(0.3):
        out += [pen.arc((50 + s * (wide + 3), 50), (5, 8), 90 - s * 10, -s * 200) for s in _SIDES]
    elif pen.chance(0.5):
        top, spread = 50 - tall, pen.uniform(14, 24)
        for x in (-1, -0.5, 0, 0.5, 1):
            root, tip = 50 + x * spread, 50 + x * spread * 1.3
            out.append(pen.curve((root, top + abs(x) * 3), (tip, top - pen.uniform(6, 14))))
    return out


def fish(pen: Pen) -> Strokes:
    """A body, a tail, an eye, fins, gills and perhaps bubbles."""
    s, high, nose = pen.choose(_SIDES), pen.uniform(15, 23), pen.uniform(34, 42)

    def at(x: float, y: float) -> Point:
        return 50 + s * x, 50 + y

    tail, joint = pen.uniform(10, 16), -nose * 0.72
    back = [at(joint, -3), at(-8, -high), at(nose * 0.6, -high * 0.72)]
    belly = [at(nose * 0.6, high * 0.75), at(-8, high), at(joint, 3)]
    body = pen.curve(*back, at(nose, 0), *belly)
    fan = pen.line(at(joint, -3), at(-46, -tail), at(-42, 0), at(-46, tail), at(joint, 3))
    parts = [pen.ellipse(at(nose * 0.62, -high * 0.25), pen.uniform(1.8, 3.2))]
    if pen.chance(0.6):
        parts.append(pen.arc(at(nose * 0.2, 0), (5, high * 0.6), 90, -180 * s))
    if pen.chance(0.6):
        parts.append(pen.curve(at(-8, -high), at(-2, -high - pen.uniform(8, 13)), at(12, -high * 0.93)))
    if pen.chance(0.5):
        parts.append(pen.curve(at(nose * 0.98, 3), at(nose * 0.82, 5.5), at(nose * 0.7, 4)))
    if pen.chance(0.25):
        for i in range(pen.integer(1, 3)):
            parts.append(pen.ellipse(at(nose + 6 + 4 * i, -8 - 9 * i), 1.8 + 0.7 * i))
    return [body, fan, *parts] if pen.chance(0.7) else [fan, body, *parts]


def flower(pen: Pen) -> Strokes:
    """Petals around a middle, a stem, a leaf or two."""
    middle, heart = (50 + pen.uniform(-5, 5), 32.0), pen.uniform(5, 9)
    petals, reach, turn = pen.integer(5, 8), pen.uniform(13, 19), pen.uniform(0, 60)
    ring = []
    for i in range(petals):
        angle = turn + 360 * i / petals
        half = math.degrees(heart * math.pi / petals * pen.uniform(1.1, 1.5) / (heart + 6))
        tip = polar(middle, heart + reach * pen.uniform(0.9, 1.1), angle)
        sides = [polar(middle, heart + reach * 0.6, angle + s * half) for s in _SIDES]
        feet = [polar(middle, heart, angle + s * 130 / petals) for s in _SIDES]
        ring.append(pen.curve(feet[0], sides[0], tip, sides[1], feet[1]))
    foot = (50 + pen.uniform(-8, 8), pen.uniform(92, 99))
    stem = pen.curve((middle[0], middle[1] + heart + reach * 0.8), (50 + pen.uniform(-5, 5), 70), foot)
    leaves = [_leaf(pen, 50 + pen.uniform(-1, 1), pen.uniform(70, 82), s) for s in pen.permute(_SIDES)]
    return [pen.ellipse(middle, heart), *ring, stem, *leaves[: pen.integer(0, 2)]]


def _leaf(pen: Pen, x: float, y: float, s: int) -> Stroke:
    long, high = pen.uniform(14, 20), pen.uniform(8, 14)
    upper, lower = (x + s * long * 0.35, y - high), (x + s * long * 0.75, y - high * 0.15)
    return pen.curve((x, y), upper, (x + s * long, y - high), lower, (x, y))


def house(pen: Pen) -> Strokes:
    """Walls, a roof, a door with its knob, windows, perhaps a chimney with smoke."""
    left, right = pen.uniform(12, 22), pen.uniform(78, 88)
    eaves, ground, ridge = pen.uniform(42, 52), pen.uniform(86, 94), pen.uniform(8, 24)
    over, middle = pen.uniform(2, 8), 50 + pen.uniform(-6, 6)
    walls = pen.line((left, eaves), (left, ground), (right, ground), (right, eaves))
    roof = pen.line((left - over, eaves), (middle, ridge), (right + over, eaves), (left - over, eaves))
    out = [walls, roof] if pen.chance(0.6) else [roof, walls]
    door, wide = pen.choose((0.5, 0.26, 0.74)), pen.uniform(10, 14)
    x, lintel = left + (right - left) * door, ground - pen.uniform(22, 28)
    a, b = x - wide / 2, x + wide / 2
    out.append(pen.line((a, ground), (a, lintel), (b, lintel), (b, ground)))
    if pen.chance(0.5):
        out.append(pen.ellipse((x + wide * 0.25, (ground + lintel) / 2), 1.2))
    for place in (0.22, 0.78) if door == 0.5 else (1.0 - door,):
        out += _window(pen, left + (right - left) * place, (eaves + ground) / 2 - 5, pen.uniform(5, 7.5))
    return out + (_chimney(pen, middle, ridge, right + over, eaves) if pen.chance(0.55) else [])


def _window(pen: Pen, x: float, y: float, half: float) -> Strokes:
    left, right, top, foot = x - half, x + half, y - half, y + half
    frame = pen.polygon((left, top), (right, top), (right, foot), (left, foot))
    cross = [pen.line((x, top), (x, foot)), pen.line((left, y), (right, y))]
    return [frame, *(pen.permute(cross) if pen.chance(0.75) else [])]


def _chimney(pen: Pen, x0: float, y0: float, x1: float, y1: float) -> Strokes:
    share = pen.uniform(0.35, 0.5)
    (a, foot), (b, lower) = ((x0 + (x1 - x0) * at, y0 + (y1 - y0) * at) for at in (share, share + 0.2))
    top = foot - pen.uniform(12, 18)
    out = [pen.line((a, foot), (a, top), (b, top), (b, lower))]
    if pen.chance(0.5):
        x = (a + b) / 2
        smoke = ((0, 3), (5, 8), (-2, 13), (6, 18), (3, 23))
        out.append(pen.curve(*((x + dx, top - dy) for dx, dy in smoke)))
    return out


def mushroom(pen: Pen) -> Strokes:
    """A cap, a stalk, and spots."""
    rim, high, wide = pen.uniform(50, 56), pen.uniform(34, 42), pen.uniform(38, 44)
    cap = pen.arc((50, rim), (wide, high), 180, 180)
    sag = pen.uniform(3, 8)
    under = pen.curve(*mirror((-wide, rim), (0, rim + sag)))
    half, foot = pen.uniform(9, 13), pen.uniform(88, 95)
    outline = mirror((half, rim + sag * 0.8), (half * 0.9, 74), (half * 1.35, foot), (0, foot + 3))
    stalk = pen.curve(*outline)
    places = pen.permute(((-0.55, 0.3), (-0.1, 0.68), (0.45, 0.42), (0.05, 0.22), (0.72, 0.16)))
    places = places[: pen.integer(2, 4)]
    spots = [pen.ellipse((50 + x * wide * 0.9, rim - y * high), pen.uniform(3, 5.5)) for x, y in places]
    return [cap, under, stalk, *spots] if pen.chance(0.6) else [cap, under, *spots, stalk]


def snowman(pen: Pen) -> Strokes:
    """Two or three balls, a hat, a carrot, buttons and arms of twigs."""
    low, head, middle = pen.uniform(20, 24), pen.uniform(10, 13), pen.uniform(14, 17)
    y_low = 97 - low
    y_middle = y_low - low * 0.85 - middle * 0.85
    y_head = y_middle - middle * 0.85 - head * 0.9
    balls = [pen.ellipse((50, y), size) for y, size in ((y_head, head), (y_middle, middle), (y_low, low))]
    s = pen.choose(_SIDES)
    extras = [pen.ellipse((50 + x * head * 0.4, y_head - 2.5), 1.2) for x in _SIDES]
    extras.append(pen.line((50, y_head), (50 + s * pen.uniform(9, 14), y_head + 3), (50, y_head + 3)))
    if pen.chance(0.6):
        extras += [pen.ellipse((50, y_middle - 7 + 7 * i), 1.3) for i in range(pen.integer(2, 3))]
    if pen.chance(0.7):
        for s in pen.permute(_SIDES):
            x, y = 50 + s * middle, y_middle - 3
            extras.append(pen.line((x, y), (x + s * pen.uniform(14, 20), y - pen.uniform(6, 16))))
            if pen.chance(0.6):
                extras.append(pen.line((x + s * 10, y - 6), (x + s * 12, y - 15)))
    if pen.chance(0.65):
        crown, brim = head * 0.75, y_head - head + 1.5
        top = brim - pen.uniform(11, 16)
        extras += [pen.line(*mirror((head * 1.3, brim))), pen.line(*mirror((crown, brim), (crown, top)))]
    return [*(balls if pen.chance(0.5) else balls[::-1]), *extras]


def spiral(pen: Pen) -> Strokes:
    """From the inside out or from the outside in, two to four turns."""
    turns, way, start = pen.uniform(2.2, 4.2), pen.choose(_SIDES), pen.uniform(0, 360)
    inner, flat, points = pen.uniform(0, 4), pen.uniform(0.85, 1.0), list[Point]()
    steps = int(turns * 14)
    for i in range(steps + 1):
        share = i / steps
        radius = inner + (46 - inner) * share ** pen.vary(1.0, 0.02)
        x, y = polar((0, 0), radius, start + way * 360 * turns * share)
        points.append((50 + x, 50 + y * flat))
    return [pen.curve(*(points if pen.chance(0.7) else points[::-1]))]


def stairs(pen: Pen) -> Strokes:
    """Steps up or down, sometimes closed underneath, sometimes with a rail."""
    steps, side = pen.integer(3, 6), pen.choose(_SIDES)
    run, rise = 84 / steps, pen.uniform(60, 84) / steps
    x, y = 50.0 - side * 42, 92.0
    points = [(x, y)]
    for _ in range(steps):
        y -= pen.vary(rise, 0.12)
        points.append((x, y))
        x += side * pen.vary(run, 0.12)
        points.append((x, y))
    out = [pen.line(*points)]
    if pen.chance(0.5):
        out.append(pen.line((x, y), (x, 92), points[0]))
    elif pen.chance(0.4):
        up = pen.uniform(14, 20)
        ends = (points[1], (x, y))
        rail = pen.line(*((x, y - up) for x, y in ends))
        posts = [pen.line((x, y), (x, y - up)) for x, y in ends]
        out += [rail, *posts] if pen.chance(0.5) else [*posts, rail]
    return out


def star(pen: Pen) -> Strokes:
    """Five points, drawn in one go across or around its outline."""
    turn, way = -90 + pen.uniform(-8, 8), pen.choose(_SIDES)
    tips = [polar((50, 50), pen.vary(46, 0.06), turn + way * 72 * i) for i in range(5)]
    if pen.chance(0.5):
        first = pen.integer(0, 4)
        return [pen.line(*(tips[(first + 2 * i) % 5] for i in range(6)))]
    deep = pen.uniform(17, 22)
    dents = [polar((50, 50), pen.vary(deep, 0.06), turn + way * (72 * i + 36)) for i in range(5)]
    return [pen.polygon(*(point for pair in zip(tips, dents, strict=True) for point in pair))]


def sun(pen: Pen) -> Strokes:
    """A disc and its rays, all alike or long and short by turns; now and then it smiles."""
    middle, radius = (50.0, 50.0), pen.uniform(17, 25)
    rays, gap, reach = pen.integer(7, 13), pen.uniform(3, 7), pen.uniform(13, 22)
    alternate, start, way = pen.chance(0.3), pen.uniform(-120, 0), pen.choose(_SIDES)
    out = [pen.ellipse(middle, (radius, radius * pen.uniform(0.92, 1.08)))]
    for i in range(rays):
        angle = start + way * (360 * i / rays + pen.uniform(-6, 6))
        long = reach * pen.uniform(0.85, 1.15) * (0.55 if alternate and i % 2 else 1.0)
        near = polar(middle, radius + gap * pen.uniform(0.7, 1.3), angle)
        out.append(pen.line(near, polar(middle, radius + gap + long, angle + pen.uniform(-3, 3))))
    if pen.chance(0.3):
        for s in _SIDES:
            out.append(pen.line((50 + s * radius * 0.35, 43), (50 + s * radius * 0.35, 47.5)))
        out.append(pen.arc((50, 51), (radius * 0.5, radius * 0.4), 165, -150))
    return out


def tree(pen: Pen) -> Strokes:
    """A trunk with a cloud of leaves and perhaps apples, or a fir."""
    if pen.chance(0.35):
        return _fir(pen)
    half, top = pen.uniform(4, 7), pen.uniform(52, 60)
    bark = ((half, top), (half * 0.8, 78), (half * 1.6, 96))
    trunk = [pen.curve(*((50 + s * x, y) for x, y in bark)) for s in _SIDES]
    middle, bumps, wide = (50.0, 34.0), pen.integer(5, 7), pen.uniform(28, 35)
    start, ring = pen.uniform(60, 120), list[Point]()
    for i in range(bumps):
        bulge = pen.uniform(1.0, 1.1)
        for part, reach in ((0.0, 0.8), (0.25, 0.98 * bulge), (0.5, 1.06 * bulge), (0.75, 0.98 * bulge)):
            x, y = polar((0, 0), wide * reach, start + 360 * (i + part) / bumps)
            ring.append((middle[0] + x, middle[1] + y * 0.8))
    crown = pen.curve(*ring, ring[0])
    apples = pen.integer(3, 5) if pen.chance(0.3) else 0
    fruit = [pen.ellipse(polar(middle, pen.uniform(4, 19), pen.uniform(0, 360)), 2.4) for _ in range(apples)]
    return [crown, *trunk, *fruit] if pen.chance(0.5) else [*trunk, crown, *fruit]


def _fir(pen: Pen) -> Strokes:
    storeys, sides = pen.integer(3, 4), list[list[Point]]()
    for s in (1, -1):
        points = []
        for i in range(1, storeys + 1):
            y, x = 6 + 74 * i / storeys, 8 + 24 * i / storeys
            points += [(50 + s * pen.vary(x, 0.06), y), (50 + s * x * 0.5, y - 2)]
        sides.append(points[:-1])
    foot, half = pen.uniform(92, 97), pen.uniform(3, 5)
    trunk = pen.line(*mirror((half, 81), (half, foot)))
    return [pen.line((50, 6), *sides[0], *sides[1][::-1], (50, 6)), trunk]


def umbrella(pen: Pen) -> Strokes:
    """A canopy with scallops, ribs, and a crooked handle."""
    rim, high, s = pen.uniform(46, 52), pen.uniform(34, 40), pen.choose(_SIDES)
    dome, scallops = pen.arc((50, rim), (44, high), 180, 180), pen.integer(3, 5)
    width, dip = 88 / scallops, pen.uniform(5, 8)
    parts = [pen.arc((6 + width * (i + 0.5), rim), (width / 2, dip), 180, 180) for i in range(scallops)]
    top = rim - high
    if pen.chance(0.6):
        for x in (6 + width * i for i in range(1, scallops)):
            parts.append(pen.curve((50, top), (50 + (x - 50) * 0.75, top + high * 0.45), (x, rim)))
    foot, hook = pen.uniform(86, 91), pen.uniform(4.5, 7)
    crook = (50 + s * hook, foot + hook), (50 + s * 2 * hook, foot - 1)
    parts.append(pen.curve((50, rim - dip * 0.7), (50, 70), (50, foot), *crook))
    tip = [pen.line((50, top), (50, top - pen.uniform(4, 7)))] if pen.chance(0.5) else []
    return [dome, *parts, *tip]


_ALL = (balloon, boat, car, cat, cup, face, fish, flower, house, mushroom, snowman, spiral, stairs, star, sun)
#: By class, sorted.
SUBJECTS: dict[str, Callable[[Pen], Strokes]] = {draw.__name__: draw for draw in (*_ALL, tree, umbrella)}
