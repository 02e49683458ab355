"""Power laws c x^p y^q ...: a linear fit in the logarithms, and the nearest simple fractions as exponents."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression, apply, constant, express_in, literal, variable

__all__ = ["power_laws"]

_DENOMINATORS = (1, 2, 3, 4)
_ROWS = 10_000  # about as many rows are enough to tell the exponents; the factor is fitted to all later
_NEGLIGIBLE = 0.02  # an exponent below this is tried as zero


def power_laws(problem: Problem) -> list[Expression]:
    """Candidates for the target as a product of powers of the features.

    Only features without zero or change of sign take part. For each set of denominators the exponents are fitted,
    the one nearest to a fraction is fixed, and the rest are fitted again until all are fixed; the free exponents
    are a candidate too. Formulas that the search space does not admit are left out.
    """
    y = problem.y
    if np.any(y == 0) or np.any(np.sign(y) != np.sign(y[0])):
        return []
    usable = [i for i, x in enumerate(problem.X) if np.all(x > 0) and np.ptp(x) > 0]
    if not usable:
        return []
    rows = slice(None, None, max(1, len(y) // _ROWS))
    logs = np.log(problem.X[usable][:, rows])
    target = np.log(np.abs(y[rows]))
    size = float(np.abs(y).max())  # whose square may overflow
    weights = problem.square_weights[rows] * (y[rows] / size) ** 2  # d(log y) = dy / y
    found: dict[tuple[Fraction, ...], None] = {}
    free = _fit(logs, target, weights, {})
    for denominator in _DENOMINATORS:
        found.setdefault(_fractions(logs, target, weights, denominator), None)
    candidates = [_product(usable, list(exponents), y[0]) for exponents in found]
    candidates.append(_product(usable, [float(p) for p in free[1:]], y[0]))
    admitted = []
    for candidate in candidates:
        expression = express_in(candidate, problem.space.allowed)
        if expression is not None and problem.space.admits(expression):
            admitted.append(expression)
    return admitted


def _fit(
    logs: NDArray[np.float64],
    target: NDArray[np.float64],
    weights: NDArray[np.float64],
    fixed: dict[int, Fraction],
) -> NDArray[np.float64]:
    """Weighted least squares of the offset and the exponents, shape (1 + n,), some of which are fixed."""
    n = len(logs)
    rest = target - sum((float(p) * logs[i] for i, p in fixed.items()), np.zeros_like(target))
    free = [i for i in range(n) if i not in fixed]
    design = np.vstack([np.ones_like(target), logs[free]]) * np.sqrt(weights)
    solution = np.linalg.lstsq(design.T, rest * np.sqrt(weights), rcond=None)[0]
    result = np.empty(1 + n)
    result[0] = solution[0]
    for i, p in fixed.items():
        result[1 + i] = float(p)
    for k, i in enumerate(free):
        result[1 + i] = solution[1 + k]
    return result


def _fractions(
    logs: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64], denominator: int
) -> tuple[Fraction, ...]:
    fixed: dict[int, Fraction] = {}
    for _ in range(len(logs)):
        fitted = _fit(logs, target, weights, fixed)
        options = []
        for i in range(len(logs)):
            if i not in fixed:
                nearest = Fraction(round(fitted[1 + i] * denominator), denominator)
                options.append((abs(fitted[1 + i] - float(nearest)), i, nearest))
        _, i, nearest = min(options)
        fixed[i] = nearest
    return tuple(fixed[i] for i in range(len(logs)))


def _product(features: list[int], exponents: Sequence[Fraction | float], sign: float) -> Expression:
    """c times the powers, those of negative exponent below a fraction bar."""
    above: Expression = constant(np.sign(sign))
    below: Expression | None = None
    for i, p in zip(features, exponents, strict=True):
        if (isinstance(p, float) and abs(p) < _NEGLIGIBLE) or p == 0:
            continue
        if isinstance(p, Fraction) and p < 0:
            power = _power(variable(i), -p)
            below = power if below is None else apply("mul", below, power)
        else:
            above = apply("mul", above, _power(variable(i), p))
    return above if below is None else apply("div", above, below)


def _power(base: Expression, p: Fraction | float) -> Expression:
    if isinstance(p, float):
        return apply("pow", base, constant(p))
    named = {Fraction(1): None, Fraction(2): "square", Fraction(3): "cube", Fraction(1, 2): "sqrt"}
    if p in named:
        name = named[p]
        return base if name is None else apply(name, base)
    return apply("pow", base, literal(float(p)))
