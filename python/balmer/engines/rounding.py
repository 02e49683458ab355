"""Whether a formula says something of the data, or of how float64 rounds: laws of rounding noise are none.

``-3.48e12*(a - sqrt(a)**2)`` is 0 on paper; in a computer it is a random number per row, of which a search makes what
it likes. A formula is stable if its values are those of exact arithmetic, and stay where its features move by a few
units in the last place: to one part in 10^9 of the target, or to a part of the noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balmer.engines.problem import Problem
from balmer.expressions import OPERATORS, Expression, precisely, rounding

__all__ = ["is_stable", "tolerance"]

Floats = NDArray[np.float64]

_RELATIVE = 1e-9  # of the root mean square of the target
_OF_SIGMA = 1e-3  # what rounding may be beside known uncertainties
_OF_REST = 1e-5  # and beside what a formula leaves: it then gains nothing that counts on a front
_ROWS = 1000  # that are looked at
_DOUBTFUL = (
    3,
    24,
)  # of them, where the bound is largest, that are computed with many digits: at first, and in all
_ULPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)
_FAR = 2.0**20  # ulps, within which a step must be seen to grow:
_LINEAR, _STEEP = 2.0**15, 1e-7  # with the distance, from so small a part of the target;
_ROOT, _EDGE = 2.0**5, 1e-4  # or as a square or cube root does at the edge of its domain
_BACKWARD = 4.0  # units in the last place of the features that rounding may amount to


def tolerance(expression: Expression, problem: Problem, rows: NDArray[np.int64] | None = None) -> Floats:
    """By how much values of a formula may change without saying something else, shape (n_rows,).

    One part in 10^9 of the target, or a small part of the uncertainty, or else of what the formula leaves.
    """
    chosen = np.arange(len(problem.y)) if rows is None else rows
    y = problem.y[chosen]
    values = expression.evaluate(problem.X[:, chosen])
    size = _rms(y) or _rms(values)
    if problem.measure.kind in ("formula", "function"):  # of which a prediction need not be like the target
        size = max(size, _rms(values))
    if problem.sigma is not None:
        noise = _OF_SIGMA * problem.sigma[chosen]
    else:
        left = np.abs(y - values)
        finite = left[np.isfinite(left)]
        noise = np.full(len(y), _OF_REST * np.median(finite) if len(finite) else 0.0)
    result: Floats = np.maximum(_RELATIVE * size, noise)
    return result


def is_stable(expression: Expression, problem: Problem) -> bool:
    """Whether a formula predicts what it does in exact arithmetic, and with its features a few ulp off.

    Notes
    -----
    A running error bound acquits nearly all. Where it does not, the worst rows are computed with many digits: the
    value must be the exact one, there or a few ulp of the features away, as of sin(12*t) at a Julian date t = 2450000.
    And what moves more than it may with the last digits of a feature must move the more the further these go, as
    sqrt(1 - x) does near x = 1.
    """
    if _is_discrete(expression):
        return False
    rows = sample(len(problem.y))
    X = problem.X[:, rows]
    allowed = tolerance(expression, problem, rows)
    bound = rounding(expression, X)
    doubtful = np.flatnonzero(~(bound <= allowed))
    if not len(doubtful):
        return True
    with np.errstate(all="ignore"):
        worst = doubtful[np.argsort(-(bound / allowed)[doubtful], kind="stable")]
    size = _rms(problem.y[rows]) or _rms(expression.evaluate(X))
    for many in _DOUBTFUL:
        near, least = X[:, worst[:many]], allowed[worst[:many]]
        values = expression.evaluate(near)
        if not _is_smooth(expression, near, values, least, size):
            return False
        if not _is_exact(expression, near, values, least, size):
            return False
    return True


def _is_discrete(expression: Expression) -> bool:
    """Whether there is a power such as (-1)**x or 0**x, which has a value, or another one, at single numbers only."""
    for root in np.flatnonzero(expression.ops == OPERATORS["pow"].code):
        base, exponent = expression.subtree(int(root)).children()
        if exponent.variables and not base.variables and not base.evaluate(np.zeros((0, 1)))[0] > 0.0:
            return True
    return False


def sample(n: int) -> NDArray[np.int64]:
    """At most a thousand of n rows, evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, _ROWS)).astype(np.int64))


def _is_exact(expression: Expression, X: Floats, values: Floats, allowed: Floats, size: float) -> bool:
    """Whether values are those of exact arithmetic, for the features as they are or as they round."""
    with np.errstate(all="ignore"):
        exact = precisely(expression, X)
        wrong = ~(np.abs(values - exact) <= allowed)
        if not wrong.any():
            return True
        near, wanted = X[:, wrong], exact[wrong]
        reach = np.zeros(near.shape[1])
        for k in expression.variables:
            moved = near.copy()
            moved[k] *= 1.0 + np.finfo(np.float64).eps
            reach += np.abs(precisely(expression, moved) - wanted)
        return bool(np.all(np.abs(values[wrong] - wanted) <= np.minimum(_BACKWARD * reach, _STEEP * size)))


def _is_smooth(expression: Expression, X: Floats, values: Floats, allowed: Floats, size: float) -> bool:
    """Whether steps of a few ulp change no more than is allowed, or are the beginning of larger ones."""
    for k in expression.variables:
        near = np.array([_step(expression, X, values, k, ulps) for ulps in _ULPS])
        # At the edge of its domain a formula has values to one side only.
        sides = near.reshape(2, -1, near.shape[1]).max(axis=1)
        step = np.where(np.isnan(sides).any(axis=0), np.fmin(*sides), sides.max(axis=0))
        moved = ~(step <= allowed)
        if not moved.any():
            continue
        far = np.fmax(*(_step(expression, X, values, k, ulps) for ulps in (-_FAR, _FAR)))
        linear = (far >= _LINEAR * step) & (step <= _STEEP * size)
        edge = (far >= _ROOT * step) & (step <= _EDGE * size)
        smooth = linear | (edge & (far < _LINEAR * step))
        if not np.all(smooth[moved]):
            return False
    return True


def _step(expression: Expression, X: Floats, values: Floats, feature: int, ulps: float) -> Floats:
    """By how much values change when one feature moves by so many units of rounding."""
    moved = X.copy()
    moved[feature] *= 1.0 + ulps * np.finfo(np.float64).eps
    with np.errstate(all="ignore"):
        return np.abs(expression.evaluate(moved) - values)


def _rms(values: Floats) -> float:
    """Root mean square, whatever the scale."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    return largest * float(np.sqrt(np.mean((finite / largest) ** 2))) if largest > 0.0 else 0.0
