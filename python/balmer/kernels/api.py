"""The kernels as Python functions on Expressions: values, loss, fitted constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.expressions import Expression
from balmer.expressions.operators import VARIABLE
from balmer.kernels.batch import Programs, evaluate_many
from balmer.kernels.fitting import fit_constants, minimiser
from balmer.kernels.jit import bare_entry_jit
from balmer.kernels.levenberg import MAX_CONSTANTS, normal_equations
from balmer.kernels.loss import Loss
from balmer.kernels.program import lower, lowering_scratch, pack, sum_loss

__all__ = ["Fit", "evaluate", "fit", "losses"]

_SQUARES, _NO_NORMAL = Loss(), np.zeros((0, 0))
_AGAIN, _THOROUGH, _NO_BETTER = (
    8,
    100,
    1e-9,
)  # how often a loss without derivatives is minimised, and when not
_CHUNK = 1 << 16  # rows packed at a time: bounds the memory of evaluating a formula on a large table


@dataclass(frozen=True)
class Fit:
    """Fitted constants: the formula with them, its loss, J^T W J (n_constants, n_constants), passes over the data."""

    expression: Expression
    loss: float
    normal: NDArray[np.float64]
    evaluations: int


def evaluate(expression: Expression, X: ArrayLike, *, real: Any = np.float64) -> NDArray[np.float64]:
    """Values of a formula.

    Parameters
    ----------
    X : float array, shape (n_features, n_rows)
    real : float64 or float32
        What to compute with.

    Returns
    -------
    array of type `real`, shape (n_rows,); NaN where the formula has no real value.
    """
    values: NDArray[np.float64] = evaluate_many(Programs.of([expression]), np.asarray(X, dtype=real))[0]
    return values


def losses(
    expressions: Sequence[Expression],
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    loss: Loss = _SQUARES,
) -> NDArray[np.float64]:
    """Loss of each formula, the weighted sum of squares or another, shape (n_expressions,); infinity if not finite.

    Parameters
    ----------
    X : float64 array, shape (n_features + loss.extras, n_rows)
    y, weights : float64 arrays, shape (n_rows,)

    Raises
    ------
    ConfigError
        If the loss is a function and that fails.
    """
    total = np.zeros(len(expressions))
    longest = max((len(e) for e in expressions), default=1)
    for rows in [slice(None)] if loss.function is not None else _chunks(X.shape[1]):
        part = X[:, rows]
        table = pack(part, y[rows], weights[rows], longest, loss)
        for i, e in enumerate(expressions):
            total[i] += _loss(*_writable(e), lowering_scratch(len(e)), table)
    loss.check()
    return total


def fit(
    expression: Expression,
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    max_steps: int = 200,
    tolerance: float = 1e-14,
    loss: str | Loss = "squared",
    scale: float = 1.0,
    restarts: int = 0,
    real: Any = np.float64,
) -> Fit:
    """Fit the free constants by weighted least squares, or another loss, from the values they have.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    max_steps : int
        Passes over the data at most.
    tolerance : float
        Relative decrease of the loss at which a fit counts as converged.
    loss : str or Loss
        One of `balmer.kernels.losses.KINDS`: ``"squared"``, ``"absolute"``, ``"huber"``, ``"log-cosh"``; or any Loss,
        whose columns are the last rows of X.
    scale : float
        Residual at which huber and log-cosh turn from squares to absolute values; a Loss has its own.
    restarts : int
        Further starts from other constants, for a fit that stalls in a poor minimum; the best is kept.
    real : float64 or float32
        What to compute with.

    Raises
    ------
    ConfigError
        If the loss is a function and that fails.
    """
    if isinstance(loss, str):
        loss = Loss(loss, scale)
    if expression.n_constants > MAX_CONSTANTS:
        return Fit(expression, np.inf, _NO_NORMAL, 0)
    ops, args, part = _used_only(expression, X, loss.extras)
    table = pack(part, y, weights, len(expression), loss, real)
    best: Fit | None = None
    evaluations = 0
    way, scratch = minimiser(table), lowering_scratch(len(ops))
    for start in _starts(expression.constants, restarts):
        theta = start.copy()
        values = expression.with_constants(theta).values.copy()
        found, passes = _fit(way, ops, args, values, scratch, table, theta, max_steps, tolerance)
        evaluations += passes
        loss.check()
        for _ in range(_AGAIN if loss.function is not None and max_steps >= _THOROUGH else 0):
            before = found  # a simplex can collapse before it is there
            found, passes = _fit(way, ops, args, values, scratch, table, theta, max_steps, tolerance)
            evaluations += passes
            loss.check()
            if found >= before * (1 - _NO_BETTER):
                break
        if best is None or found < best.loss:
            best = Fit(expression.with_constants(theta), found, _NO_NORMAL, evaluations)
    assert best is not None
    k = expression.n_constants
    normal = np.zeros((k + 2, k + 2))
    _normal(ops, args, best.expression.values.copy(), scratch, table, normal)
    return replace(best, normal=normal[:k, :k], evaluations=evaluations + 1)


@bare_entry_jit
def _loss(ops, args, values, scratch, table):
    program = lower(ops, args, values, ops.shape[0], scratch[0], scratch[1], scratch[2], table)
    return sum_loss(program, table, np.finfo(np.float64).max)


@bare_entry_jit
def _normal(ops, args, values, scratch, table, out):
    program = lower(ops, args, values, ops.shape[0], scratch[0], scratch[1], scratch[2], table)
    normal_equations(program, table, out)


@bare_entry_jit
def _fit(minimiser, ops, args, values, scratch, table, theta, max_steps, tolerance):
    n = ops.shape[0]
    return fit_constants(
        minimiser, ops, args, values, n, table, theta, max_steps, tolerance, 0.0, np.inf, scratch
    )


def _starts(theta: NDArray[np.float64], restarts: int) -> list[NDArray[np.float64]]:
    """The constants as they are, then with random signs and sizes; the same ones every time."""
    rng = np.random.default_rng(len(theta))
    factors = [
        rng.choice([-1.0, 1.0], len(theta)) * np.exp(rng.normal(size=len(theta))) for _ in range(restarts)
    ]
    return [theta, *(np.where(theta == 0.0, 1.0, theta) * factor for factor in factors)]


def _chunks(n_rows: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, n_rows)) for start in range(0, n_rows, _CHUNK)]


def _writable(
    expression: Expression,
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.float64]]:
    """Copies of its arrays: to numba, arrays that may not be written to are of another type, and compiled for anew."""
    return expression.ops.copy(), expression.args.copy(), expression.values.copy()


def _used_only(
    expression: Expression, X: NDArray[np.float64], extras: int
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.float64]]:
    """Only the features that occur, and the loss's own rows, are packed, which saves memory on wide tables."""
    used = expression.variables
    place = {feature: k for k, feature in enumerate(used)}
    args = np.array(
        [place[a] if op == VARIABLE else 0 for op, a, _ in expression],
        dtype=np.int16,
    )
    return expression.ops.copy(), args, X[[*used, *range(len(X) - extras, len(X))]]
