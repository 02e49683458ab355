"""The inner loops, one per operator, for float32. Written by `balmer.kernels.generate`: do not edit."""

# ruff: noqa
# mypy: ignore-errors

import math

import numpy as np

from balmer.kernels.elementary32 import (
    TRIG_RANGE,
    fast_cos,
    fast_exp,
    fast_expm1,
    fast_log,
    fast_log1p,
    fast_pow,
    fast_sin,
    fast_tanh,
    log_parts,
    near_log_parts,
    near_power,
    near_power_range,
    power_of_parts,
)
from balmer.kernels.jit import loops_jit
from balmer.kernels.quotient import quotient
from balmer.kernels.elementary32 import (
    cube_root,
    log_1m_exp,
    log_exp_m1,
    maximum,
    minimum,
    power_da,
    power_db,
    power_db_of_log,
)

__all__ = ["apply_block", "apply_fused", "apply_power", "backward_block"]


@loops_jit
def apply_power(ws, d, p, q, keep, width):
    """ws[d + j] = ws[p + j] ** ws[q], the same number for all; at `keep` is left the logarithm of |ws[p + j]|.

    Most powers can do with less of the logarithm; the others are told by their bases.
    """
    c = ws[q]
    least, most = near_power_range(c)
    near = np.float32(0.0)
    for j in range(width):
        near += np.float32(1.0) if (least < abs(ws[p + j])) & (abs(ws[p + j]) < most) else np.float32(0.0)
    if near > np.float32(0.0):
        for j in range(width):
            ws[keep + j], ws[d + j] = near_log_parts(abs(ws[p + j]))
        for j in range(width):
            ws[d + j] = near_power(ws[p + j], c, ws[keep + j], ws[d + j])
        if near < width:
            for j in range(width):
                high, low = log_parts(abs(ws[p + j]))
                is_near = (least < abs(ws[p + j])) & (abs(ws[p + j]) < most)
                y = power_of_parts(ws[p + j], c, high, low)
                ws[d + j] = ws[d + j] if is_near else y
                ws[keep + j] = ws[keep + j] if is_near else high
    else:
        for j in range(width):
            ws[keep + j], ws[d + j] = log_parts(abs(ws[p + j]))
        for j in range(width):
            ws[d + j] = power_of_parts(ws[p + j], c, ws[keep + j], ws[d + j])


@loops_jit
def apply_fused(op, ws, d, p, q, r, width):
    """Like `apply_block`, for a product of p and q to which r is added, or which is taken from the other."""
    if op == 256:
        for j in range(width):
            ws[d + j] = ws[p + j] * ws[q + j] + ws[r + j]
    elif op == 257:
        for j in range(width):
            ws[d + j] = ws[p + j] * ws[q + j] - ws[r + j]
    elif op == 258:
        for j in range(width):
            ws[d + j] = ws[r + j] - ws[p + j] * ws[q + j]
    elif op == 260:
        c = ws[q]
        for j in range(width):
            ws[d + j] = c * ws[p + j] + ws[r + j]
    elif op == 261:
        c = ws[q]
        for j in range(width):
            ws[d + j] = c * ws[p + j] - ws[r + j]
    elif op == 262:
        c = ws[q]
        for j in range(width):
            ws[d + j] = ws[r + j] - c * ws[p + j]


