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

from balmer.kernels.gram import gram, without_nan
from balmer.kernels.jit import bare_jit, loops_jit
from balmer.kernels.loops import apply_block, apply_fused, apply_power, backward_block
from balmer.kernels.losses import weigh
from balmer.kernels.pairs import apply_pair

__all__ = [
    "CACHE_LINE",
    "CODE_COLUMNS",
    "CONSTANT_LEFT",
    "CONSTANT_RIGHT",
    "COPY",
    "FILL",
    "FUSED",
    "PAIR",
    "POWER",
    "Entry",
    "call_forward",
    "call_in_pairs",
    "call_normal",
    "count_up",
    "entry",
    "entry_in_pairs",
    "fence",
    "prefetch_for_writing",
    "write_past_caches",
]

CODE_COLUMNS = 13

# Columns of `code`, one row per instruction: operator, value slot, operand p, its stride per block, operand q, its
# stride, which of the operands depend on a constant and lack a derivative (1: p, 2: q), the stride of the value, and
# the slots of the derivatives with respect to the value, p and q.
OP, D, P, P_STRIDE, Q, Q_STRIDE, WANT, D_STRIDE, G, GP, GQ = range(CODE_COLUMNS - 2)
# And what has as little to do with instructions as it has need of a place: the slot of the derivative with respect to
# each node, and with respect to each free constant, which is a column of the Jacobian.
ADJOINT, COLUMN = CODE_COLUMNS - 2, CODE_COLUMNS - 1

# Instructions that are no operators: one number to a whole slot, one slot to another, and arithmetic with one operand a
# single number.
FILL, COPY, CONSTANT_RIGHT, CONSTANT_LEFT = np.uint64(1), np.uint64(2), np.uint64(64), np.uint64(128)
# And a product that is added to something at once: FUSED + 4 if q is a number + 0 for pq + r, 1 for pq - r, 2 for
# r - pq. The third operand stands where there are no derivatives then.
FUSED, R, R_STRIDE = np.uint64(256), G, GP
# A power with a number for exponent: GQ is the slot of the derivative with respect to that, and has the logarithm of
# the base until then.
POWER = FUSED + np.uint64(8)
# And two of arithmetic at once, without the first's result being written: PAIR + the number that `pairs.py` gives it.
PAIR = np.uint64(512)

CACHE_LINE = np.uint64(64)  # bytes
_AT_ONCE = 32  # cache lines written past the caches
_U0, _U1, _U2 = np.uint64(0), np.uint64(1), np.uint64(2)


class Entry(NamedTuple):
    """Addresses of the compiled `forward` and `normal`."""

    forward: np.uint64
    normal: np.uint64


@cache
def entry(width: int = 64) -> Entry:
    """Compile the loops for floats of 64 or 32 bits, or load them from numba's cache, and return their addresses."""
    if width == 32:
        from balmer.kernels.entry32 import entry32  # most never need it

        return entry32()
    u, i, r = types.uint64, types.int64, types.float64
    code, ws = types.CPointer(types.uint64), types.CPointer(types.float64)
    compiled: list[Any] = [
        numba.cfunc(types.void(code, i, ws, u, u), cache=True)(_forward),
        numba.cfunc(types.void(code, i, i, ws, u, u, u, u, u, u, u, u, r, ws), cache=True)(_normal),
    ]
    return Entry(*(np.uint64(function.address) for function in compiled))


@cache
def entry_in_pairs(width: int = 64) -> np.uint64:
    """Compile `forward` with the loops for pairs, which are worth it only where many formulas are evaluated."""
    u, i, real = types.uint64, types.int64, types.float64 if width == 64 else types.float32
    signature = types.void(u, types.CPointer(u), i, types.CPointer(real), u, u, u, u, i)
    return np.uint64(numba.cfunc(signature, cache=True)(_forward_in_pairs).address)


def _forward_in_pairs(forward, code_pointer, m, ws_pointer, block, width, to, source, lines):
    code = carray(code_pointer, (m, CODE_COLUMNS))
    _run_in_pairs(forward, code, m, carray(ws_pointer, (1,)), block, width, to, source, lines)


