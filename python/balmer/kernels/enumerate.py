"""The compiled part of the enumeration: operations on ranges of a table of formulas, and how well each formula fits.

A formula stands in the table by its values on `ROWS` rows and by how it was built. An operation runs over as many
operands at a time as fill a block of the loops in `loops.py`, so that every operator there is has vector code here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.kernels.bits import bits
from balmer.kernels.entry import call_forward
from balmer.kernels.jit import entry_jit, inline_jit, jit, loops_jit

__all__ = ["BLOCK", "ROWS", "SCREENED", "Operation", "Store", "combine", "insert", "screen"]

ROWS = 16  # on which formulas are compared
BLOCK = 512  # numbers that an operation runs over at a time
SCREENED = 3  # the ways to fit: f, a f, a f + b

_HASHED = 4  # rows that make the key; all must agree
_EQUAL = 1e-10  # relative difference of equal values
_FLAT = 1e-9  # relative spread of what counts as a number
_ROUNDING = 1e-11  # a difference smaller than this part of its operands is rounding
_LARGEST = 1e100
# Values are cut to the leading bits of the double, 1e-9 of the value. Whole numbers lie in the middle of a bin, and
# whoever lies near its edge is looked for in the next one too.
_CUT, _HALF, _LOW, _EDGE = (np.uint64(n) for n in (22, 1 << 21, (1 << 22) - 1, 1 << 12))
_0, _1, _29, _32 = (np.uint64(n) for n in (0, 1, 29, 32))
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class Store(NamedTuple):
    """The table: arrays of one length, of which ``count[0]`` entries are filled, and the places by key."""

    values: NDArray[np.float64]  # (n, ROWS)
    operation: NDArray[np.int16]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    number: NDArray[np.bool_]  # whether the formula is a number
    keys: NDArray[np.uint64]
    places: NDArray[np.int32]  # -1 where there is none
    count: NDArray[np.int64]  # entries, and operations tried


class Operation(NamedTuple):
    """What is applied, lowered: operand a at offset 0 of the workspace, b at BLOCK."""

    code: NDArray[np.uint64]
    m: int  # instructions
    result: int  # offset
    is_sum: bool
    of_numbers: bool  # whether it is applied to two numbers


@entry_jit
def combine(
    forward: np.uint64, operation: Operation, index: int, jobs: NDArray[np.int64], most: int,
    ws: NDArray[np.float64], store: Store,
) -> None:  # fmt: skip
    """Apply an operation to ranges of the table and keep what is new.

    `jobs`, shape (n, 5): first and last of the left operands, of the right ones (-1 for a function of one argument),
    and whether the right one stands not behind the left one, as for a commutative operation on one range. It ends at
    `most` entries.
    """
    held = BLOCK // ROWS
    for j in range(jobs.shape[0]):
        a0, a1, b0, b1, ordered = jobs[j, 0], jobs[j, 1], jobs[j, 2], jobs[j, 3], jobs[j, 4]
        if b0 < 0:
            for first in range(a0, a1, held):
                n = min(held, a1 - first)
                _load(store, first, n, 0, ws)
                _run(forward, operation, ws)
                for k in range(n):
                    if not _take(store, operation, index, ws, k, first + k, -1, most):
                        return
            continue
        for left in range(a0, a1):
            for k in range(held):
                _load(store, left, 1, k * ROWS, ws)
            last = min(b1, left + 1) if ordered else b1
            for first in range(b0, last, held):
                n = min(held, last - first)
                _load(store, first, n, BLOCK, ws)
                _run(forward, operation, ws)
                for k in range(n):
                    if not _take(store, operation, index, ws, k, left, first + k, most):
                        return


@jit
def _run(forward, operation, ws):
    call_forward(forward, operation.code.ctypes.data, operation.m, ws.ctypes.data, _0, np.uint64(BLOCK))


@jit
def _load(store, first, n, to, ws):
    for k in range(n):
        for row in range(ROWS):
            ws[to + k * ROWS + row] = store.values[first + k, row]


@jit
def _take(store, operation, index, ws, k, left, right, most):
    """Keep a result that is worth it; False if the table is full."""
    store.count[1] += 1
    at = operation.result + k * ROWS
    low = high = ws[at]
    for row in range(ROWS):
        v = ws[at + row] + 0.0  # no negative zero
        ws[at + row] = v
        size = abs(v)
        if not size < _LARGEST or (size < 1.0 / _LARGEST and size != 0.0):
            return True
        if operation.is_sum and size != 0.0:
            terms = max(abs(ws[k * ROWS + row]), abs(ws[BLOCK + k * ROWS + row]))
            if size < _ROUNDING * terms:
                return True
        low, high = min(low, v), max(high, v)
    number = high - low <= _FLAT * max(abs(low), abs(high))
    if number:
        # What is a number though it was made of features is one by accident, or stands in the table already.
        if not operation.of_numbers or high == 0.0:
            return True
        if not store.number[left] or (right >= 0 and not store.number[right]):
            return True
    if store.count[0] >= most:
        return False
    place = insert(store, ws, at)
    if place >= 0:
        store.operation[place] = index
        store.left[place], store.right[place] = left, right
        store.number[place] = number
    return True


@entry_jit
def insert(store: Store, ws: NDArray[np.float64], at: int) -> int:
    """Put in the values ``ws[at:at + ROWS]`` if they are new; their place, or -1."""
    near = 0
    for row in range(_HASHED):
        low = (bits(ws[at + row]) + _HALF) & _LOW
        if low < _EDGE or low > _LOW - _EDGE:
            near += 1
    for choice in range(1, 1 << near):
        if _found(store, ws, at, _key(ws, at, choice)) >= 0:
            return -1
    key = _key(ws, at, 0)
    slot = _found(store, ws, at, key)
    if slot >= 0:
        return -1
    place = int(store.count[0])
    store.count[0] = place + 1
    store.keys[-1 - slot] = key
    store.places[-1 - slot] = place
    for row in range(ROWS):
        store.values[place, row] = ws[at + row]
    return place


@jit
def _key(ws, at, choice):
    """Hash of the first rows; bit i of `choice` takes the i-th of the rows near an edge to the other side of it."""
    key = _0
    near = 0
    for row in range(_HASHED):
        shifted = bits(ws[at + row]) + _HALF
        low = shifted & _LOW
        cut = shifted >> _CUT
        if low < _EDGE or low > _LOW - _EDGE:
            if (choice >> near) & 1:
                cut = cut - _1 if low < _EDGE else cut + _1
            near += 1
        key = mixed(key, cut)
    return key


@inline_jit
def mixed(key, word):
    """A hash of both."""
    key = (key ^ word) * _FIRST
    key = (key ^ (key >> _32)) * _SECOND
    return key ^ (key >> _29)


@jit
def _found(store, ws, at, key):
    """The slot of equal values, or -1 minus the empty slot where they belong."""
    last = np.uint64(store.keys.shape[0] - 1)
    slot = key & last
    while store.places[slot] >= 0:
        if store.keys[slot] == key:
            place = store.places[slot]
            same = True
            for row in range(ROWS):
                a, b = store.values[place, row], ws[at + row]
                if abs(a - b) > _EQUAL * max(abs(a), abs(b)):
                    same = False
                    break
            if same:
                return np.int64(slot)
        slot = (slot + _1) & last
    return -1 - np.int64(slot)


@entry_jit
def screen(
    values: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Loss of f, a f and a f + b with the best a and b, for formulas f and targets y.

    values (n, ROWS), targets and weights (n_targets, ROWS); out, shape (n_targets, SCREENED, n), gets the weighted
    sums of squares.
    """
    for t in range(targets.shape[0]):
        _screen(values, targets[t], weights[t], out[t])


@loops_jit
def _screen(values, y, w, out):
    total = mean = square = 0.0
    for row in range(ROWS):
        total += w[row]
        mean += w[row] * y[row]
        square += w[row] * y[row] * y[row]
    mean /= total
    spread = 0.0
    for row in range(ROWS):
        spread += w[row] * (y[row] - mean) ** 2
    for i in range(values.shape[0]):
        fm = ff = fy = plain = 0.0
        for row in range(ROWS):
            f = values[i, row]
            wf = w[row] * f
            fm += wf
            ff += wf * f
            fy += wf * y[row]
            plain += w[row] * (f - y[row]) ** 2
        fm /= total
        cc = cy = 0.0
        for row in range(ROWS):
            f = values[i, row] - fm
            cc += w[row] * f * f
            cy += w[row] * f * (y[row] - mean)
        out[0, i] = plain
        out[1, i] = max(square - fy * fy / ff, 0.0) if ff > 0.0 else np.inf
        out[2, i] = max(spread - cy * cy / cc, 0.0) if cc > 1e-24 * ff else np.inf
