"""The entries of `entry.py` for float32: compiled only when asked for, as few want it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import carray, types

from balmer.kernels.entry import (
    CODE_COLUMNS,
    COLUMN,
    D_STRIDE,
    FUSED,
    GP,
    GQ,
    OP,
    P_STRIDE,
    POWER,
    Q_STRIDE,
    R_STRIDE,
    WANT,
    D,
    Entry,
    G,
    P,
    Q,
    R,
)
from balmer.kernels.gram import gram, without_nan
from balmer.kernels.jit import loops_jit
from balmer.kernels.loops32 import apply_block, apply_fused, apply_power, backward_block
from balmer.kernels.losses import weigh

__all__ = ["entry32"]

_U0, _U1, _U2 = np.uint64(0), np.uint64(1), np.uint64(2)


@cache
def entry32() -> Entry:
    """Compile the loops for float32, or load them from numba's cache, and return their addresses."""
    u, i, r = types.uint64, types.int64, types.float64
    code, ws, out = types.CPointer(types.uint64), types.CPointer(types.float32), types.CPointer(types.float64)
    compiled: list[Any] = [
        numba.cfunc(types.void(code, i, ws, u, u), cache=True)(_forward),
        numba.cfunc(types.void(code, i, i, ws, u, u, u, u, u, u, u, u, r, out), cache=True)(_normal),
    ]
    return Entry(*(np.uint64(function.address) for function in compiled))


def _forward(code_pointer, m, ws_pointer, block, width):
    code = carray(code_pointer, (m, CODE_COLUMNS))
    _run_forward(code, m, carray(ws_pointer, (1,)), block, width)


def _normal(
    code_pointer, m, k, ws_pointer, block, width, prediction, target, seed, residual, careful, kind, scale,
    out_pointer
):  # fmt: skip
    code = carray(code_pointer, (max(m, k), CODE_COLUMNS))
    ws = carray(ws_pointer, (1,))
    out = carray(out_pointer, (k + 2, k + 2))
    out[k + 1, 0] += weigh(kind, scale, ws, prediction, target, seed, residual, width)
    _run_backward(code, m, ws, block, width)
    if careful != _U0:
        for i in range(k):
            without_nan(ws, code[i, COLUMN], width)
    gram(code[:, COLUMN], k, ws, residual, width, out)


@loops_jit
def _run_forward(code, m, ws, block, width):
    for i in range(m):
        p = code[i, P] + block * code[i, P_STRIDE]
        q = code[i, Q] + block * code[i, Q_STRIDE]
        d, op = code[i, D] + block * code[i, D_STRIDE], code[i, OP]
        if op < FUSED:
            apply_block(op, ws, d, p, q, width)
        elif op == POWER:
            apply_power(ws, d, p, q, code[i, GQ], width)
        else:
            apply_fused(op, ws, d, p, q, code[i, R] + block * code[i, R_STRIDE], width)


@loops_jit
def _run_backward(code, m, ws, block, width):
    for i in range(m - 1, -1, -1):
        want = code[i, WANT]
        if want != _U0:
            p = code[i, P] + block * code[i, P_STRIDE]
            q = code[i, Q] + block * code[i, Q_STRIDE]
            backward_block(
                code[i, OP], ws, code[i, G], code[i, D], p, q, code[i, GP], code[i, GQ], (want & _U1) != _U0,
                (want & _U2) != _U0, width
            )  # fmt: skip