@bare_jit
def _run_in_pairs(forward, code, m, ws, block, width, to, source, lines):
    done = 0
    for i in range(m):
        op = code[i, OP]
        if op < PAIR:
            call_forward(forward, code[i].ctypes.data, np.int64(1), ws.ctypes.data, block, width)
        else:
            apply_pair(
                op - PAIR, ws, code[i, D] + block * code[i, D_STRIDE], code[i, P] + block * code[i, P_STRIDE],
                code[i, Q] + block * code[i, Q_STRIDE], code[i, R] + block * code[i, R_STRIDE], width
            )  # fmt: skip
        # As many at once as the queue of stores has room for beside those of the loops. And not before: what was last
        # written to the source is still on its way to the cache.
        stop = lines if i == m - 1 else min(lines, done + _AT_ONCE)
        for line in range(done, stop):
            at = np.uint64(line) * CACHE_LINE
            write_past_caches(to + at, source + at)
        done = stop


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


@intrinsic
def prefetch_for_writing(typingctx, address):
    """Ask for the cache line at an address, to be written to soon: what has to be read for that is read meanwhile."""

    def generate(context, builder, signature, arguments):
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        numbers = [ir.Constant(flag, n) for n in (1, 3, 1)]  # to write, to keep near, data
        builder.call(prefetch, [builder.inttoptr(arguments[0], byte), *numbers])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


@intrinsic
def write_past_caches(typingctx, address, source):
    """Copy a cache line to an address, which is aligned to 64 bytes, without a place for it in the caches.

    A line to be written to in part is read first, and pushes out another: both for nothing where it is written whole
    and not read again soon. Afterwards `fence` is to be called.
    """

    def generate(context, builder, signature, arguments):
        line = ir.VectorType(ir.IntType(64), 8).as_pointer()
        to, origin = (builder.inttoptr(a, line) for a in arguments)
        store = builder.store(builder.load(origin, align=4), to, align=64)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate


@intrinsic
def fence(typingctx):
    """Let other threads see all that was written before."""

    def generate(context, builder, signature, arguments):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def count_up(typingctx, address):
    """Add one to the int64 at an address, which other threads may do at the same time; returns what stood there."""

    def generate(context, builder, signature, arguments):
        number = ir.IntType(64)
        at = builder.inttoptr(arguments[0], number.as_pointer())
        return builder.atomic_rmw("add", at, ir.Constant(number, 1), "seq_cst")

    return types.int64(types.uint64), generate


@intrinsic
def call_forward(typingctx, address, code, m, ws, block, width):
    """Values of m instructions for one block of rows; `code` and `ws` are addresses of their arrays."""
    u, i = types.uint64, types.int64
    return types.void(u, u, i, u, u, u), _caller((1, 3))


@intrinsic
def call_in_pairs(typingctx, address, forward, code, m, ws, block, width, to, source, lines):
    """Like `call_forward`, for instructions some of which are pairs; `forward` is the address for the others.

    Meanwhile so many cache lines are copied past the caches, of what the last call has left.
    """
    u, i = types.uint64, types.int64
    return types.void(u, u, u, i, u, u, u, u, u, i), _caller((2, 4))


@intrinsic
def call_normal(
    typingctx,
    address,
    code,
    m,
    k,
    ws,
    block,
    width,
    prediction,
    target,
    seed,
    residual,
    careful,
    kind,
    scale,
    out,
):
    """After `call_forward`: derivatives for one block of rows, and its part of the normal equations.

    `code`, `ws` and `out` are addresses of their arrays; `out` is float64 of shape (k + 2, k + 2), and added to it are
    the products of the columns of the weighted Jacobian and, as the last, the residual; at (k + 1, 0) the loss.
    """
    u, i = types.uint64, types.int64
    return types.void(u, u, i, i, u, u, u, u, u, u, u, u, u, types.float64, u), _caller((1, 4, 14))


def _caller(pointers):
    """Code generation of a call through an address; the arguments in those places are addresses of arrays."""

    def generate(context, builder, signature, arguments):
        byte = ir.IntType(8).as_pointer()
        passed = [builder.inttoptr(a, byte) if k in pointers else a for k, a in enumerate(arguments)][1:]
        function = ir.FunctionType(ir.VoidType(), [a.type for a in passed])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), passed)
        return context.get_dummy_value()

    return generate