@loops_jit
def apply_block(op, ws, d, p, q, width):
    """ws[d + j] = op(ws[p + j], ws[q + j]) for j < width; the slots never overlap. All indices are uint64."""
    if op == 3:  # add
        for j in range(width):
            ws[d + j] = ws[p + j] + ws[q + j]
    elif op == 4:  # sub
        for j in range(width):
            ws[d + j] = ws[p + j] - ws[q + j]
    elif op == 5:  # mul
        for j in range(width):
            ws[d + j] = ws[p + j] * ws[q + j]
    elif op == 6:  # div
        for j in range(width):
            ws[d + j] = ws[p + j] / ws[q + j]
    elif op == 7:  # pow
        for j in range(width):
            ws[d + j] = fast_pow(ws[p + j], ws[q + j])
    elif op == 8:  # min
        for j in range(width):
            ws[d + j] = minimum(ws[p + j], ws[q + j])
    elif op == 9:  # max
        for j in range(width):
            ws[d + j] = maximum(ws[p + j], ws[q + j])
    elif op == 10:  # neg
        for j in range(width):
            ws[d + j] = -ws[p + j]
    elif op == 11:  # abs
        for j in range(width):
            ws[d + j] = abs(ws[p + j])
    elif op == 12:  # inv
        for j in range(width):
            ws[d + j] = np.float32(1.0) / ws[p + j]
    elif op == 13:  # square
        for j in range(width):
            ws[d + j] = ws[p + j] * ws[p + j]
    elif op == 14:  # cube
        for j in range(width):
            ws[d + j] = ws[p + j] * ws[p + j] * ws[p + j]
    elif op == 15:  # sqrt
        for j in range(width):
            ws[d + j] = math.sqrt(ws[p + j])
    elif op == 16:  # cbrt
        for j in range(width):
            ws[d + j] = cube_root(ws[p + j])
    elif op == 17:  # exp
        for j in range(width):
            ws[d + j] = fast_exp(ws[p + j])
    elif op == 18:  # log
        for j in range(width):
            ws[d + j] = fast_log(ws[p + j])
    elif op == 19:  # expm1
        for j in range(width):
            ws[d + j] = fast_expm1(ws[p + j])
    elif op == 20:  # log1p
        for j in range(width):
            ws[d + j] = fast_log1p(ws[p + j])
    elif op == 21:  # logexpm1
        for j in range(width):
            ws[d + j] = log_exp_m1(ws[p + j])
    elif op == 22:  # log1mexp
        for j in range(width):
            ws[d + j] = log_1m_exp(ws[p + j])
    elif op == 23:  # sin
        far = np.float32(0.0)
        for j in range(width):
            ws[d + j] = fast_sin(ws[p + j])
            far += np.float32(1.0) if abs(ws[p + j]) > TRIG_RANGE else np.float32(0.0)
        if far > np.float32(0.0):
            for j in range(width):
                if abs(ws[p + j]) > TRIG_RANGE:
                    ws[d + j] = math.sin(ws[p + j])
    elif op == 24:  # cos
        far = np.float32(0.0)
        for j in range(width):
            ws[d + j] = fast_cos(ws[p + j])
            far += np.float32(1.0) if abs(ws[p + j]) > TRIG_RANGE else np.float32(0.0)
        if far > np.float32(0.0):
            for j in range(width):
                if abs(ws[p + j]) > TRIG_RANGE:
                    ws[d + j] = math.cos(ws[p + j])
    elif op == 25:  # tan
        for j in range(width):
            ws[d + j] = math.tan(ws[p + j])
    elif op == 26:  # asin
        for j in range(width):
            ws[d + j] = math.asin(ws[p + j])
    elif op == 27:  # acos
        for j in range(width):
            ws[d + j] = math.acos(ws[p + j])
    elif op == 28:  # atan
        for j in range(width):
            ws[d + j] = math.atan(ws[p + j])
    elif op == 29:  # sinh
        for j in range(width):
            ws[d + j] = math.sinh(ws[p + j])
    elif op == 30:  # cosh
        for j in range(width):
            ws[d + j] = math.cosh(ws[p + j])
    elif op == 31:  # tanh
        for j in range(width):
            ws[d + j] = fast_tanh(ws[p + j])
    elif op == 1:  # fill
        c = ws[p]
        for j in range(width):
            ws[d + j] = c
    elif op == 2:  # copy
        for j in range(width):
            ws[d + j] = ws[p + j]
    elif op == 67:  # add, right a number
        c = ws[q]
        for j in range(width):
            ws[d + j] = ws[p + j] + c
    elif op == 131:  # add, left a number
        c = ws[p]
        for j in range(width):
            ws[d + j] = c + ws[q + j]
    elif op == 68:  # sub, right a number
        c = ws[q]
        for j in range(width):
            ws[d + j] = ws[p + j] - c
    elif op == 132:  # sub, left a number
        c = ws[p]
        for j in range(width):
            ws[d + j] = c - ws[q + j]
    elif op == 69:  # mul, right a number
        c = ws[q]
        for j in range(width):
            ws[d + j] = ws[p + j] * c
    elif op == 133:  # mul, left a number
        c = ws[p]
        for j in range(width):
            ws[d + j] = c * ws[q + j]
    elif op == 70:  # div, right a number
        c = ws[q]
        inverse = ws.dtype.type(np.float32(1.0)) / c
        for j in range(width):
            ws[d + j] = quotient(ws[p + j], c, inverse)
    elif op == 134:  # div, left a number
        c = ws[p]
        for j in range(width):
            ws[d + j] = c / ws[q + j]


