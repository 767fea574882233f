"""Colours that every reader of SVG knows; of any other word some make black, and some make nothing."""

from __future__ import annotations

import difflib
import re

from sketchkit.errors import InputError

__all__ = ["NAMES", "checked_color"]

_DIGITS = re.compile("#[0-9a-f]{3}|#[0-9a-f]{6}", re.IGNORECASE)

_WORDS = """
aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown
burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan
darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred
darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink
deepskyblue dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold
goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush
lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey
lightpink lightsalmon lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow
lime limegreen linen magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen
mediumslateblue mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin
navajowhite navy oldlace olive olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise
palevioletred papayawhip peachpuff peru pink plum powderblue purple red rosybrown royalblue saddlebrown
salmon sandybrown seagreen seashell sienna silver skyblue slateblue slategray slategrey snow springgreen
steelblue tan teal thistle tomato turquoise violet wheat white whitesmoke yellow yellowgreen
"""

#: The names of SVG 1.1, section 4.4, "Recognized color keyword names".
NAMES = frozenset(_WORDS.split())


def checked_color(color: str, *, none: bool = False) -> str:
    """The colour itself, if it is `#rgb`, `#rrggbb` or a name: nothing that could refer to a resource.

    Args:
        color: in any case.
        none: whether it may be the word `none`, too.

    Raises:
        InputError: anything else.
    """
    if isinstance(color, str) and (
        _DIGITS.fullmatch(color) or color.lower() in NAMES or (none and color == "none")
    ):
        return color
    near = difflib.get_close_matches(str(color).lower(), sorted(NAMES), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    known = f"#rgb, #rrggbb, {'none or ' if none else 'or '}a name that SVG knows, such as teal"
    raise InputError(f"a colour must be {known}, got {color!r}{hint}")
