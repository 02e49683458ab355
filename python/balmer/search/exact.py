"""When is a fitted number 3/2 or 2*pi? Only where the data prove it against chance.

Two hypotheses compete for a fitted number v with the standard error s: it is exactly the simple number q, or it is any
number. With Gaussian errors and with numbers of the second kind spread evenly in the logarithm, the odds are

    odds = P exp(-z^2/2) / (sqrt(2 pi) r D),       z = (v - q)/s,   r = s/|v|,

where D is the density of simple numbers around q, per factor e, that are at least as simple as q, and P the odds before
any data that a number in a formula of physics is simple. The second question is how often a number of the second kind
lies that close to any of the simple numbers,

    chance = 2 z r D.

A number becomes exact where the odds are 20 : 1 or more and the chance is small: so small for each family of numbers
that of numbers of the second kind, with errors of any size, 3 % at most become exact. So 3/2 in Kepler's law, known to
0.01 %, is proven, and 1.51 +- 0.02 is not: there are too many simple numbers for so vague a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import literal
from balmer.expressions.literals import KnownNumber, known_numbers
from balmer.search.rounding import number_with_error

__all__ = ["ODDS", "ExactNumber", "odds_of", "precision_needed", "proven", "simple_numbers"]

ODDS = 20.0  # of an exact number against a fitted one
_PRIOR = 3.0
_SHARPEST = 3e-10  # relative error below which a fit in float64 cannot be trusted
_FLOATS = 1e-9  # relative deviation that is rounding, whatever the error
_E_FOLDS = 2.0  # the density is counted between q/e and q*e

# Families of numbers n/m times a known number, the simplest first, and the chance allowed to each.
_ONE = {"1": (Fraction(1),)}
_SMALL = tuple(Fraction(n, m) for n in range(1, 7) for m in (1, 2))
_LARGER = tuple(Fraction(n, m) for n in range(1, 13) for m in range(1, 7))
_LARGEST = tuple(Fraction(n, m) for n in range(1, 101) for m in (1, 2, 3, 4))
_FAMILIES = (
    (_ONE, 0.004),
    ({"1": _SMALL, "pi": _SMALL}, 0.026),
    (dict.fromkeys(("1", *(known for known, _ in known_numbers())), _LARGER), 0.015),
    ({"1": _LARGEST, "pi": _LARGEST}, 0.01),
)
_RATIOS = ((_ONE, 0.004), ({"1": _SMALL}, 0.006), ({"1": _LARGER}, 0.004))  # of two fitted numbers
_VAGUE = 1.2e-3  # relative error from which less chance is allowed, as its inverse root


@dataclass(frozen=True)
class ExactNumber:
    """A number that was made exact: its value, and what a fit with it free gives, with the standard error.

    `implied` tells that it is a factor of 1 that is not written, as the slope of ``c1 - log(P)``.
    """

    value: float
    estimate: float
    error: float
    implied: bool = False

    def __str__(self) -> str:
        return f"{literal(self.value).text()} (fitted {number_with_error(self.estimate, self.error)})"


@dataclass(frozen=True)
class _Family:
    numbers: NDArray[np.float64]  # positive, ascending; the simpler families are among them
    chance: float


@cache
def _families(of_ratios: bool = False) -> tuple[_Family, ...]:
    found: list[_Family] = []
    known: set[float] = set()
    for members, chance in _RATIOS if of_ratios else _FAMILIES:
        for symbol, fractions in members.items():
            known |= {KnownNumber(fraction, symbol).value for fraction in fractions}
        found.append(_Family(np.array(sorted(known)), chance))
    return tuple(found)


def simple_numbers(family: int) -> NDArray[np.float64]:
    """The positive numbers of a family and of all simpler ones, ascending: 0 is that of one itself."""
    return _families()[family].numbers


def proven(value: float, error: float, *, ratio: bool = False) -> float | None:
    """The exact number that a fitted one is proven to be; None if the data do not prove any.

    Parameters
    ----------
    value, error : the fitted number and its standard error.
    ratio : whether it is a ratio of two fitted numbers. There are many pairs, so that chance is asked for more.

    Examples
    --------
    >>> proven(1.4999, 0.0003), proven(1.51, 0.02)
    (1.5, None)
    >>> proven(6.2834, 0.0004) == 2 * math.pi
    True
    """
    if not math.isfinite(value) or not math.isfinite(error) or value == 0.0:
        return None
    for family in _families(ratio):
        nearest, odds, chance = _judged(abs(value), error, family)
        vagueness = max(error / abs(value) / _VAGUE, 1.0)
        if odds >= ODDS and chance <= family.chance / math.sqrt(vagueness):
            return math.copysign(nearest, value)
    return None


def odds_of(value: float, error: float) -> float:
    """The odds, of the family in which they are best, that a fitted number is the nearest simple one."""
    return max(_judged(abs(value), error, family)[1] for family in _families())


def precision_needed(number: float) -> float:
    """The relative error with which a fit that is off by one error is proven to be this number; 0 if it never is."""

    def suffices(relative: float) -> bool:
        return proven(number * (1 + relative), relative * abs(number)) is not None

    low, high = _SHARPEST, 1.0
    if not suffices(low):
        return 0.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if suffices(middle) else (low, middle)
    return low


def _judged(size: float, error: float, family: _Family) -> tuple[float, float, float]:
    """The nearest number of a family, the odds for it, and the chance of being as close to one of the family."""
    place = int(np.searchsorted(family.numbers, size))
    near = family.numbers[max(place - 1, 0) : place + 1]
    nearest = float(near[np.argmin(np.abs(near - size))])
    relative = max(error / size, _SHARPEST)
    off = abs(size - nearest) / size
    z = 0.0 if off <= _FLOATS else off / relative
    first, last = np.searchsorted(family.numbers, [nearest / math.e, nearest * math.e * (1 + 1e-12)])
    density = int(last - first) / _E_FOLDS
    odds = _PRIOR * math.exp(-0.5 * min(z, 38.0) ** 2) / (math.sqrt(2 * math.pi) * relative * density)
    return nearest, odds, 2 * z * relative * density
