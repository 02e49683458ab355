"""Frequencies that the data propose: the sharp peaks of a least-squares periodogram.

A search by small steps does not find a frequency: ten periods away from it, no step is downhill. The periodogram looks
at all of them. At each frequency w the weighted fit of

    c + a sin(w x) + b cos(w x)

has a power p(w), the part of the variance that it explains (M. Zechmeister and M. Kuerster, A&A 496 (2009) 577, eq. 5).
Of M independent frequencies in noise, the best reaches p with the probability M (1 - p)^((n - 3)/2) (eq. 24): where
that is small, the frequency is real. Rows need not be even.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balmer.search.aliases import grid_of

__all__ = ["Peak", "peaks", "power"]

Floats = NDArray[np.float64]

_LEAST = 12  # rows, below which any frequency fits
_WORK = 10_000_000  # rows times frequencies at most
_OVERSAMPLED = 6.0  # frequencies per width of a peak
_DENSE = 4.0  # of uneven rows, the highest frequency in units of that of even ones
_TURNS = 1.5  # within the range at least: what turns less often is a curve like others
_FALSE_ALARM = 1e-4
_PEAKS = 2  # of one feature in one target


@dataclass(frozen=True)
class Peak:
    """A frequency in radians per unit of the feature, its power, and the probability of such a peak in noise."""

    frequency: float
    power: float
    false_alarm: float


def power(x: Floats, y: Floats, w: Floats, frequencies: Floats) -> Floats:
    """Part of the weighted variance of y that a sinusoid and a constant explain, at evenly spaced frequencies from 0.

    Parameters
    ----------
    x, y, w : float64 arrays, shape (n_rows,); weights of squared residuals.
    frequencies : float64 array, shape (n_frequencies,), evenly spaced; radians per unit of x.
    """
    w = w / w.sum()
    y = y - np.sum(w * y)
    variance = float(np.sum(w * y * y))
    if variance == 0.0:
        return np.zeros(len(frequencies))
    first = float(frequencies[0])
    step = float(frequencies[1] - first) if len(frequencies) > 1 else 0.0
    fine = math.isqrt(len(frequencies) - 1) + 1
    coarse = -(-len(frequencies) // fine)
    # exp(i w x) for w = (j + k B) d is a product of two factors, so that all sums are products of matrices.
    inner = np.exp(1j * np.outer(np.arange(fine) * step, x))
    outer = np.exp(1j * np.outer(first + np.arange(coarse) * (fine * step), x))

    def sums(values: Floats, squared: bool = False) -> NDArray[np.complex128]:
        a, b = (inner**2, outer**2) if squared else (inner, outer)
        found: NDArray[np.complex128] = ((b * values) @ a.T).reshape(-1)[: len(frequencies)]
        return found

    one, with_y, twice = sums(w), sums(w * y), sums(w, squared=True)
    c, s = one.real, one.imag
    yc, ys = with_y.real, with_y.imag
    cc = 0.5 * (1 + twice.real) - c * c
    ss = 0.5 * (1 - twice.real) - s * s
    cs = 0.5 * twice.imag - c * s
    determinant = cc * ss - cs * cs
    with np.errstate(all="ignore"):
        found = (ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys) / (variance * determinant)
    return np.where(determinant > 1e-9, np.clip(np.nan_to_num(found), 0.0, 1.0), 0.0)


def peaks(x: Floats, y: Floats, w: Floats, many: int = _PEAKS, work: int = _WORK) -> list[Peak]:
    """The frequencies of y that are no noise, the strongest first.

    Parameters
    ----------
    x, y, w : as of `power`.
    many : how many at most.
    work : rows times frequencies at most.
    """
    n, span = len(x), float(np.ptp(x))
    distinct = len(np.unique(x))
    if n < _LEAST or distinct < _LEAST or not 0.0 < span < np.inf:
        return []
    width = 2 * np.pi / span
    grid = grid_of(x)
    highest: float = np.pi * (distinct - 1) / span * _DENSE
    if grid is not None:
        highest = min(highest, np.pi / grid.step)
    step = width / _OVERSAMPLED
    number = min(int(highest / step), work // n)
    if number * step < _TURNS * width:
        return []
    frequencies: Floats = step * np.arange(1.0, number + 1.0)
    # Curves that are no oscillation would be long waves: what a parabola explains is taken out first.
    rest = _without_parabola(x, y, w)
    if rest is None:
        return []
    found = power(x - x.min(), rest, w, frequencies)
    found[frequencies < _TURNS * width] = 0.0
    independent = max(number / _OVERSAMPLED, 1.0)
    strongest = []
    for _ in range(many):
        best = int(np.argmax(found))
        strength = float(found[best])
        alarm = independent * max(1.0 - strength, 1e-300) ** (0.5 * (n - 3))
        if not alarm <= _FALSE_ALARM:
            break
        strongest.append(Peak(float(frequencies[best]), strength, float(alarm)))
        found[np.abs(frequencies - frequencies[best]) < width] = 0.0
    return strongest


def _without_parabola(x: Floats, y: Floats, w: Floats) -> Floats | None:
    """What a weighted parabola leaves of y; None where that is rounding."""
    u = (x - x.min()) / np.ptp(x)
    design, root = np.array([np.ones_like(u), u, u * u]), np.sqrt(w)
    rest = y - np.linalg.lstsq((design * root).T, y * root, rcond=None)[0] @ design
    return rest if np.max(np.abs(rest)) > 1e-9 * np.max(np.abs(y)) else None
