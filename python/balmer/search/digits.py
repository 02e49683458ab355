"""How many digits of each constant a short formula shows: no fewer than the data fix.

A constant is rounded to two digits of its error, which moves a prediction by at most a twentieth of what is known of
it. Constants that go together (a slope and an offset far from the data) hold each other more tightly than their own
errors say; so the error that counts is the one with all others fixed, 1/sqrt(P_kk) of the inverse covariance P.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["shown_digits"]

_UNFIXED = 6  # where the data do not fix a constant
_FEWEST = 3
_ALL = 17
_LONGEST_WHOLE = 6  # digits before the point that are written out: 1800.0 for 1.8e+03
_ULPS = 4  # by which rounding alone moves a constant that is known to the last digit


def shown_digits(
    values: NDArray[np.float64], covariance: NDArray[np.float64], more: int = 0
) -> list[int | None]:
    """Significant digits for each constant; None for all that a float has.

    Parameters
    ----------
    more : digits beyond two of the error; where numbers have been made exact, the errors of the others are those of
        a fit in which they are free, and the law itself holds its constants more tightly.
    """
    errors = _errors(covariance)
    return [_digits(float(v), float(e), more) for v, e in zip(values, errors, strict=True)]


def _errors(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each constant, with all others as they are."""
    own = np.sqrt(np.abs(np.diag(covariance)))
    fixed = np.isfinite(own) & (own > 0)
    errors = own.copy()
    if fixed.any():
        scale = own[fixed]
        correlation = covariance[np.ix_(fixed, fixed)] / np.outer(scale, scale)
        if np.isfinite(correlation).all():
            with np.errstate(all="ignore"):
                information = np.diag(np.linalg.pinv(correlation, hermitian=True))
                held = scale / np.sqrt(np.maximum(information, 1.0))
            errors[fixed] = np.where(np.isfinite(held), held, scale)
    return errors


def _digits(value: float, error: float, more: int) -> int | None:
    if value == 0.0 or not math.isfinite(value):
        return _FEWEST
    if not math.isfinite(error):
        return _UNFIXED
    if error > 0:
        digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2 + more
        if digits < _ALL - 1:
            size = math.floor(math.log10(abs(value))) + 1
            return max(digits, _FEWEST, size if size <= _LONGEST_WHOLE else 0)
    # Known to its last digits: the shortest decimal that differs by no more than rounding does.
    for digits in range(1, _ALL):
        if abs(float(f"{value:.{digits}g}") - value) <= _ULPS * math.ulp(value):
            return digits
    return None
