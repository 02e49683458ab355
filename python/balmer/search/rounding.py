"""How a number with an error is written."""

from __future__ import annotations

import math

__all__ = ["number_with_error"]


def number_with_error(value: float, error: float) -> str:
    """A value and its standard error, rounded to two digits of the error: ``364.5068 ± 0.0013``."""
    if not math.isfinite(error):
        return f"{value:.6g}"
    if error == 0.0 or error < 1e-12 * abs(value):  # as many digits as a float has for certain
        return f"{value:.12g}"
    exponent = math.floor(math.log10(error))
    size = math.floor(math.log10(max(abs(value), error)))
    if -4 <= size <= 6 and exponent > -12:
        decimals = max(0, 1 - exponent)
        return f"{value:.{decimals}f} ± {error:.{decimals}f}"
    decimals = max(0, size - exponent + 1)
    return f"({value / 10.0**size:.{decimals}f} ± {error / 10.0**size:.{decimals}f})e{size:+d}"
