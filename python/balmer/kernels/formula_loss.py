"""A loss that is a formula of prediction and target: run like the formulas themselves, with its own derivatives.

The loss, its slope and its curvature with respect to the prediction are three programs beside the data. For a fit
every row becomes a least-squares problem with the same gradient: its weight is half the curvature, or what iteratively
reweighted least squares takes, slope / 2 (prediction - target), whichever is larger (see `losses.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression
from balmer.expressions.operators import OPERATORS_BY_CODE, VARIABLE
from balmer.kernels.entry import CODE_COLUMNS, D_STRIDE, OP, P_STRIDE, Q_STRIDE, D, P, Q, call_forward
from balmer.kernels.jit import bare_jit, loops_jit

__all__ = ["LossCode", "formula_loss", "loss_code", "slots_of", "weigh_formula"]

_U0 = np.uint64(0)
_BYTES_PER_ROW = np.uint64(8 * CODE_COLUMNS)
_NEAR = (
    1e-9  # relative residual below which it counts as this for the weights, as these may be infinite at zero
)


class LossCode(NamedTuple):
    """What a table needs for a loss that is not of the family in `losses.py`; empty arrays where it is.

    The three programs stand one after the other in `code`.
    """

    code: NDArray[np.uint64]  # (n_instructions, CODE_COLUMNS)
    first: NDArray[np.int64]  # (4,) instruction with which each program begins, and their number
    roots: NDArray[np.uint64]  # (3, 2) where each program's result is, and its stride per block
    prediction: np.uint64  # the slot into which the prediction is copied for the programs
    rows: NDArray[np.float64]  # (3, n_rows) of predictions, targets and weights for a function
    function: np.uint64  # its address


def slots_of(programs: Sequence[Expression]) -> int:
    """How many slots of the workspace the programs need."""
    return sum(len(program) for program in programs) + 1 if programs else 0


def loss_code(
    programs: Sequence[Expression],
    column: Callable[[int], tuple[int, int]],
    first_slot: int,
    width: int,
    ws: NDArray[np.float64],
    rows: NDArray[np.float64],
    function: np.uint64,
) -> LossCode:
    """Lower the programs, and write their numbers into the workspace.

    Parameters
    ----------
    column : place and stride per block of feature 1, 2, ... of the programs.
    first_slot : offset of the first of the slots that `slots_of` counts.
    """
    code, firsts, roots = [], [0], []
    slot = first_slot + width  # the first is the prediction's
    for program in programs:
        stack: list[tuple[int, int]] = []
        for op, arg, value in program:
            if op == VARIABLE:
                stack.append((first_slot, 0) if arg == 0 else column(arg))
            elif op not in OPERATORS_BY_CODE:
                ws[slot : slot + width] = value
                stack.append((slot, 0))
            else:
                arity = OPERATORS_BY_CODE[op].arity
                operands = stack[-arity:]
                del stack[-arity:]
                row = np.zeros(CODE_COLUMNS, np.uint64)
                row[OP], row[D], row[D_STRIDE] = op, slot, 0
                (row[P], row[P_STRIDE]), (row[Q], row[Q_STRIDE]) = operands[0], operands[-1]
                code.append(row)
                stack.append((slot, 0))
            slot += width
        firsts.append(len(code))
        roots.append(stack[0])
    return LossCode(
        np.array(code, np.uint64).reshape(-1, CODE_COLUMNS),
        np.array(firsts, np.int64),
        np.array(roots, np.uint64).reshape(-1, 2),
        np.uint64(first_slot),
        rows,
        function,
    )


@bare_jit
def formula_loss(table, block, prediction, target):
    """Loss of one block: prediction and target are the offsets of both, with the weights behind the target."""
    _bring(table.ws, prediction, table.loss.prediction, table.width)
    values = _run(table, block, 0)
    return _weighted_sum(table.ws, target + table.width, values, table.width)


@bare_jit
def weigh_formula(table, block, prediction, target, seed, out):
    """Loss of one block; the weighted residuals go to `out` and the roots of the weights to `seed`."""
    loss = formula_loss(table, block, prediction, target)
    slope, curvature = _run(table, block, 1), _run(table, block, 2)
    _weigh(table.ws, prediction, target, slope, curvature, seed, out, table.width)
    return loss


@bare_jit
def _run(table, block, which):
    """Run one program; returns where its result is."""
    first, last = table.loss.first[which], table.loss.first[which + 1]
    code = np.uint64(table.loss.code.ctypes.data) + np.uint64(first) * _BYTES_PER_ROW
    call_forward(table.forward, code, last - first, table.ws.ctypes.data, block, table.width)
    return table.loss.roots[which, 0] + block * table.loss.roots[which, 1]


@loops_jit
def _bring(ws, source, to, width):
    for j in range(width):
        ws[to + j] = ws[source + j]


@loops_jit
def _weighted_sum(ws, w, values, width):
    total = 0.0
    for j in range(width):
        total += np.float64(ws[w + j]) * np.float64(ws[values + j])
    return total


@bare_jit
def _weigh(ws, prediction, target, slope, curvature, seed, out, width):
    root = target + width + width
    for j in range(width):
        p, t = np.float64(ws[prediction + j]), np.float64(ws[target + j])
        g, c = 0.5 * np.float64(ws[slope + j]), 0.5 * np.float64(ws[curvature + j])
        r = p - t
        least = _NEAR * (abs(p) + abs(t))
        if abs(r) < least:
            r = math.copysign(least, r)
        reweighted = g / r
        h = 0.0
        if math.isfinite(c):
            h = max(h, c)
        if math.isfinite(reweighted):
            h = max(h, reweighted)
        if h == 0.0 and math.isfinite(g) and math.isfinite(reweighted):
            h = abs(
                reweighted
            )  # uphill towards the target, and no curvature: only the size of a step is at stake
        if h > 0.0 and math.isfinite(g):
            ws[seed + j] = ws[root + j] * math.sqrt(h)
            ws[out + j] = ws[root + j] * g / math.sqrt(h)
        else:  # as at the tip of a cusp: the row does not pull
            ws[seed + j] = 0.0
            ws[out + j] = 0.0
