"""Temperature: what it does to the mixture density, as two numbers that every engine understands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from sketchkit.errors import InputError

__all__ = ["MAX_ATANH", "MAX_LOG_SIGMA", "DrawRule", "TemperatureRule", "tempering"]

#: Log sigmas and atanh rho are clamped to these before a draw: a larger spread leaves the page, and
#: 1 / cosh(a) of a larger a is 0.
MAX_LOG_SIGMA = 20.0
MAX_ATANH = 40.0
# Logits are divided by at least this: the quotients still fit float32, and only the heaviest is left anyway.
_MIN_SOFTENING = 1e-30
# Temperature 0 adds this to log sigma: exp() of the sum is 0, and densities stay finite.
_NO_SPREAD = -1e6


class TemperatureRule(StrEnum):
    """The three meanings of temperature tau in the wild.

    `PAPER`: component and pen logits / tau, sigma^2 * tau. `TENSORFLOW` (the released sampling code): the
    same logits, but sigma * tau. `JAVASCRIPT` (sketch-rnn-js, @magenta/sketch): logits / (0.5 + 0.5 tau),
    sigma^2 * tau.
    """

    PAPER = "paper"
    TENSORFLOW = "tensorflow"
    JAVASCRIPT = "javascript"


@dataclass(frozen=True)
class DrawRule:
    """A draw from the model's density, tempered: all that an engine needs to draw points by itself.

    Args:
        softening: the divisor of component and pen logits.
        log_sigma_shift: the addend of log sigma_x and log sigma_y.
        max_radius: how many sigma an offset may lie from its component's mean; infinity for any number.
    """

    softening: float = 1.0
    log_sigma_shift: float = 0.0
    max_radius: float = math.inf


def tempering(temperature: float, rule: TemperatureRule | str = TemperatureRule.PAPER) -> tuple[float, float]:
    """Translate a temperature into a change of the density.

    Args:
        temperature: tau, finite, 0 or more.
        rule: which of the three rules.

    Returns:
        The divisor of component and pen logits, and the addend of log sigma.

    Raises:
        InputError: a temperature out of range, or an unknown rule.

    Departure: at 0 all rules are greedy, where the JavaScript rule would draw component and pen by chance.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise InputError(f"the temperature must be 0 or more, got {temperature:g}")
    try:
        rule = TemperatureRule(rule)
    except ValueError:
        known = ", ".join(TemperatureRule)
        raise InputError(f"unknown temperature rule {rule!r}: choose one of {known}") from None
    if temperature == 0:
        return _MIN_SOFTENING, _NO_SPREAD
    match rule:
        case TemperatureRule.PAPER:
            softening, shift = temperature, 0.5 * math.log(temperature)
        case TemperatureRule.TENSORFLOW:
            softening, shift = temperature, math.log(temperature)
        case TemperatureRule.JAVASCRIPT:
            softening, shift = 0.5 + 0.5 * temperature, 0.5 * math.log(temperature)
    return max(softening, _MIN_SOFTENING), shift
