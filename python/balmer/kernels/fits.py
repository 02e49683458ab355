"""Fitting the constants of many formulas to one table in one call that needs no GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.kernels.batch import Programs
from balmer.kernels.entry import CODE_COLUMNS
from balmer.kernels.fitting import fit_constants, minimiser
from balmer.kernels.jit import entry_jit
from balmer.kernels.levenberg import MAX_CONSTANTS
from balmer.kernels.program import Table, pack
from balmer.kernels.threads import portions, run

__all__ = ["fit_many", "fit_packed"]


def fit_many(
    programs: Programs,
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    max_steps: int = 200,
    tolerance: float = 1e-14,
    threads: int = 1,
    real: Any = np.float64,
) -> tuple[Programs, NDArray[np.float64]]:
    """Fit the free constants of many formulas by weighted least squares, from the values they have.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    max_steps, tolerance : as of `balmer.kernels.fit`.
    threads : int
        Threads among which the formulas are divided.
    real : float64 or float32
        What to compute with.

    Returns
    -------
    (fitted, losses): the programs with fitted constants, and their losses, shape (n_formulas,); infinity where a
    formula or its derivatives are not finite on all rows.
    """
    n = len(programs.starts) - 1
    longest = int(np.diff(programs.starts).max(initial=1))
    if threads == 1:
        return fit_packed(
            programs, pack(X, y, weights, longest, real=real), max_steps=max_steps, tolerance=tolerance
        )
    fitted = programs._replace(values=programs.values.copy())
    losses = np.empty(n)
    pieces = iter(portions(n, threads, 1))

    def work() -> None:
        table = pack(X, y, weights, longest, real=real)
        for first, last in pieces:  # a list iterator is safe to share
            _fit_many(minimiser(table), fitted, first, last, table, max_steps, tolerance, losses)

    run(work, threads)
    return fitted, losses


def fit_packed(
    programs: Programs, table: Table, *, max_steps: int = 200, tolerance: float = 1e-14
) -> tuple[Programs, NDArray[np.float64]]:
    """`fit_many` on a table packed before, for many calls on the same rows."""
    fitted = programs._replace(values=programs.values.copy())
    losses = np.empty(len(programs.starts) - 1)
    _fit_many(minimiser(table), fitted, 0, len(losses), table, max_steps, tolerance, losses)
    return fitted, losses


@entry_jit
def _fit_many(minimiser, programs, first, last, table, max_steps, tolerance, losses):
    longest = np.int64(table.max_nodes)
    scratch = (
        np.empty((longest, CODE_COLUMNS), np.uint64),
        np.empty(longest, np.int64),
        np.empty(longest, np.bool_),
    )
    for i in range(first, last):
        a, b = programs.starts[i], programs.starts[i + 1]
        ops, args, values = programs.ops[a:b], programs.args[a:b], programs.values[a:b]
        theta = values[ops == 0]
        if len(theta) > MAX_CONSTANTS:
            losses[i] = np.inf
            continue
        losses[i], _ = fit_constants(
            minimiser,
            ops,
            args,
            values,
            b - a,
            table,
            theta,
            max_steps,
            tolerance,
            0.0,
            np.inf,
            scratch,
        )
        values[ops == 0] = theta
