"""The family of losses: what a residual costs, and the weight with which Gauss-Newton makes it a least-squares problem.

A loss is a sum of w rho(r); with omega(r) = rho'(r) / (2 r) its gradient is that of the weighted sum of squares of
the same residuals with weights w omega (iteratively reweighted least squares; P. J. Green, J. R. Stat. Soc. B 46
(1984) 149). rho(r) = r^2 at small r for all but the absolute one.
"""

from __future__ import annotations

import math

import numpy as np

from balmer.kernels.elementary import fast_exp, fast_log1p, fast_tanh
from balmer.kernels.jit import loops_jit

__all__ = ["ABSOLUTE", "FORMULA", "FUNCTION", "HUBER", "KINDS", "LOG_COSH", "SQUARED", "block_loss", "weigh"]

SQUARED, ABSOLUTE, HUBER, LOG_COSH = (np.uint64(k) for k in range(4))
KINDS = {"squared": SQUARED, "absolute": ABSOLUTE, "huber": HUBER, "log-cosh": LOG_COSH}
# Losses of the user's: `formula_loss.py` and `function_loss.py`.
FORMULA, FUNCTION = np.uint64(4), np.uint64(5)
_LN_2 = 0.6931471805599453
# Below this fraction of the scale an absolute residual counts as a square, whose weight is finite.
_SOFT = 1e-6


@loops_jit
def weigh(kind, scale, ws, f, y, seed, out, width):
    """Loss of one block; the weighted residuals go to `out` and the roots of the weights to `seed`.

    f and y are the offsets of prediction and target; behind the target stand the weights and their roots. What
    `weigh_formula` has written is left as it is.
    """
    if kind == FORMULA:
        return 0.0
    w, root = y + width, y + width + width
    if kind == SQUARED:
        squares = ws.dtype.type(0.0)
        for j in range(width):
            r = ws[root + j] * (ws[f + j] - ws[y + j])
            ws[seed + j] = ws[root + j]
            ws[out + j] = r
            squares += r * r
        return np.float64(squares)
    total = 0.0
    inverse = 1.0 / scale
    if kind == ABSOLUTE:
        for j in range(width):
            r = np.float64(ws[f + j] - ws[y + j])
            size = abs(r)
            ws[seed + j] = ws[root + j] * math.sqrt(0.5 / max(size, _SOFT * scale))
            ws[out + j] = ws[seed + j] * r
            total += ws[w + j] * size
    elif kind == HUBER:
        for j in range(width):
            r = np.float64(ws[f + j] - ws[y + j])
            size = abs(r)
            near = min(size, scale)
            ws[seed + j] = ws[root + j] * math.sqrt(scale / max(size, scale))
            ws[out + j] = ws[seed + j] * r
            total += ws[w + j] * near * (2.0 * size - near)
    else:
        for j in range(width):
            r = np.float64(ws[f + j] - ws[y + j])
            u = abs(r) * inverse
            omega = fast_tanh(u) / u if u > 1e-9 else (1.0 if u == u else u)
            ws[seed + j] = ws[root + j] * math.sqrt(omega)
            ws[out + j] = ws[seed + j] * r
            total += ws[w + j] * (2.0 * scale * scale) * (u + (fast_log1p(fast_exp(-2.0 * u)) - _LN_2))
    return total


@loops_jit
def block_loss(kind, scale, ws, f, y, width):
    """Loss of one block: f the offset of the prediction, y of the target, weights behind it."""
    w = y + width
    if kind == SQUARED:
        squares = ws.dtype.type(0.0)
        for j in range(width):
            r = ws[f + j] - ws[y + j]
            squares += ws[w + j] * (r * r)
        return np.float64(squares)
    total = 0.0
    inverse = 1.0 / scale
    for j in range(width):
        size = np.float64(abs(ws[f + j] - ws[y + j]))
        near = min(size, scale)
        u = size * inverse
        if kind == ABSOLUTE:
            rho = size
        elif kind == HUBER:
            rho = near * (2.0 * size - near)
        else:
            rho = (2.0 * scale * scale) * (u + (fast_log1p(fast_exp(-2.0 * u)) - _LN_2))
        total += ws[w + j] * rho
    return total
