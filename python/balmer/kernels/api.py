"""The kernels as Python functions on Expressions: values, loss, fitted constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.expressions import Expression
from balmer.expressions.operators import VARIABLE
from balmer.kernels.entry import CODE_COLUMNS, call_forward, entry
from balmer.kernels.jit import entry_jit, jit
from balmer.kernels.levenberg import MAX_CONSTANTS, fit_constants
from balmer.kernels.program import block_width, lower, pack, sum_loss

__all__ = ["Fit", "evaluate", "fit", "losses"]

_CHUNK = 1 << 16  # rows packed at a time: bounds the memory of evaluating a formula on a large table


@dataclass(frozen=True)
class Fit:
    """Fitted constants: the formula with them, its loss, J^T W J (n_constants, n_constants), passes over the data."""

    expression: Expression
    loss: float
    normal: NDArray[np.float64]
    evaluations: int


def evaluate(expression: Expression, X: ArrayLike) -> NDArray[np.float64]:
    """Values of a formula.

    Parameters
    ----------
    X : float array, shape (n_features, n_rows)

    Returns
    -------
    float64 array, shape (n_rows,); NaN where the formula has no real value.
    """
    data = np.asarray(X, dtype=np.float64)
    out = np.empty(data.shape[1])
    for rows in _chunks(data.shape[1]):
        ops, args, part = _used_only(expression, data[:, rows])
        zeros = np.zeros(part.shape[1])
        ws = pack(part, zeros, zeros, len(expression))
        _evaluate(entry(), ops, args, expression.values, ws, *_shape(part, len(expression)), out[rows])
    return out


def losses(
    expressions: Sequence[Expression], X: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted sum of squares of each formula, shape (n_expressions,); infinity where it is not finite.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    """
    total = np.zeros(len(expressions))
    longest = max((len(e) for e in expressions), default=1)
    for rows in _chunks(X.shape[1]):
        part = X[:, rows]
        ws = pack(part, y[rows], weights[rows], longest)
        shape = _shape(part, longest)
        for i, e in enumerate(expressions):
            total[i] += _loss(entry(), e.ops, e.args, e.values, ws, *shape)
    return total


def fit(
    expression: Expression,
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    max_steps: int = 200,
    tolerance: float = 1e-14,
) -> Fit:
    """Fit the free constants by weighted least squares, from the values they have.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    max_steps : int
        Passes over the data at most.
    tolerance : float
        Relative decrease of the loss at which a fit counts as converged.
    """
    if expression.n_constants > MAX_CONSTANTS:
        return Fit(expression, np.inf, np.zeros((0, 0)), 0)
    ops, args, part = _used_only(expression, X)
    ws = pack(part, y, weights, len(expression))
    theta = expression.constants.copy()
    loss, evaluations, normal = _fit(
        entry(), ops, args, expression.values, ws, *_shape(part, len(expression)), theta, max_steps, tolerance
    )
    return Fit(expression.with_constants(theta), loss, normal, evaluations)


@entry_jit
def _evaluate(pointers, ops, args, values, ws, width, max_nodes, n_features, n_blocks, out):  # type: ignore[no-untyped-def]
    n = ops.shape[0]
    code = np.empty((n, CODE_COLUMNS), dtype=np.uint64)
    m, _, root, root_stride = lower(
        ops, args, values, n, code, np.empty(n, np.int64), np.empty(n, np.bool_), ws, width, max_nodes, n_features
    )
    for b in range(n_blocks):
        call_forward(pointers.forward, code.ctypes.data, m, ws.ctypes.data, np.uint64(b), width)
        at = root + np.uint64(b) * root_stride
        for j in range(width):
            row = np.uint64(b) * width + j
            if row < np.uint64(out.shape[0]):
                out[row] = ws[at + j]


@entry_jit
def _loss(pointers, ops, args, values, ws, width, max_nodes, n_features, n_blocks):  # type: ignore[no-untyped-def]
    n = ops.shape[0]
    code = np.empty((n, CODE_COLUMNS), dtype=np.uint64)
    m, _, root, root_stride = lower(
        ops, args, values, n, code, np.empty(n, np.int64), np.empty(n, np.bool_), ws, width, max_nodes, n_features
    )
    return sum_loss(pointers, code, m, root, root_stride, ws, width, max_nodes, n_features, n_blocks, np.finfo(np.float64).max)


@entry_jit
def _fit(pointers, ops, args, values, ws, width, max_nodes, n_features, n_blocks, theta, max_steps, tolerance):  # type: ignore[no-untyped-def]
    n = ops.shape[0]
    code = np.empty((n, CODE_COLUMNS), dtype=np.uint64)
    m, k, root, root_stride = lower(
        ops, args, values, n, code, np.empty(n, np.int64), np.empty(n, np.bool_), ws, width, max_nodes, n_features
    )
    return fit_constants(
        pointers, ops, n, code, m, k, root, root_stride, ws, width, max_nodes, n_features, n_blocks, theta, max_steps,
        tolerance, 0.0
    )  # fmt: skip


def _chunks(n_rows: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, n_rows)) for start in range(0, n_rows, _CHUNK)]


def _shape(X: NDArray[np.float64], max_nodes: int) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    n_features, n_rows = X.shape
    width = block_width(n_rows)
    return np.uint64(width), np.uint64(max_nodes), np.uint64(n_features), np.uint64(-(-n_rows // width))


def _used_only(
    expression: Expression, X: NDArray[np.float64]
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.float64]]:
    """Only the features that occur are packed, which saves memory on wide tables."""
    used = expression.variables
    place = {feature: k for k, feature in enumerate(used)}
    args = np.array(
        [place[a] if op == VARIABLE else 0 for op, a, _ in expression],
        dtype=np.int16,
    )
    return expression.ops, args, X[list(used)]
