"""What the paper's models cost, to stand beside the figures of a data set of the same classes.

Source: Ha & Eck 2017, table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["TABLE_1", "Published", "published_of"]


@dataclass(frozen=True)
class Published:
    """A row of the table.

    Args:
        l_r: L_R of the conditional models trained with w_KL = 1, 0.5 and 0.25.
        l_kl: their L_KL.
        decoder_l_r: L_R of the decoder-only model.
    """

    l_r: tuple[float, float, float]
    l_kl: tuple[float, float, float]
    decoder_l_r: float

    def line(self) -> str:
        """The row in a sentence, with what keeps it from being compared as it stands."""
        losses, divergences = (" / ".join(f"{value:.2f}" for value in row) for row in (self.l_r, self.l_kl))
        return (
            f"Ha & Eck 2017, table 1, for these classes: L_R {losses} and L_KL {divergences} at w_KL 1 / 0.5 "
            f"/ 0.25, decoder-only L_R {self.decoder_l_r:.2f}; its L_R counts the pen of end rows and of the "
            "padding, which L_R here does not."
        )


#: By the classes of a data set, sorted.
TABLE_1: dict[tuple[str, ...], Published] = {
    ("cat",): Published((-0.98, -1.33, -1.46), (0.29, 0.70, 1.01), -0.57),
    ("pig",): Published((-1.14, -1.37, -1.52), (0.22, 0.49, 0.80), -0.82),
    ("cat", "pig"): Published((-1.02, -1.24, -1.50), (0.22, 0.49, 0.98), -0.75),
    ("crab", "face", "pig", "rabbit"): Published((-0.91, -1.04, -1.47), (0.22, 0.40, 1.17), -0.67),
    ("face",): Published((-1.13, -1.55, -1.90), (0.27, 0.71, 1.44), -0.73),
    ("firetruck",): Published((-1.24, -1.26, -1.78), (0.22, 0.24, 1.10), -0.90),
    ("garden",): Published((-0.79, -0.81, -0.99), (0.20, 0.25, 0.54), -0.62),
    ("owl",): Published((-0.93, -1.03, -1.29), (0.20, 0.34, 0.77), -0.66),
    ("mosquito",): Published((-0.67, -1.02, -1.41), (0.30, 0.66, 1.54), -0.34),
    ("yoga",): Published((-0.80, -1.07, -1.51), (0.24, 0.55, 1.33), -0.48),
}


def published_of(classes: Iterable[str]) -> Published | None:
    """The row of a data set's classes; None where the table has none."""
    return TABLE_1.get(tuple(sorted({name.lower() for name in classes})))
