"""Fitting the constants of one program, whatever the loss of its table is."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from balmer.kernels.function_loss import function_loss
from balmer.kernels.jit import bare_jit, jit
from balmer.kernels.levenberg import least_squares
from balmer.kernels.losses import FUNCTION
from balmer.kernels.pointers import address_of, call_at
from balmer.kernels.program import Table, lower, lowering_scratch, pack, set_constants

__all__ = ["fit_constants", "minimiser"]

_WORTH_A_SEARCH = 30  # passes allowed from which on a function is minimised itself
_FIRST_STEP = 0.05  # of each constant


def minimiser(table: Table) -> np.uint64:
    """Address of what fits constants to the loss of a table: see `fit_constants`."""
    return _minimiser(table.ws.itemsize, bool(table.kind == FUNCTION))


@cache
def _minimiser(itemsize: int, function: bool) -> np.uint64:
    one = np.ones(1)
    table = pack(np.ones((1, 1)), one, one, 1, real=np.float64 if itemsize == 8 else np.float32)
    chosen = _fit_to_function if function else least_squares
    codes, steps, real_number = np.zeros(1, np.int16), np.int64(1), 1.0
    return address_of(
        chosen,
        codes,
        codes,
        one,
        steps,
        table,
        one,
        steps,
        real_number,
        real_number,
        real_number,
        *lowering_scratch(1),
    )


@bare_jit
def fit_constants(minimiser, ops, args, values, n, table, theta, max_steps, tolerance, floor, bound, scratch):
    """Minimise the loss over theta, shape (k,), in place; see `balmer.kernels.levenberg.least_squares`.

    `minimiser` is the address that the function of that name gives: with the compiled code in the caller, as numba
    would have it, every caller takes seconds more to compile. Of a loss that is a function of the user's no derivatives
    are known: the constants are fitted by least squares, kept if the function says so, and where there is time for it
    moved by a simplex to its minimum. `scratch` is what `lowering_scratch` makes for n nodes or more.
    """
    return call_at(
        minimiser,
        (0.0, np.int64(1)),
        (
            ops,
            args,
            values,
            np.int64(n),
            table,
            theta,
            np.int64(max_steps),
            np.float64(tolerance),
            np.float64(floor),
            np.float64(bound),
            scratch[0],
            scratch[1],
            scratch[2],
        ),
    )


@jit
def _fit_to_function(
    ops, args, values, n, table, theta, max_steps, tolerance, floor, bound, code, stack, depends
):
    k = theta.shape[0]
    program = _lowered(ops, args, values, n, theta, table, code, stack, depends)
    loss = function_loss(program, table)
    evaluations = 1
    if k == 0:
        return loss, evaluations
    trial = theta.copy()
    _, passes = least_squares(
        ops, args, values, n, table, trial, max_steps, tolerance, 0.0, np.inf, code, stack, depends
    )
    program = _lowered(ops, args, values, n, trial, table, code, stack, depends)
    squares = function_loss(program, table)
    evaluations += passes + 1
    if squares < loss:
        theta[:] = trial
        loss = squares
    if math.isfinite(loss) and loss > floor and max_steps >= _WORTH_A_SEARCH:
        loss, passes = _simplex(ops, n, program, table, theta, loss, max_steps * k, tolerance)
        evaluations += passes
    set_constants(ops, n, theta, table)
    return loss, evaluations


@bare_jit
def _lowered(ops, args, values, n, theta, table, code, stack, depends):
    program = lower(ops, args, values, n, code, stack, depends, table)
    set_constants(ops, n, theta, table)
    return program


@jit
def _simplex(ops, n, program, table, theta, loss, most, tolerance):
    """Nelder and Mead, Comput. J. 7 (1965) 308; theta is changed in place. Returns the loss and the passes."""
    k = theta.shape[0]
    points, values = np.empty((k + 1, k)), np.empty(k + 1)
    points[0], values[0] = theta, loss
    for i in range(k):
        points[i + 1] = theta
        points[i + 1, i] += _FIRST_STEP * abs(theta[i]) if theta[i] != 0.0 else _FIRST_STEP
        values[i + 1] = _value(ops, n, program, table, points[i + 1])
    passes = k
    centre, trial, other = np.empty(k), np.empty(k), np.empty(k)
    while passes < most:
        order = np.argsort(values, kind="mergesort")
        points, values = points[order], values[order]
        if values[k] - values[0] <= tolerance * abs(values[0]):
            break
        for j in range(k):
            centre[j] = 0.0
            for i in range(k):
                centre[j] += points[i, j] / k
        for j in range(k):
            trial[j] = 2.0 * centre[j] - points[k, j]
        reflected = _value(ops, n, program, table, trial)
        passes += 1
        if values[0] <= reflected < values[k - 1]:
            points[k], values[k] = trial, reflected
            continue
        # Further out where that was the best so far, else inwards, on the better side.
        factor = 2.0 if reflected < values[0] else (0.5 if reflected < values[k] else -0.5)
        for j in range(k):
            other[j] = centre[j] + factor * (centre[j] - points[k, j])
        found = _value(ops, n, program, table, other)
        passes += 1
        if reflected < values[0]:
            if found < reflected:
                points[k], values[k] = other, found
            else:
                points[k], values[k] = trial, reflected
        elif found < min(reflected, values[k]):
            points[k], values[k] = other, found
        else:
            for i in range(1, k + 1):
                for j in range(k):
                    points[i, j] = points[0, j] + 0.5 * (points[i, j] - points[0, j])
                values[i] = _value(ops, n, program, table, points[i])
            passes += k
    best = np.argmin(values)
    theta[:] = points[best]
    return values[best], passes


@bare_jit
def _value(ops, n, program, table, theta):
    set_constants(ops, n, theta, table)
    return function_loss(program, table)
