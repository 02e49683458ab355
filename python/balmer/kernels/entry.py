"""The heavy loops as C functions behind pointers, so that they are compiled once and not into every caller.

numba links the machine code of a callee into each of its callers and optimises it again at every level: with the
loops inlined seven levels up, compiling the evolution took a minute. A call through a pointer per block of rows
costs a few nanoseconds.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from balmer.kernels.jit import loops_jit
from balmer.kernels.loops import apply_block, backward_block

__all__ = [
    "CODE_COLUMNS",
    "CONSTANT_LEFT",
    "CONSTANT_RIGHT",
    "FILL",
    "Entry",
    "call_backward",
    "call_forward",
    "entry",
]

CODE_COLUMNS = 8

# Columns of `code`: operator, value slot, operand p, its stride per block, operand q, its stride, which of the
# operands depend on a constant (1: p, 2: q), and the stride of the value.
OP, D, P, P_STRIDE, Q, Q_STRIDE, WANT, D_STRIDE = range(CODE_COLUMNS)

# Instructions that are no operators: one number to a whole slot, and arithmetic with one operand a single number.
FILL, CONSTANT_RIGHT, CONSTANT_LEFT = np.uint64(1), np.uint64(64), np.uint64(128)

_U0, _U1, _U2 = np.uint64(0), np.uint64(1), np.uint64(2)


class Entry(NamedTuple):
    """Addresses of the compiled `forward` and `backward`."""

    forward: np.uint64
    backward: np.uint64


@cache
def entry() -> Entry:
    """Compile the loops, or load them from numba's cache, and return their addresses."""
    u, i = types.uint64, types.int64
    code, ws = types.CPointer(types.uint64), types.CPointer(types.float64)
    compiled: list[Any] = [
        numba.cfunc(types.void(code, i, ws, u, u), cache=True)(_forward),
        numba.cfunc(types.void(code, i, u, ws, u, u, u), cache=True)(_backward),
    ]
    return Entry(*(np.uint64(function.address) for function in compiled))


def _forward(code_pointer, m, ws_pointer, block, width):
    code = carray(code_pointer, (m, CODE_COLUMNS))
    _run_forward(code, m, carray(ws_pointer, (1,)), block, width)


def _backward(code_pointer, m, root, ws_pointer, block, width, max_nodes):
    code = carray(code_pointer, (m, CODE_COLUMNS))
    _run_backward(code, m, root, carray(ws_pointer, (1,)), block, width, max_nodes)


@loops_jit
def _run_forward(code, m, ws, block, width):
    for i in range(m):
        p = code[i, P] + block * code[i, P_STRIDE]
        q = code[i, Q] + block * code[i, Q_STRIDE]
        apply_block(code[i, OP], ws, code[i, D] + block * code[i, D_STRIDE], p, q, width)


@loops_jit
def _run_backward(code, m, root, ws, block, width, max_nodes):
    shift = max_nodes * width
    for j in range(width):
        ws[root + shift + j] = 1.0
    for i in range(m - 1, -1, -1):
        want = code[i, WANT]
        if want != _U0:
            d = code[i, D]
            p, q = code[i, P], code[i, Q]
            backward_block(
                code[i, OP], ws, d + shift, d, p + block * code[i, P_STRIDE], q + block * code[i, Q_STRIDE],
                p + shift, q + shift, (want & _U1) != _U0, (want & _U2) != _U0, width
            )  # fmt: skip


@intrinsic
def call_forward(typingctx, address, code, m, ws, block, width):
    """Values of m instructions for one block of rows; `code` and `ws` are addresses of their arrays."""
    u, i = types.uint64, types.int64
    return types.void(u, u, i, u, u, u), _caller((1, 3))


@intrinsic
def call_backward(typingctx, address, code, m, root, ws, block, width, max_nodes):
    """After `call_forward`: adjoints of all nodes that depend on a constant, in their adjoint slots."""
    u, i = types.uint64, types.int64
    return types.void(u, u, i, u, u, u, u, u), _caller((1, 4))


def _caller(pointers):
    """Code generation of a call through an address; the arguments in those places are addresses of arrays."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        byte = ir.IntType(8).as_pointer()
        passed = [builder.inttoptr(a, byte) if k in pointers else a for k, a in enumerate(arguments)][1:]
        function = ir.FunctionType(
            ir.VoidType(), [byte if k in pointers else word for k in range(1, len(arguments))]
        )
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), passed)
        return context.get_dummy_value()

    return generate
