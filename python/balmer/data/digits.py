"""To how many digits a column was rounded when it was written, where its numbers tell that for certain.

A column that was stored in float32, printed with a fixed number of decimals or of significant digits is off by up to
half a unit of its last place, and no law can be known better. Nothing is claimed of whole numbers, nor of numbers that
may well be exact, as 0.5, 1.0, 1.5: a unit of the last place must be small beside the numbers' spread, and its digit
must take all kinds of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Digits", "digits_of", "rounding"]

Floats = NDArray[np.float64]

_SAMPLE = 1000  # distinct numbers whose digits are read; all of a column are then held to what these say
_FIRST = 32  # of them that are looked at before: most columns have all digits of float64
_FEWEST = 6  # distinct numbers that have the last digit
_LEVELS = 1000.0  # units of the last place that the numbers must span: of fewer steps a scale may be made
_FINEST = 1e-13  # unit beside the largest number, below which a rounding is that of float64 itself
_MOST = 13  # digits, of a number that was written
_USED = (
    0.5  # part of the numbers that must have a last digit that is not 0; nine in ten do where it is rounded
)
_COPRIME = 0.2  # and one of 1, 3, 7, 9, which no multiple of 2 or 5 has: four in ten do
_KINDS = 5  # of last digits that must occur, at least
_BITS = 24  # of a float32
_LAST_BIT = 0.25  # part of the numbers that must have the last bit; half of them do where it is rounded
_SHORT = 7  # digits: most float32 have one or two more in their shortest text, and so has one of
_MANY = 20  # for certain


@dataclass(frozen=True)
class Digits:
    """How a column was rounded.

    Attributes
    ----------
    kind : to so many ``"decimals"``, to so many ``"significant"`` digits, or to ``"float32"``.
    number : of digits; of bits for float32.
    """

    kind: Literal["decimals", "significant", "float32"]
    number: int

    def half_units(self, values: ArrayLike) -> Floats:
        """Half a unit of the last place of each value, of the same shape: that far the number before may be."""
        size = np.abs(np.asarray(values, np.float64))
        if self.kind == "decimals":
            return np.full(size.shape, 0.5 * 10.0**-self.number)
        if self.kind == "float32":
            return 0.5 * np.spacing(size.astype(np.float32)).astype(np.float64)
        half: Floats = np.where(size > 0, 0.5 * 10.0 ** (_place(size) + 1 - self.number), 0.0)
        return half


def rounding(values: ArrayLike) -> Floats:
    """Half a unit of the last place of each value, shape (n_rows,); 0 where the values do not say what that is."""
    values = np.asarray(values, np.float64)
    found = digits_of(values)
    return np.zeros(values.shape) if found is None else found.half_units(values)


def digits_of(values: ArrayLike) -> Digits | None:
    """How the values were rounded; None where they do not tell it for certain.

    Parameters
    ----------
    values : finite float64 array, shape (n_rows,).
    """
    size = np.abs(np.asarray(values, np.float64))
    single = _is_single(size)
    if not single and not _may_be_written(size[:: max(1, len(size) // _FIRST)]):
        return None
    distinct = np.unique(size)
    distinct = distinct[distinct > 0]
    if len(distinct) < _FEWEST:
        return None
    # At random: every second of a grid's numbers may be rounder than the others.
    sample = np.sort(np.random.default_rng(0).permutation(distinct)[:_SAMPLE])
    whole = bool(np.all(size == np.round(size)))
    written = _written(sample, np.float32 if single else np.float64, whole)
    if written is not None:
        return written if _all_written(distinct, written, single) else None
    return Digits("float32", _BITS) if single and _is_rounded_to_single(distinct, whole) else None


def _is_single(size: Floats) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.all(size.astype(np.float32) == size))


def _may_be_written(size: Floats) -> bool:
    """Whether some numbers have no more digits than somebody writes."""
    return all(len(Decimal(repr(v)).normalize().as_tuple().digits) <= _MOST for v in size.tolist())


def _is_rounded_to_single(distinct: Floats, whole: bool) -> bool:
    """Whether the last bit of float32 is in use, as by chance half the numbers have it, and by design hardly one."""
    if whole and distinct[-1] <= 2.0**_BITS:
        return False
    mantissa = np.frexp(distinct)[0] * 2.0 ** (_BITS - 1)
    last = np.count_nonzero(mantissa != np.round(mantissa))
    return bool(last >= max(_LAST_BIT * len(distinct), _FEWEST / 2))


def _written(sample: Floats, real: type[np.floating], whole: bool) -> Digits | None:
    """The decimals or significant digits that distinct positive numbers were rounded to, as their shortest texts say.

    Parameters
    ----------
    real : what the numbers are kept in; a number with few digits has none more in float32.
    whole : whether all of the column are whole numbers.
    """
    texts = [Decimal(str(v)).normalize().as_tuple() for v in sample.astype(real)]
    significant = np.array([len(t.digits) for t in texts])
    decimals = np.array([-int(t.exponent) for t in texts])
    last = np.array([t.digits[-1] for t in texts])
    fixed, some = decimals.max(), significant.max()
    # In either case nine numbers in ten have the last place; in the wrong one only those of one decade do.
    has_place, has_digit = decimals == fixed, significant == some
    if np.mean(has_place) >= np.mean(has_digit):
        unit, has, found = 10.0 ** -float(fixed), has_place, Digits("decimals", int(fixed))
        span = float(sample[-1] - sample[0]) / unit
        if whole:
            return None
    else:
        has, found = has_digit, Digits("significant", int(some))
        span = 10.0 ** float(some - 1)
    fine = sample[-1] * _FINEST >= unit if found.kind == "decimals" else some > _MOST
    if real is np.float32:
        fine = some > (_SHORT if len(sample) >= _MANY else _SHORT - 1)
    if fine or span < _LEVELS or np.count_nonzero(has) < _FEWEST or np.mean(has) < _USED:
        return None
    digits = last[has]
    coprime = np.mean((digits % 2 == 1) & (digits != 5))
    return found if coprime >= _COPRIME and len(np.unique(digits)) >= _KINDS else None


def _all_written(distinct: Floats, digits: Digits, single: bool) -> bool:
    """Whether no number of a column has more digits."""
    place = 0.0 if digits.kind == "decimals" else _place(distinct) + 1
    unit = 10.0 ** (place - digits.number)
    nearest = np.round(distinct / unit) * unit
    if single:
        nearest = nearest.astype(np.float32).astype(np.float64)
    return bool(np.all(np.abs(nearest - distinct) <= 1e-15 * distinct))


def _place(size: Floats) -> Floats:
    """The power of ten of the first digit."""
    with np.errstate(divide="ignore"):
        place: Floats = np.floor(np.log10(size))
    # The logarithm of a power of ten may fall short of it.
    return np.where(size >= 10.0 ** (place + 1), place + 1, place)
