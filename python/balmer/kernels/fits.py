"""Fitting the constants of many formulas to one table in one call that needs no GIL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from balmer.kernels.batch import Programs
from balmer.kernels.entry import CODE_COLUMNS
from balmer.kernels.jit import entry_jit
from balmer.kernels.levenberg import fit_constants
from balmer.kernels.program import lower, pack

__all__ = ["fit_many"]


def fit_many(
    programs: Programs,
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    max_steps: int = 200,
    tolerance: float = 1e-14,
    threads: int = 1,
) -> tuple[Programs, NDArray[np.float64]]:
    """Fit the free constants of many formulas by weighted least squares, from the values they have.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    max_steps, tolerance : as of `balmer.kernels.fit`.
    threads : int
        Threads among which the formulas are divided.

    Returns
    -------
    (fitted, losses): the programs with fitted constants, and their losses, shape (n_formulas,); infinity where a
    formula or its derivatives are not finite on all rows.
    """
    n = len(programs.starts) - 1
    fitted = programs._replace(values=programs.values.copy())
    losses = np.empty(n)
    longest = int(np.diff(programs.starts).max(initial=1))
    bounds = [n * k // threads for k in range(threads + 1)]

    def work(k: int) -> None:
        table = pack(X, y, weights, longest)
        _fit_many(fitted, bounds[k], bounds[k + 1], table, max_steps, tolerance, losses)

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return fitted, losses


@entry_jit
def _fit_many(programs, first, last, table, max_steps, tolerance, losses):
    longest = np.int64(table.max_nodes)
    code = np.empty((longest, CODE_COLUMNS), np.uint64)
    stack, depends = np.empty(longest, np.int64), np.empty(longest, np.bool_)
    for i in range(first, last):
        a, b = programs.starts[i], programs.starts[i + 1]
        ops, values = programs.ops[a:b], programs.values[a:b]
        program = lower(ops, programs.args[a:b], values, b - a, code, stack, depends, table)
        theta = values[ops == 0]
        losses[i], _, _ = fit_constants(ops, b - a, program, table, theta, max_steps, tolerance, 0.0)
        values[ops == 0] = theta
