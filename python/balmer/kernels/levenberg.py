"""Levenberg-Marquardt for the constants of one program: reverse-mode derivatives, gathered block by block.

The Jacobian is never stored: each block adds its part to J^T W J and J^T W r (Marquardt, SIAM J. Appl. Math. 11
(1963) 431; damping after Nielsen, IMM-REP-1999-05).
"""

from __future__ import annotations

import math

import numpy as np

from balmer.kernels.entry import call_backward, call_forward
from balmer.kernels.jit import jit, loops_jit
from balmer.kernels.program import set_constants, target_at

_U2 = np.uint64(2)

__all__ = ["MAX_CONSTANTS", "fit_constants", "normal_equations"]

MAX_CONSTANTS = 24  # a formula with more is no law


@jit
def fit_constants(ops, n, program, table, theta, max_steps, tolerance, floor):
    """Minimise the weighted sum of squares over theta, shape (k,), in place.

    Parameters
    ----------
    max_steps : int
        Passes over the data at most.
    tolerance : float
        Stop when two steps running lower the loss by less than this fraction.
    floor : float
        Stop when the loss is below: there is nothing left to explain.

    Returns
    -------
    (loss, evaluations, normal): the loss at theta, the passes over the data, and J^T W J there, shape (k, k).
    """
    k = program.k
    normal = np.zeros((k, k))
    gradient = np.zeros(k)
    loss = normal_equations(ops, n, program, table, normal, gradient)
    evaluations = 1
    if not math.isfinite(loss):
        return np.inf, evaluations, normal
    new_normal = np.zeros((k, k))
    new_gradient = np.zeros(k)
    factor = np.empty((k, k))
    step = np.empty(k)
    trial = np.empty(k)
    damping, growth = 1e-3, 2.0
    small_steps = 0
    while evaluations < max_steps and loss > floor and damping < 1e16:
        if not _damped_step(normal, gradient, damping, factor, step):
            damping *= growth
            growth *= 2.0
            continue
        predicted = 0.0
        moved = 0.0
        for i in range(k):
            predicted += step[i] * (damping * normal[i, i] * step[i] + gradient[i])
            trial[i] = theta[i] - step[i]
            moved = max(moved, abs(step[i]) / (abs(theta[i]) + 1e-300))
        if moved < 1e-16:
            break
        set_constants(ops, n, trial, table)
        new = normal_equations(ops, n, program, table, new_normal, new_gradient)
        evaluations += 1
        if new < loss:
            gain = (loss - new) / predicted if predicted > 0.0 else 1.0
            cubic = 1.0 - (2.0 * gain - 1.0) ** 3
            damping = max(damping * min(max(cubic, 0.1), 2.0), 1e-15)
            growth = 2.0
            small_steps = small_steps + 1 if loss - new <= tolerance * loss else 0
            theta[:] = trial
            loss = new
            normal, new_normal = new_normal, normal
            gradient, new_gradient = new_gradient, gradient
            if small_steps == 2:
                break
        else:
            damping *= growth
            growth *= 2.0
    set_constants(ops, n, theta, table)
    return loss, evaluations, normal


@jit
def normal_equations(ops, n, program, table, normal, gradient):
    """J^T W J, shape (k, k), and J^T W r, shape (k,), at the constants in the table; returns the loss.

    The loss is infinity where the formula or its derivatives are not finite.
    """
    normal[:] = 0.0
    gradient[:] = 0.0
    ws, width = table.ws, table.width
    code, shift = program.code.ctypes.data, table.max_nodes * width
    residual, spare = _U2 * shift, _U2 * shift + width
    total = 0.0
    for b in range(table.n_blocks):
        block = np.uint64(b)
        call_forward(table.forward, code, program.m, ws.ctypes.data, block, width)
        if program.k > 0:
            call_backward(
                table.backward, code, program.m, program.root, ws.ctypes.data, block, width, table.max_nodes
            )
        y = target_at(table, b)
        total += _weighted_residual(ws, program.root + block * program.stride, y, residual, width)
        if not math.isfinite(total):
            return np.inf
        p = 0
        for i in range(n):
            if ops[i] == 0:
                column = np.uint64(i) * width + shift
                gradient[p] += _dot(ws, column, residual, width)
                _product(ws, column, y + width, spare, width)
                q = 0
                for j in range(i + 1):
                    if ops[j] == 0:
                        normal[p, q] += _dot(ws, np.uint64(j) * width + shift, spare, width)
                        q += 1
                p += 1
    for p in range(program.k):
        if not math.isfinite(gradient[p]):
            return np.inf
        for q in range(p):
            normal[q, p] = normal[p, q]
    return total


@loops_jit
def _weighted_residual(ws, f, y, out, width):
    w = y + width
    total = 0.0
    for j in range(width):
        r = ws[f + j] - ws[y + j]
        wr = ws[w + j] * r
        ws[out + j] = wr
        total += wr * r
    return total


@loops_jit
def _dot(ws, p, q, width):
    total = 0.0
    for j in range(width):
        total += ws[p + j] * ws[q + j]
    return total


@loops_jit
def _product(ws, p, q, out, width):
    for j in range(width):
        ws[out + j] = ws[p + j] * ws[q + j]


@jit
def _damped_step(normal, gradient, damping, factor, step):
    """Solve (N + damping diag N) step = gradient by Cholesky; False where it is not positive definite."""
    k = gradient.shape[0]
    for i in range(k):
        for j in range(i + 1):
            total = normal[i, j]
            if i == j:
                # A constant without effect here (zero column) gets a unit pivot and stays where it is.
                total = total * (1.0 + damping) if total > 0.0 else 1.0
            for q in range(j):
                total -= factor[i, q] * factor[j, q]
            if i == j:
                if not total > 1e-14 * normal[i, i] * damping:
                    return False
                factor[i, i] = math.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(k):
        total = gradient[i]
        for q in range(i):
            total -= factor[i, q] * step[q]
        step[i] = total / factor[i, i]
    for i in range(k - 1, -1, -1):
        total = step[i]
        for q in range(i + 1, k):
            total -= factor[q, i] * step[q]
        step[i] = total / factor[i, i]
    for i in range(k):
        if not math.isfinite(step[i]):
            return False
    return True
