"""Many formulas on one table in one call: the programs laid end to end, run by threads that need no GIL.

Here only values are wanted, so a slot is used again as soon as its value was read, numbers stay scalars and the last
instruction writes to the caller's array. A group of programs runs over one block of rows before the next is begun, the
features of which were copied beside the slots: all that is read then lies aligned in the L1 cache, and a program of 20
nodes moves little more than its result. Offsets count numbers from the start of the workspace and wrap around to reach
the other arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression
from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import (
    CACHE_LINE,
    CODE_COLUMNS,
    CONSTANT_LEFT,
    CONSTANT_RIGHT,
    COPY,
    D_STRIDE,
    FILL,
    FUSED,
    GQ,
    OP,
    P_STRIDE,
    PAIR,
    POWER,
    Q_STRIDE,
    R_STRIDE,
    D,
    P,
    Q,
    R,
    call_forward,
    call_in_pairs,
    count_up,
    entry,
    entry_in_pairs,
    fence,
    prefetch_for_writing,
    write_past_caches,
)
from balmer.kernels.jit import bare_jit, entry_jit, jit
from balmer.kernels.program import FIRST_UNARY
from balmer.kernels.quotient import SMALLEST_DIVISOR
from balmer.kernels.threads import portions, run

__all__ = ["Programs", "evaluate_many"]

Real = TypeVar("Real", np.float32, np.float64)

_SLOT_BYTES = 4096  # a block of rows of a few slots and features then stays in the L1 cache
_GROUP = 64  # programs that share the features of a block: what it costs to copy them is nothing beside
_WORTH_PAIRS = 8  # formulas in a call from which on the loops for pairs are compiled and used
_LEAST = 50_000  # rows times formulas of a portion: what a call costs is nothing beside
_PAST_CACHES = 4 << 20  # bytes of results that are more than an L2 cache holds until somebody reads them
_U0 = np.uint64(0)
_ADD, _SUB, _MUL, _DIV, _POW = (OPERATORS[name].code for name in ("add", "sub", "mul", "div", "pow"))
_INV, _SQUARE, _CUBE = (OPERATORS[name].code for name in ("inv", "square", "cube"))
_ROW = np.uint64(
    1
)  # the stride of what lies in the arrays of the caller, as blocks are told by their first row
_TIMES_ITSELF = 8  # among the forms of a pair
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
    pairs = entry_in_pairs(8 * X.itemsize) if n >= _WORTH_PAIRS else _U0
    ranges = np.array(portions(n, threads, max(1, _LEAST // max(X.shape[1], 1))), np.int64).reshape(-1, 2)
    taken = np.zeros(1, np.int64)
    run(lambda: _evaluate_many(address, pairs, programs, ranges, taken, X, out), threads)
    return out


@entry_jit
def _evaluate_many(address, pairs, programs, ranges, taken, X, out):
    """Take one range of formulas after the other, as long as there are any that no other thread has taken."""
    starts = programs.starts
    n_features = X.shape[0]
    longest, group = np.int64(1), 1
    for k in range(len(ranges)):
        group = max(group, min(_GROUP, ranges[k, 1] - ranges[k, 0]))
    for i in range(len(starts) - 1):
        longest = max(longest, starts[i + 1] - starts[i])
    code = np.empty((group * longest, CODE_COLUMNS), np.uint64)
    begin = np.empty(group + 1, np.int64)
    stack, free = np.empty((longest, 3), np.uint64), np.empty(longest + 1, np.uint64)
    place = np.empty(n_features, np.int64)
    at_most = min(n_features, group * longest)
    copies = np.empty((at_most, CODE_COLUMNS), np.uint64)
    line = np.int64(CACHE_LINE) // X.itemsize
    slot = _SLOT_BYTES // X.itemsize
    # Besides the features and what a program needs, a slot for scratch and two for results.
    raw = np.empty((at_most + longest + 3) * slot + line, X.dtype)
    ws = raw[-np.int64(raw.ctypes.data) % np.int64(CACHE_LINE) // X.itemsize :]
    scratch = code, begin, stack, free, place, copies, ws
    k = count_up(taken.ctypes.data)
    while k < len(ranges):
        first, last = ranges[k]
        _run_groups(
            address, pairs, programs, first, last, X, out, group, slot, (at_most + longest + 1) * slot, scratch
        )  # fmt: skip
        k = count_up(taken.ctypes.data)


@bare_jit
def _run_groups(address, pairs, programs, first, last, X, out, group, slot, staging_0, scratch):
    code, begin, stack, free, place, copies, ws = scratch
    starts = programs.starts
    n_features, n_rows = X.shape
    line = np.int64(CACHE_LINE) // X.itemsize
    # Blocks alike, of whole lines, that begin where lines of the result do, from the second on: a line that two blocks
    # write to has to be read. Formulas have their results alike on the lines if the rows fill whole ones.
    n_blocks = max(1, -(-n_rows // (slot - line)))
    width = max(1, -(-n_rows // (n_blocks * line))) * line
    head = (
        np.int64((_U0 - np.uint64(out.ctypes.data)) % CACHE_LINE) // X.itemsize if n_rows % line == 0 else 0
    )
    code_at, ws_at = np.uint64(code.ctypes.data), np.uint64(ws.ctypes.data)
    out_at, copies_at = np.uint64(out.ctypes.data), np.uint64(copies.ctypes.data)
    past_caches = pairs != _U0 and out.size * out.itemsize > _PAST_CACHES
    staging_1 = staging_0 + slot
    staging = staging_0
    to, source, lines = _U0, _U0, np.int64(0)  # of a result that is still to be written
    for start in range(first, last, group):
        end = min(last, start + group)
        n_slots = _place_features(programs, starts[start], starts[end], place)
        for f in range(n_features):
            if place[f] > 0:
                copy = copies[place[f] - 1]
                copy[OP], copy[D], copy[D_STRIDE] = COPY, np.uint64(place[f] * slot), _U0
                copy[P], copy[P_STRIDE] = _from(ws, X) + np.uint64(f * n_rows), _ROW
                copy[Q], copy[Q_STRIDE] = copy[P], copy[P_STRIDE]
        begin[0] = 0
        for i in range(start, end):
            k = i - start
            m = _lower(
                programs, starts[i], starts[i + 1], place, n_slots, ws, np.uint64(slot), pairs != _U0,
                code[begin[k] :], stack, free
            )  # fmt: skip
            begin[k + 1] = begin[k] + m
            if m == 0:
                _write_leaf(programs, starts[i], X, out[i])
            else:
                code[begin[k + 1] - 1, D] = _from(ws, out) + np.uint64(i * n_rows)
                code[begin[k + 1] - 1, D_STRIDE] = _U0 if past_caches else _ROW
        for block in range(n_blocks):
            at = head + block * width if block > 0 else 0
            stop = min(n_rows, head + (block + 1) * width)
            if at >= stop:
                continue
            rows, row = np.uint64(stop - at), np.uint64(at)
            call_forward(address, copies_at, n_slots - 1, ws_at, row, rows)
            for k in range(end - start):
                m = begin[k + 1] - begin[k]
                if m == 0:
                    continue
                its_code = code_at + np.uint64(begin[k] * CODE_COLUMNS * 8)
                if past_caches:
                    staging = staging_0 + staging_1 - staging
                    code[begin[k + 1] - 1, D] = np.uint64(staging)
                else:
                    # The result is all that leaves the caches; it is written last.
                    result = out_at + np.uint64(((start + k) * n_rows + at) * X.itemsize)
                    for byte in range(0, (stop - at) * X.itemsize, np.int64(CACHE_LINE)):
                        prefetch_for_writing(result + np.uint64(byte))
                if pairs != _U0:
                    call_in_pairs(pairs, address, its_code, m, ws_at, row, rows, to, source, lines)
                else:
                    call_forward(address, its_code, m, ws_at, row, rows)
                if past_caches:
                    to, source, lines = _write_ends(ws[staging:], out[start + k], at, stop)
    for k in range(lines):
        write_past_caches(to + np.uint64(k) * CACHE_LINE, source + np.uint64(k) * CACHE_LINE)
    fence()


@bare_jit
def _write_ends(values, out, first, stop):
    """out[first:stop] = values but for whole cache lines: returns whereto, wherefrom, and how many those are."""
    itemsize = np.uint64(out.itemsize)
    to = np.uint64(out.ctypes.data) + np.uint64(first) * itemsize
    before = min(stop - first, np.int64((_U0 - to) % CACHE_LINE // itemsize))
    lines = np.int64(np.uint64(stop - first - before) * itemsize // CACHE_LINE)
    for j in range(before):
        out[first + j] = values[j]
    for j in range(before + lines * np.int64(CACHE_LINE // itemsize), stop - first):
        out[first + j] = values[j]
    start = np.uint64(before) * itemsize
    return to + start, np.uint64(values.ctypes.data) + start, lines


@bare_jit
def _from(ws, other):
    """Offset of an array from the workspace, in numbers; it wraps around for arrays that lie before it."""
    return np.uint64((np.int64(other.ctypes.data) - np.int64(ws.ctypes.data)) // ws.itemsize)


@bare_jit
def _place_features(programs, a, b, place):
    """Slots for the features that occur among nodes a to b; 0 for those that do not. Returns the next slot."""
    place[:] = 0
    n = 1  # the first slot is scratch
    for i in range(a, b):
        if programs.ops[i] == 2 and place[programs.args[i]] == 0:
            place[programs.args[i]] = n
            n += 1
    return n


@jit
def _write_leaf(programs, node, X, out):
    if programs.ops[node] == 2:
        out[:] = X[programs.args[node]]
    else:
        out[:] = programs.values[node]


@bare_jit
def _lower(programs, a, b, features, n_slots, ws, block, in_pairs, code, stack, free):
    """Nodes a to b as instructions on blocks of rows; how many there are. Where the last writes to is left open."""
    values = _from(ws, programs.values)
    m, top, n_free = 0, 0, 0
    for i in range(a, b):
        op = programs.ops[i]
        if op == 2:
            stack[top, 0], stack[top, 1] = np.uint64(features[programs.args[i]]) * block, _U0
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
                if op != _DIV or _has_inverse(programs.values[i - 1]):
                    form += CONSTANT_RIGHT
                if op == _POW:
                    form, q = _power(programs.values[i - 1], p, q)
            elif stack[p, 2] == _NUMBER and op <= _DIV:
                form += CONSTANT_LEFT
        if (op == _ADD or op == _SUB) and m > 0 and form == np.uint64(op):
            other = _fuse(code[m - 1], op, stack, p, q)
        else:
            other = -1
        apart = (op == _MUL and _is_added(programs.ops, i, b, stack, p)) or (
            form == np.uint64(_DIV) and stack[q, 2] == _NUMBER
        )
        if other < 0 and in_pairs and m > 0 and not apart:
            other = _pair(code[m - 1], op, stack, p, q)
        if other >= 0:
            if stack[other, 2] == _SLOT and stack[other, 0] != code[m - 1, D]:
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
        code[m, GQ] = _U0  # the slot for scratch, of a power
        # The operands' slots are free only now, as the loops want a destination that is neither.
        for k in range(p, top):
            if stack[k, 2] == _SLOT:
                free[n_free] = stack[k, 0]
                n_free += 1
        m += 1
        top = p + 1
        stack[p, 0], stack[p, 1], stack[p, 2] = slot, _U0, _SLOT
    return m


@bare_jit
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


@bare_jit
def _is_added(ops, i, b, stack, p):
    """Whether the product that is node i will be made a sum by `_fuse`; its left operand is number p of the stack."""
    if i + 1 < b and (ops[i + 1] == _ADD or ops[i + 1] == _SUB):
        return stack[p - 1, 2] != _NUMBER
    return i + 2 < b and ops[i + 1] == 2 and (ops[i + 2] == _ADD or ops[i + 2] == _SUB)


@bare_jit
def _pair(last, op, stack, p, q):
    """Make a pair of the last instruction, if that is one operand; returns the place of the other or -1."""
    if not (op <= _DIV or op == _SQUARE):
        return -1
    of_last = stack[p, 2] == _SLOT and stack[p, 0] == last[D]
    if not of_last and not (stack[q, 2] == _SLOT and stack[q, 0] == last[D]):
        return -1
    first = _form_in_pair(last[OP])
    if first < 0:
        return -1
    other = q if of_last else p
    number = stack[other, 2] == _NUMBER
    if op == _SQUARE:
        second = _TIMES_ITSELF
    elif of_last or op == _ADD or op == _MUL:
        second = op - _ADD + (4 if number else 0)
    else:
        second = (9 if number else 11) + (0 if op == _SUB else 1)
    if (first == 2 or first == 6) and (second == 0 or second == 1 or second == 11):
        return -1  # a product in a sum is not rounded
    if last[OP] >= CONSTANT_LEFT:  # a number stands at q
        last[P], last[Q] = last[Q], last[P]
        last[P_STRIDE], last[Q_STRIDE] = last[Q_STRIDE], last[P_STRIDE]
    last[OP] = PAIR + np.uint64(16 * first + second)
    last[R], last[R_STRIDE] = stack[other, 0], stack[other, 1]
    return other


@bare_jit
def _form_in_pair(op):
    """Number of an instruction as the first of a pair, in the order of `generate`; -1 if it is none."""
    plain = np.int64(op & np.uint64(63))
    if op == np.uint64(_SQUARE):
        return _TIMES_ITSELF
    if op >= FUSED or not _ADD <= plain <= _DIV:
        return -1
    if op >= CONSTANT_LEFT and (plain == _SUB or plain == _DIV):
        return 9 if plain == _SUB else 10
    return plain - _ADD + (0 if op < CONSTANT_RIGHT else 4)


@bare_jit
def _power(exponent, p, q):
    """The form of a power; some are a product or quotient, to the same rounding and the same special values."""
    if exponent == 2.0:
        return np.uint64(_SQUARE), p
    if exponent == 3.0:
        return np.uint64(_CUBE), p
    if exponent == -1.0:
        return np.uint64(_INV), p
    return POWER, q


@bare_jit
def _has_inverse(divisor):
    return SMALLEST_DIVISOR < abs(divisor) < 1.0 / SMALLEST_DIVISOR


@bare_jit
def _take(free, n_free, n_slots, block):
    """A slot: the one freed last, which is the likeliest to be in the cache, else a new one."""
    if n_free > 0:
        return n_free - 1, n_slots, free[n_free - 1]
    return n_free, n_slots + 1, np.uint64(n_slots) * block
