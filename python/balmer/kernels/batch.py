"""Many formulas on one table in one call: the programs laid end to end, run by threads that need no GIL.

Here only values are wanted, so a slot is used again as soon as its value was read, numbers stay scalars, features are
read where the caller has them and the last instruction writes to the caller's array: a program of 20 nodes moves
little more than its result. Offsets count numbers from the start of the workspace and wrap around to reach the other
arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression
from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import (
    CODE_COLUMNS,
    CONSTANT_LEFT,
    CONSTANT_RIGHT,
    D_STRIDE,
    FILL,
    FUSED,
    OP,
    P_STRIDE,
    Q_STRIDE,
    R_STRIDE,
    D,
    P,
    Q,
    R,
    call_forward,
    entry,
    prefetch_for_writing,
)
from balmer.kernels.jit import entry_jit, jit
from balmer.kernels.program import FIRST_UNARY

__all__ = ["Programs", "evaluate_many"]

Real = TypeVar("Real", np.float32, np.float64)

_BLOCK_BYTES = (
    4096  # of a slot, a block of rows at a time: a few slots and features then stay in the L1 cache
)
_CHUNK = 16384  # rows that all programs run over before the next are begun, so that the features stay in the caches
_LEAST = 50_000  # rows times formulas of a portion: what a call costs is nothing beside
_CACHE_LINE = 64  # bytes
_U0 = np.uint64(0)
_ADD, _SUB, _MUL, _DIV, _POW = (OPERATORS[name].code for name in ("add", "sub", "mul", "div", "pow"))
_INV, _SQUARE, _CUBE = (OPERATORS[name].code for name in ("inv", "square", "cube"))
_SLOT, _LEAF, _NUMBER = np.uint64(1), np.uint64(2), np.uint64(3)


class Programs(NamedTuple):
    """Formulas laid end to end: number i is nodes ``starts[i]`` to ``starts[i + 1]``."""

    ops: NDArray[np.int16]
    args: NDArray[np.int16]
    values: NDArray[np.float64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, expressions: Sequence[Expression]) -> Programs:
        """Lay formulas end to end."""
        if not expressions:
            empty = np.zeros(0, np.int16)
            return cls(empty, empty, np.zeros(0), np.zeros(1, np.int64))
        return cls(
            np.concatenate([e.ops for e in expressions]),
            np.concatenate([e.args for e in expressions]),
            np.concatenate([e.values for e in expressions]),
            np.cumsum([0, *(len(e) for e in expressions)]),
        )


def evaluate_many(
    programs: Programs,
    X: NDArray[Real],
    *,
    threads: int = 1,
    out: NDArray[Real] | None = None,
) -> NDArray[Real]:
    """Values of many formulas.

    Parameters
    ----------
    X : float64 or float32 array, shape (n_features, n_rows)
        Its type is also that of the computation.
    threads : int
        Threads among which the formulas are divided.
    out : array of the type of X, shape (n_formulas, n_rows), optional
        Where to write; rows one after the other in memory.

    Returns
    -------
    array of the type of X, shape (n_formulas, n_rows); NaN where a formula has no real value.
    """
    n = len(programs.starts) - 1
    X = np.ascontiguousarray(X, np.float32 if X.dtype == np.float32 else np.float64)
    programs = programs._replace(values=programs.values.astype(X.dtype, copy=False))
    if out is None:
        out = np.empty((n, X.shape[1]), X.dtype)
    if not (out.flags.c_contiguous and out.dtype == X.dtype and out.shape == (n, X.shape[1])):
        raise ValueError(f"out: shape {(n, X.shape[1])}, {X.dtype} and C order are wanted")
    address = entry(8 * X.itemsize).forward
    # Portions that get smaller, taken by whoever is free, as a thread takes a moment to start.
    portions = iter(_portions(n, threads, max(1, _LEAST // max(X.shape[1], 1))))

    def work() -> None:
        for first, last in portions:  # a list iterator is safe to share
            _evaluate_many(address, programs, first, last, X, out)

    with ThreadPoolExecutor(threads) as pool:  # which starts no thread before it is asked to
        rest = [pool.submit(work) for _ in range(threads - 1)]
        work()
        for done in rest:
            done.result()
    return out


def _portions(n: int, threads: int, least: int) -> list[tuple[int, int]]:
    """Ranges that cover 0 ... n, each a share of what is left."""
    if threads == 1:
        return [(0, n)]
    found, first = [], 0
    while first < n:
        last = min(n, first + max(least, -(-(n - first) // (2 * threads))))
        found.append((first, last))
        first = last
    return found


@entry_jit
def _evaluate_many(address, programs, first, last, X, out):
    longest = np.int64(1)
    for i in range(first, last):
        longest = max(longest, programs.starts[i + 1] - programs.starts[i])
    code = np.empty((longest, CODE_COLUMNS), np.uint64)
    stack = np.empty((longest, 3), np.uint64)
    free = np.empty(longest + 1, np.uint64)
    block = _BLOCK_BYTES // X.itemsize
    raw = np.empty((longest + 2) * block + 16, X.dtype)
    ws = raw[-np.int64(raw.ctypes.data) % 64 // X.itemsize :]
    n_rows = X.shape[1]
    for chunk in range(0, n_rows, _CHUNK):
        stop = min(n_rows, chunk + _CHUNK)
        for i in range(first, last):
            a, b = programs.starts[i], programs.starts[i + 1]
            m = _lower(programs, a, b, X, ws, np.uint64(block), _from(ws, out[i]), code, stack, free)
            if m == 0:
                _write_leaf(programs, a, X, out[i], chunk, stop)
                continue
            for at in range(chunk, stop, block):
                width = np.uint64(min(block, stop - at))
                # The result is all that leaves the caches; it is written last.
                result = np.uint64(out.ctypes.data) + np.uint64((i * n_rows + at) * X.itemsize)
                for line in range(0, np.int64(width) * X.itemsize, _CACHE_LINE):
                    prefetch_for_writing(result + np.uint64(line))
                call_forward(address, code.ctypes.data, m, ws.ctypes.data, np.uint64(at // block), width)


@jit
def _from(ws, other):
    """Offset of an array from the workspace, in numbers; it wraps around for arrays that lie before it."""
    return np.uint64((np.int64(other.ctypes.data) - np.int64(ws.ctypes.data)) // ws.itemsize)


@jit
def _write_leaf(programs, node, X, out, start, stop):
    if programs.ops[node] == 2:
        out[start:stop] = X[programs.args[node], start:stop]
    else:
        out[start:stop] = programs.values[node]


@jit
def _lower(programs, a, b, X, ws, block, result, code, stack, free):
    """Nodes a to b as instructions on blocks of rows, the last of which writes to `result`; how many there are."""
    features, values = _from(ws, X), _from(ws, programs.values)
    n_rows = np.uint64(X.shape[1])
    m, top, n_free, n_slots = 0, 0, 0, 1  # the first slot is scratch
    for i in range(a, b):
        op = programs.ops[i]
        if op == 2:
            stack[top, 0], stack[top, 1] = features + np.uint64(programs.args[i]) * n_rows, block
            stack[top, 2] = _LEAF
            top += 1
            continue
        if op < 2:
            stack[top, 0], stack[top, 1], stack[top, 2] = values + np.uint64(i), _U0, _NUMBER
            top += 1
            continue
        binary = op < FIRST_UNARY
        q = top - 1
        p = q - 1 if binary else q
        form = np.uint64(op)
        if op <= _POW and stack[p, 2] != stack[q, 2]:
            if stack[q, 2] == _NUMBER:
                form += CONSTANT_RIGHT
                if op == _POW:
                    form, q = _power(programs.values[i - 1], form, p, q)
            elif stack[p, 2] == _NUMBER and op <= _DIV:
                form += CONSTANT_LEFT
        if (op == _ADD or op == _SUB) and m > 0 and form == np.uint64(op):
            other = _fuse(code[m - 1], op, stack, p, q)
            if other >= 0:
                if stack[other, 2] == _SLOT:
                    free[n_free] = stack[other, 0]
                    n_free += 1
                top = p + 1
                stack[p, 0], stack[p, 1], stack[p, 2] = code[m - 1, D], _U0, _SLOT
                continue
        if form < CONSTANT_RIGHT:
            for k in range(p, top):
                if stack[k, 2] == _NUMBER:
                    n_free, n_slots, slot = _take(free, n_free, n_slots, block)
                    code[m, OP], code[m, D], code[m, D_STRIDE] = FILL, slot, _U0
                    code[m, P], code[m, P_STRIDE] = stack[k, 0], _U0
                    code[m, Q], code[m, Q_STRIDE] = stack[k, 0], _U0
                    stack[k, 0], stack[k, 2] = slot, _SLOT
                    m += 1
        n_free, n_slots, slot = _take(free, n_free, n_slots, block)
        code[m, OP] = form
        code[m, P], code[m, P_STRIDE] = stack[p, 0], stack[p, 1]
        code[m, Q], code[m, Q_STRIDE] = stack[q, 0], stack[q, 1]
        code[m, D], code[m, D_STRIDE] = slot, _U0
        # The operands' slots are free only now, as the loops want a destination that is neither.
        for k in range(p, top):
            if stack[k, 2] == _SLOT:
                free[n_free] = stack[k, 0]
                n_free += 1
        m += 1
        top = p + 1
        stack[p, 0], stack[p, 1], stack[p, 2] = slot, _U0, _SLOT
    if m > 0:
        code[m - 1, D], code[m - 1, D_STRIDE] = result, block
    return m


@jit
def _fuse(last, op, stack, p, q):
    """Make a sum of the last instruction, if it is a product and one operand; returns the place of the other or -1."""
    number = last[OP] == np.uint64(_MUL) + CONSTANT_RIGHT or last[OP] == np.uint64(_MUL) + CONSTANT_LEFT
    if not number and last[OP] != np.uint64(_MUL):
        return -1
    if stack[q, 2] == _SLOT and stack[q, 0] == last[D]:
        other, which = p, (0 if op == _ADD else 2)
    elif stack[p, 2] == _SLOT and stack[p, 0] == last[D]:
        other, which = q, (0 if op == _ADD else 1)
    else:
        return -1
    if stack[other, 2] == _NUMBER:
        return -1
    if last[OP] == np.uint64(_MUL) + CONSTANT_LEFT:
        last[P], last[Q] = last[Q], last[P]
        last[P_STRIDE], last[Q_STRIDE] = last[Q_STRIDE], last[P_STRIDE]
    last[OP] = FUSED + np.uint64(which + (4 if number else 0))
    last[R], last[R_STRIDE] = stack[other, 0], stack[other, 1]
    return other


@jit
def _power(exponent, form, p, q):
    """Powers that are a product or quotient, to the same rounding and the same special values."""
    if exponent == 2.0:
        return np.uint64(_SQUARE), p
    if exponent == 3.0:
        return np.uint64(_CUBE), p
    if exponent == -1.0:
        return np.uint64(_INV), p
    return form, q


@jit
def _take(free, n_free, n_slots, block):
    """A slot: the one freed last, which is the likeliest to be in the cache, else a new one."""
    if n_free > 0:
        return n_free - 1, n_slots, free[n_free - 1]
    return n_free, n_slots + 1, np.uint64(n_slots) * block
