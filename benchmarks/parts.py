"""Whether a formula has a part that the truth lacks: one that it can do without."""

from __future__ import annotations

import numpy as np
from judge import Truth
from numpy.typing import NDArray

from balmer.expressions import Expression
from balmer.expressions.operators import OPERATORS_BY_CODE, VARIABLE
from balmer.kernels import evaluate, fit
from balmer.search.prune import merged, without_one

__all__ = ["deviation", "has_a_part_too_many", "is_true"]

Floats = NDArray[np.float64]

_SAME = 1e-9  # relative deviation from the truth that rounding leaves, after a fit to rows without noise
_TRIED = 200  # formulas with a part less
_UNREAL = 0.01  # fraction of the rows in which a formula may have no value


def has_a_part_too_many(found: Expression, truth: Truth, *, numbers: bool = False) -> bool:
    """Whether a formula is the truth, too, without one of its functions or without an operand that holds a feature.

    Parameters
    ----------
    numbers : whether a number that it can do without is a part too many; it is not where its value is not known.
    """
    X, y = truth.sample(1000, np.random.default_rng(0))
    whole = merged(found)
    shorter = {e: None for e in without_one(whole) if numbers or _size(e) != _size(whole)}
    return any(is_true(e, X, y) for e in list(shorter)[:_TRIED])


def is_true(formula: Expression, X: Floats, y: Floats) -> bool:
    """Whether a formula gives y, shape (n_rows,), once its constants are fitted to it."""
    finite = np.isfinite(evaluate(formula, X))
    if np.mean(finite) < 1 - _UNREAL:
        return False
    X, y = np.ascontiguousarray(X[:, finite]), y[finite]
    weights = 1 / np.maximum(y**2, (1e-6 * np.median(np.abs(y))) ** 2)
    fitted = fit(formula, X, y, weights / weights.sum()).expression
    return deviation(fitted, X, y) < _SAME


def deviation(formula: Expression, X: Floats, y: Floats) -> float:
    """The relative deviation that nine rows in ten do not exceed."""
    with np.errstate(all="ignore"):
        off = np.abs(evaluate(formula, X) / y - 1)
    return float(np.quantile(np.nan_to_num(off, nan=np.inf), 0.9))


def _size(expression: Expression) -> tuple[int, int]:
    """How many leaves are features, and how many operators are functions of one operand that holds features."""
    ops = expression.ops.tolist()
    functions = [
        k for k, op in enumerate(ops) if op in OPERATORS_BY_CODE and OPERATORS_BY_CODE[op].arity == 1
    ]
    return ops.count(VARIABLE), sum(bool(expression.subtree(k).variables) for k in functions)
