"""What people make: a list of strokes each, in the order in which somebody draws them."""

from __future__ import annotations

from sketchkit.training.data.hand import Hand, Line, Point, polar

__all__ = ["balloon", "boat", "car", "cup", "house", "spiral", "stairs", "star", "umbrella"]

Strokes = list[Line]


def house(h: Hand) -> Strokes:
    """Walls, a roof, a door with its knob, windows, perhaps a chimney with smoke."""
    left, right = h.between(12, 22), h.between(78, 88)
    eaves, ground, ridge = h.between(42, 52), h.between(86, 94), h.between(8, 24)
    over, middle = h.between(2, 8), 50 + h.between(-6, 6)
    walls = h.line((left, eaves), (left, ground), (right, ground), (right, eaves))
    roof = h.line((left - over, eaves), (middle, ridge), (right + over, eaves), (left - over, eaves))
    out = [walls, roof] if h.chance(0.6) else [roof, walls]
    door, wide = h.pick((0.5, 0.26, 0.74)), h.between(10, 14)
    at, lintel = left + (right - left) * door, ground - h.between(22, 28)
    parts = [
        h.line(
            (at - wide / 2, ground), (at - wide / 2, lintel), (at + wide / 2, lintel), (at + wide / 2, ground)
        )
    ]
    if h.chance(0.5):
        parts.append(h.round((at + wide * 0.25, (ground + lintel) / 2), 1.2))
    for place in (0.22, 0.78) if door == 0.5 else (1.0 - door,):
        parts += _window(h, left + (right - left) * place, (eaves + ground) / 2 - 5, h.between(5, 7.5))
    out += parts
    if h.chance(0.55):
        out += _chimney(h, middle, ridge, right + over, eaves)
    return out


