"""How an exact number is named: as a whole number, a simple ratio or pi, or else by its shortest decimal."""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["PI", "decimal_text", "exact_fraction", "simple_fraction"]

PI = math.pi
_LARGEST_DENOMINATOR = 1000
_LARGEST_WHOLE = 10**15


def simple_fraction(value: float) -> Fraction | None:
    """The fraction with a denominator up to 1000 whose nearest float is ``value``, if there is one."""
    if not math.isfinite(value) or abs(value) > _LARGEST_WHOLE:
        return None
    ratio = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    return ratio if float(ratio) == value else None


def exact_fraction(value: float) -> Fraction:
    """The simple fraction, or else the decimal fraction that the shortest text of the float denotes.

    6.62607015e-34 is meant as 662607015/10^42, not as the binary fraction next to it.
    """
    simple = simple_fraction(value)
    return Fraction(repr(value)) if simple is None else simple


def decimal_text(value: float, digits: int | None = None) -> str:
    """A float with a decimal point or an exponent, which reads back exactly if ``digits`` is None."""
    text = repr(float(value)) if digits is None else f"{value:.{digits}g}"
    return text if any(c in text for c in ".en") else f"{text}.0"  # the n of inf and nan