@loops_jit
def backward_block(op, ws, g, d, p, q, gp, gq, want_p, want_q, width):
    """Chain rule: from the adjoint at g of the value at d, the adjoints of its operands at gp and gq if wanted."""
    if op == 3:  # add
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j]
        if want_q:
            for j in range(width):
                ws[gq + j] = ws[g + j]
    elif op == 4:  # sub
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j]
        if want_q:
            for j in range(width):
                ws[gq + j] = -ws[g + j]
    elif op == 5:  # mul
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (ws[q + j])
        if want_q:
            for j in range(width):
                ws[gq + j] = ws[g + j] * (ws[p + j])
    elif op == 6:  # div
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] / ws[q + j]
        if want_q:
            for j in range(width):
                ws[gq + j] = -ws[g + j] * ws[d + j] / ws[q + j]
    elif op == 7:  # pow
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (power_da(ws[p + j], ws[q + j], ws[d + j]))
        if want_q:
            for j in range(width):
                ws[gq + j] = ws[g + j] * (power_db(ws[p + j], ws[d + j]))
    elif op == 8:  # min
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * ((np.float32(1.0) if ws[p + j] <= ws[q + j] else np.float32(0.0)))
        if want_q:
            for j in range(width):
                ws[gq + j] = ws[g + j] * ((np.float32(0.0) if ws[p + j] <= ws[q + j] else np.float32(1.0)))
    elif op == 9:  # max
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * ((np.float32(1.0) if ws[p + j] >= ws[q + j] else np.float32(0.0)))
        if want_q:
            for j in range(width):
                ws[gq + j] = ws[g + j] * ((np.float32(0.0) if ws[p + j] >= ws[q + j] else np.float32(1.0)))
    elif op == 10:  # neg
        if want_p:
            for j in range(width):
                ws[gp + j] = -ws[g + j]
    elif op == 11:  # abs
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * ((np.float32(1.0) if ws[p + j] >= np.float32(0.0) else -np.float32(1.0)))
    elif op == 12:  # inv
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (-ws[d + j] * ws[d + j])
    elif op == 13:  # square
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(2.0) * ws[p + j])
    elif op == 14:  # cube
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(3.0) * ws[p + j] * ws[p + j])
    elif op == 15:  # sqrt
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(0.5) / ws[d + j])
    elif op == 16:  # cbrt
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) / (np.float32(3.0) * ws[d + j] * ws[d + j]))
    elif op == 17:  # exp
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (ws[d + j])
    elif op == 18:  # log
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] / ws[p + j]
    elif op == 19:  # expm1
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (ws[d + j] + np.float32(1.0))
    elif op == 20:  # log1p
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) / (np.float32(1.0) + ws[p + j]))
    elif op == 21:  # logexpm1
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (-np.float32(1.0) / fast_expm1(-ws[p + j]))
    elif op == 22:  # log1mexp
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) / fast_expm1(ws[p + j]))
    elif op == 23:  # sin
        far = np.float32(0.0)
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (fast_cos(ws[p + j]))
                far += np.float32(1.0) if abs(ws[p + j]) > TRIG_RANGE else np.float32(0.0)
        if far > np.float32(0.0):
            if want_p:
                for j in range(width):
                    if abs(ws[p + j]) > TRIG_RANGE:
                        ws[gp + j] = ws[g + j] * (math.cos(ws[p + j]))
    elif op == 24:  # cos
        far = np.float32(0.0)
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (-fast_sin(ws[p + j]))
                far += np.float32(1.0) if abs(ws[p + j]) > TRIG_RANGE else np.float32(0.0)
        if far > np.float32(0.0):
            if want_p:
                for j in range(width):
                    if abs(ws[p + j]) > TRIG_RANGE:
                        ws[gp + j] = ws[g + j] * (-math.sin(ws[p + j]))
    elif op == 25:  # tan
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) + ws[d + j] * ws[d + j])
    elif op == 26:  # asin
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) / math.sqrt(np.float32(1.0) - ws[p + j] * ws[p + j]))
    elif op == 27:  # acos
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (-np.float32(1.0) / math.sqrt(np.float32(1.0) - ws[p + j] * ws[p + j]))
    elif op == 28:  # atan
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) / (np.float32(1.0) + ws[p + j] * ws[p + j]))
    elif op == 29:  # sinh
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (math.cosh(ws[p + j]))
    elif op == 30:  # cosh
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (math.sinh(ws[p + j]))
    elif op == 31:  # tanh
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * (np.float32(1.0) - ws[d + j] * ws[d + j])
    elif op == 264:  # pow, as `apply_power` leaves it
        if want_p:
            for j in range(width):
                ws[gp + j] = ws[g + j] * power_da(ws[p + j], ws[q], ws[d + j])
        if want_q:
            for j in range(width):
                ws[gq + j] = ws[g + j] * power_db_of_log(ws[p + j], ws[d + j], ws[gq + j])