def _window(h: Hand, x: float, y: float, half: float) -> Strokes:
    frame = h.closed((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
    cross = [h.line((x, y - half), (x, y + half)), h.line((x - half, y), (x + half, y))]
    return [frame, *(h.shuffled(cross) if h.chance(0.75) else [])]


def _chimney(h: Hand, x0: float, y0: float, x1: float, y1: float) -> Strokes:
    def on_roof(share: float) -> Point:
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share

    share = h.between(0.35, 0.5)
    (a, foot), (b, lower) = on_roof(share), on_roof(share + 0.2)
    top = foot - h.between(12, 18)
    out = [h.line((a, foot), (a, top), (b, top), (b, lower))]
    if h.chance(0.5):
        x = (a + b) / 2
        out.append(
            h.curve((x, top - 3), (x + 5, top - 8), (x - 2, top - 13), (x + 6, top - 18), (x + 3, top - 23))
        )
    return out


def stairs(h: Hand) -> Strokes:
    """Steps up or down, sometimes closed underneath, sometimes with a rail."""
    steps, side = h.count(3, 6), h.pick((-1, 1))
    run, rise = 84 / steps, h.between(60, 84) / steps
    x, y = 50.0 - side * 42, 92.0
    points: list[Point] = [(x, y)]
    for _ in range(steps):
        y -= h.near(rise, 0.12)
        points.append((x, y))
        x += side * h.near(run, 0.12)
        points.append((x, y))
    out = [h.line(*points)]
    if h.chance(0.5):
        out.append(h.line(points[-1], (points[-1][0], 92), points[0]))
    elif h.chance(0.4):
        up = h.between(14, 20)
        (x0, y0), (x1, y1) = points[1], points[-1]
        rail = h.line((x0, y0 - up), (x1, y1 - up))
        posts = [h.line(p, (p[0], p[1] - up)) for p in ((x0, y0), (x1, y1))]
        out += [rail, *posts] if h.chance(0.5) else [*posts, rail]
    return out


def spiral(h: Hand) -> Strokes:
    """From the inside out or from the outside in, two to four turns."""
    turns, way, start = h.between(2.2, 4.2), h.pick((-1, 1)), h.between(0, 360)
    inner, flat, points = h.between(0, 4), h.between(0.85, 1.0), []
    steps = int(turns * 14)
    for i in range(steps + 1):
        share = i / steps
        x, y = polar(
            (0, 0), inner + (46 - inner) * share ** h.near(1.0, 0.02), start + way * 360 * turns * share
        )
        points.append((50 + x, 50 + y * flat))
    return [h.curve(*(points if h.chance(0.7) else points[::-1]))]


def boat(h: Hand) -> Strokes:
    """A hull, a mast, one sail or two, perhaps a flag and waves."""
    s, deck, keel = h.pick((-1, 1)), h.between(66, 71), h.between(83, 89)
    hull = h.closed((10, deck), (90, deck), (h.between(72, 79), keel), (h.between(21, 28), keel))
    x, top = 50 - s * h.between(2, 7), h.between(8, 14)
    mast = h.line((x, deck), (x, top))
    boom = deck - h.between(5, 8)
    sails = [h.closed((x + s * 2, top + 3), (x + s * h.between(29, 36), boom), (x + s * 2, boom))]
    if h.chance(0.6):
        sails.append(
            h.closed(
                (x - s * 2, top + h.between(7, 14)), (x - s * h.between(20, 28), boom), (x - s * 2, boom)
            )
        )
    out = [hull, mast, *sails] if h.chance(0.6) else [mast, *sails, hull]
    if h.chance(0.3):
        out.append(h.line((x, top), (x - s * 11, top - 3.5), (x, top - 7), (x, top)))
    if h.chance(0.5):
        wave = [(2 + 12 * i, keel + 4 + (3.5 if i % 2 else -2)) for i in range(9)]
        out.append(h.curve(*wave))
    return out


def cup(h: Hand) -> Strokes:
    """A cup with its handle, on a saucer or steaming or neither."""
    s, top, foot = h.pick((-1, 1)), h.between(34, 40), h.between(80, 86)
    wide, narrow, lip = h.between(25, 30), h.between(15, 23), h.between(4, 7)
    rim = h.round((50, top), (wide, lip))
    side = h.curve(
        (50 - wide, top),
        (50 - wide * 0.95, (top + foot) / 2),
        (50 - narrow, foot),
        (50, foot + 3),
        (50 + narrow, foot),
        (50 + wide * 0.95, (top + foot) / 2),
        (50 + wide, top),
    )
    grip, x = h.between(11, 16), 50 + s * wide * 0.97
    handle = h.curve(
        (x, top + 9), (x + s * grip, top + 10), (x + s * grip * 0.95, top + 25), (x - s * 3, top + 31)
    )
    out = [rim, side, handle] if h.chance(0.7) else [side, rim, handle]
    if h.chance(0.35):
        out.append(h.arc((50, foot + 1), (40, 8), -25, 230))
    if h.chance(0.55):
        for i in h.shuffled((-1, 0, 1))[: h.count(2, 3)]:
            x = 50 + 12 * i
            out.append(h.curve((x, top - 10), (x + 4, top - 16), (x - 3, top - 23), (x + 2, top - 30)))
    return out


def star(h: Hand) -> Strokes:
    """Five points, drawn in one go across or around its outline."""
    turn, way = -90 + h.between(-8, 8), h.pick((-1, 1))
    tips = [polar((50, 50), h.near(46, 0.06), turn + way * 72 * i) for i in range(5)]
    if h.chance(0.5):
        first = h.count(0, 4)
        return [h.line(*(tips[(first + 2 * i) % 5] for i in range(5)), tips[first])]
    deep = h.between(17, 22)
    dents = [polar((50, 50), h.near(deep, 0.06), turn + way * (72 * i + 36)) for i in range(5)]
    return [h.closed(*(point for pair in zip(tips, dents, strict=True) for point in pair))]


def umbrella(h: Hand) -> Strokes:
    """A canopy with scallops, ribs, and a crooked handle."""
    rim, high, s = h.between(46, 52), h.between(34, 40), h.pick((-1, 1))
    dome, scallops = h.arc((50, rim), (44, high), 180, 180), h.count(3, 5)
    width, dip = 88 / scallops, h.between(5, 8)
    edge = [h.arc((6 + width * (i + 0.5), rim), (width / 2, dip), 180, 180) for i in range(scallops)]
    top = rim - high
    ribs = []
    if h.chance(0.6):
        for i in range(1, scallops):
            x = 6 + width * i
            ribs.append(h.curve((50, top), (50 + (x - 50) * 0.75, top + high * 0.45), (x, rim)))
    foot, hook = h.between(86, 91), h.between(4.5, 7)
    stick = h.curve(
        (50, rim - dip * 0.7),
        (50, 70),
        (50, foot),
        (50 + s * hook, foot + hook),
        (50 + s * 2 * hook, foot - 1),
    )
    tip = [h.line((50, top), (50, top - h.between(4, 7)))] if h.chance(0.5) else []
    return [dome, *edge, *ribs, stick, *tip]


def balloon(h: Hand) -> Strokes:
    """A balloon on a long string, sometimes with a gleam."""
    wide, tall = h.between(23, 28), h.between(27, 33)
    lean, foot = h.between(-6, 6), 36 + tall
    skin = h.round((50, 36), (wide, tall), lean)
    knot = h.closed((50, foot - 1), (50 - h.between(3, 4.5), foot + 6), (50 + h.between(3, 4.5), foot + 6))
    sway = h.between(3, 8) * h.pick((-1, 1))
    string = h.curve(
        (50, foot + 6), (50 + sway, foot + 17), (50 - sway, foot + 29), (50 + sway * 0.6, foot + 42)
    )
    gleam = [h.arc((50, 36), (wide * 0.65, tall * 0.65), 190, 60)] if h.chance(0.6) else []
    return [skin, knot, string, *gleam] if h.chance(0.7) else [skin, *gleam, knot, string]


def car(h: Hand) -> Strokes:
    """A body with a cabin, windows, two wheels, perhaps a light and a handle."""
    s, floor, belt, top = h.pick((-1, 1)), h.between(70, 74), h.between(48, 52), h.between(27, 33)

    def at(x: float, y: float) -> Point:
        return 50 + s * x, y

    back, front = -h.between(26, 32), h.between(10, 15)
    body = h.line(
        at(-46, floor),
        at(-46, belt + 2),
        at(back - 4, belt),
        at(back + 5, top),
        at(front, top),
        at(front + 12, belt),
        at(41, belt + 4),
        at(46, belt + 11),
        at(46, floor),
        at(-46, floor),
    )
    post = (back + front) / 2 + 3
    glass, sill = top + 4.5, belt - 1
    windows = [
        h.closed(at(back + 3, sill), at(back + 8, glass), at(post - 2, glass), at(post - 2, sill)),
        h.closed(at(post + 2, sill), at(post + 2, glass), at(front - 2, glass), at(front + 6, sill)),
    ]
    size, wheels = h.between(8, 10.5), []
    for x in h.shuffled((-26.0, 26.0)):
        wheels.append(h.round(at(x, floor + 1), size))
        if h.chance(0.6):
            wheels.append(h.round(at(x, floor + 1), size * 0.4))
    extras = [h.line(at(post + 4, belt + 6), at(post + 10, belt + 6))] if h.chance(0.5) else []
    if h.chance(0.5):
        extras.append(h.round(at(42, belt + 11), (2.6, 3.2)))
    return [body, *windows, *wheels, *extras] if h.chance(0.6) else [body, *wheels, *windows, *extras]
