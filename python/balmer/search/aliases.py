"""Of the frequencies that no row can tell apart, the lowest.

On a grid u = o + k d, k whole,

    sin(w u + phi) = sin((w - 2 pi m/d) u + phi + 2 pi m o/d),

so that above the Nyquist frequency pi/d nothing is known: between the rows such a law is wrong. A grid may have gaps;
rows without a common step have no aliases.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression
from balmer.expressions.sinusoid import Sinusoid, sinusoids
from balmer.search.refine import Refined, refit, units_hold

__all__ = ["Grid", "grid_of", "lowest", "lowest_aliases"]

Floats = NDArray[np.float64]

# Parts of the step by which rows may be off: as floats round (a turn of the sinusoid is 6 of these), or as a table is
# written.
_EXACT, _LOOSE = 1e-11, 1e-2
_ROUGH = 1e-8  # part of a step that is no remainder
_ROUNDING = 16.0  # units in the last place of the largest value
_FINEST = 1e6  # steps in the range, beyond which a grid is that of rounded decimals
_FEW, _LEAST = 2000, 3  # rows
_STEPS = 40  # of Euclid's algorithm
_AS_GOOD = 1e-4  # relative increase of the loss that an alias may bring
_STILL = 1e-9  # radians over the whole grid by which a frequency counts as none


@dataclass(frozen=True)
class Grid:
    """Points ``offset + k*step`` for whole k; |offset| is at most half a step."""

    offset: float
    step: float
    range: float


def grid_of(values: Floats, off: float = _EXACT) -> Grid | None:
    """The coarsest grid on which all values lie; None where there is none that means anything.

    Parameters
    ----------
    off : parts of a step by which a value may miss its point.
    """
    # Where a few rows lie on no grid, many need not be sorted.
    if len(values) > 2 * _FEW:
        few = np.unique(values[:_FEW])
        if len(few) >= _LEAST and grid_of(few, off) is None:
            return None
    points = np.unique(values)
    if len(points) < _LEAST or not np.all(np.isfinite(points)):
        return None
    span = float(points[-1] - points[0])
    rounding = _ROUNDING * float(np.spacing(np.max(np.abs(points))))
    distances = np.diff(points)
    distances = distances[distances > max(rounding, span / _FINEST)]
    step = float(distances.min(initial=span))
    for _ in range(_STEPS):  # Euclid's algorithm, on all distances at once
        if not step > max(span / _FINEST, 4 * rounding):
            return None
        missed = np.abs(distances - step * np.round(distances / step))
        # Euclid's remainders add up roundings; the fit at the end has the last word.
        wrong = missed > max(off, _ROUGH) * step + rounding
        if not wrong.any():
            return _on_grid(points, step, off, rounding)
        step = float(missed[wrong].min())
    return None


def _on_grid(points: Floats, step: float, off: float, rounding: float) -> Grid | None:
    """The grid of that step which fits all points best, if they lie on it."""
    k = np.round((points - points[0]) / step)
    step = float(np.sum(k * (points - points[0])) / np.sum(k * k))
    if np.any(np.abs(points - points[0] - k * step) > off * step + rounding):
        return None
    offset = float(points[0] - step * np.round(points[0] / step))
    return Grid(0.0 if abs(offset) <= off * step + rounding else offset, step, float(k[-1]) * step)


def lowest_aliases(
    expression: Expression, X: Floats, allowed: Collection[str], off: float = _EXACT
) -> Expression:
    """The formula with the lowest of its aliases in every sinusoid, in normal form; the same values on these rows.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    allowed : names of the operators that the result may use.
    off : of `grid_of`.
    """

    def lowered(sinusoid: Sinusoid) -> Sinusoid:
        terms, angle = [], 0.0
        for term in sinusoid.terms:
            # The number may be any: what lies on a grid is what it multiplies.
            grid = grid_of(term.core.evaluate(X), off)
            turns = 0 if grid is None else round(term.factor * grid.step / sinusoid.period)
            if grid is not None and turns:
                factor = term.factor - turns * sinusoid.period / grid.step
                angle += turns * sinusoid.period * grid.offset / grid.step
                term = term.times(factor if abs(factor) * grid.range > _STILL else 0.0)
            terms.append(term)
        return replace(sinusoid, terms=tuple(terms)).shifted(angle)

    if not expression.operators & {"sin", "cos"}:
        return expression
    return sinusoids(expression, allowed, lowered)


def lowest(refined: Refined, problem: Problem) -> Refined:
    """A fitted formula with the lowest frequencies that explain as well, each sinusoid in its normal form."""
    if not refined.expression.operators & {"sin", "cos"}:
        return refined
    for off in (_EXACT, _LOOSE):
        expression = lowest_aliases(refined.expression, problem.X, problem.space.allowed, off)
        if expression == refined.expression:
            continue
        if not problem.space.admits(expression) or not units_hold(expression, problem):
            continue
        fitted = refit(expression, problem, refined.origin)
        if fitted.loss <= refined.loss * (1 + _AS_GOOD) + problem.noise_floor:
            refined = fitted
    return refined
