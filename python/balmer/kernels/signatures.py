"""Which formula of a table is proportional to given values, up to terms that do not count: found by a hash.

Of values v on a few rows, a matrix makes three numbers, the residue, which vanish for what does not count: an added
constant, or in the logarithm every power law. Values with proportional residues are a v + b of each other, or
C v^p x^q ...: the two ratios of the three numbers are what is looked up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.kernels.bits import bits
from balmer.kernels.enumerate import mixed
from balmer.kernels.jit import entry_jit, inline_jit, jit

__all__ = ["Index", "fill", "look_up", "project"]

_NOTHING = 1e-10  # a residue smaller than this part of its terms is rounding
_EQUAL = 1e-8  # relative difference of equal ratios
# Ratios are cut to 6e-8 of their size; near an edge, that is within 1e-10, the next bin is looked at too.
_CUT, _HALF, _LOW, _EDGE = (np.uint64(n) for n in (28, 1 << 27, (1 << 28) - 1, 1 << 19))
_0, _1, _6, _63 = (np.uint64(n) for n in (0, 1, 6, 63))


class Index(NamedTuple):
    """Residues, shape (n, 3), their places by the hash of their ratios, and a bitmap that most absent ones fail."""

    residues: NDArray[np.float64]
    keys: NDArray[np.uint64]
    places: NDArray[np.int32]  # -1 where there is none
    bitmap: NDArray[np.uint64]


@entry_jit
def project(
    values: NDArray[np.float64], matrix: NDArray[np.float64], logarithm: bool, out: NDArray[np.float64]
) -> None:
    """Residues ``matrix @ v``, or of log|v|: exactly 0 where only rounding is left, NaN where v has no finite one.

    values (n, n_rows), matrix (3, n_rows), out (n, 3).
    """
    for i in range(values.shape[0]):
        r0 = r1 = r2 = 0.0
        scale = 1.0 if logarithm else 0.0
        for row in range(values.shape[1]):
            v = values[i, row]
            if logarithm:
                v = np.log(abs(v))
            r0 += matrix[0, row] * v
            r1 += matrix[1, row] * v
            r2 += matrix[2, row] * v
            scale = max(scale, abs(v))
        largest = max(abs(r0), abs(r1), abs(r2))
        if not (largest < np.inf and abs(r0) + abs(r1) + abs(r2) < np.inf):
            r0 = r1 = r2 = np.nan
        elif largest <= _NOTHING * scale:
            r0 = r1 = r2 = 0.0
        out[i, 0], out[i, 1], out[i, 2] = r0, r1, r2


@entry_jit
def fill(index: Index) -> int:
    """Put all residues into an empty index; of proportional ones the first. Returns how many are in it."""
    last = np.uint64(index.keys.shape[0] - 1)
    n = 0
    for i in range(index.residues.shape[0]):
        r0, r1, r2 = index.residues[i]
        if r0 != r0 or r0 == 0.0 or _place(index, r0, r1, r2) >= 0:
            continue
        key = _key(r1 / r0, r2 / r0, 0)
        slot = key & last
        while index.places[slot] >= 0:
            slot = (slot + _1) & last
        index.keys[slot], index.places[slot] = key, i
        word, bit = _bit(index, key)
        index.bitmap[word] |= bit
        n += 1
    return n


@entry_jit
def look_up(
    index: Index,
    residues: NDArray[np.float64],
    shifts: NDArray[np.float64],
    vanishing: bool,
    hits: NDArray[np.int64],
) -> int:
    """Formulas whose residue is proportional to ``residues[s] - shifts[m]``; returns how many hits there are.

    hits, shape (most, 3), gets s, m and the place; place -1 means that the residue itself vanishes, which is told
    only if `vanishing`. It ends when the array is full.
    """
    n = 0
    for s in range(residues.shape[0]):
        for m in range(shifts.shape[0]):
            r0 = residues[s, 0] - shifts[m, 0]
            r1 = residues[s, 1] - shifts[m, 1]
            r2 = residues[s, 2] - shifts[m, 2]
            if r0 != r0:
                break
            if max(abs(r0), abs(r1), abs(r2)) <= _NOTHING:
                place = -1
                if not vanishing:
                    continue
            else:
                place = _place(index, r0, r1, r2)
                if place < 0:
                    continue
            if n == hits.shape[0]:
                return n
            hits[n, 0], hits[n, 1], hits[n, 2] = s, m, place
            n += 1
    return n


@jit
def _place(index, r0, r1, r2):
    """The entry with proportional residue, or -1."""
    scale = 1.0 / r0
    first, second = r1 * scale, r2 * scale
    place = _entry(index, first, second, 0)
    if place >= 0:
        return place
    near_first, near_second = _near(first), _near(second)
    if near_first:
        place = _entry(index, first, second, 1)
    if near_second and place < 0:
        place = _entry(index, first, second, 2)
    if near_first and near_second and place < 0:
        place = _entry(index, first, second, 3)
    return place


@inline_jit
def _entry(index, first, second, choice):
    """The entry with these ratios in the chosen bins, or -1."""
    key = _key(first, second, choice)
    word, bit = _bit(index, key)
    if index.bitmap[word] & bit == _0:
        return -1
    last = np.uint64(index.keys.shape[0] - 1)
    slot = key & last
    while index.places[slot] >= 0:
        if index.keys[slot] == key:
            place = np.int64(index.places[slot])
            q0, q1, q2 = index.residues[place]
            size = abs(first) + abs(second)
            if abs(q1 / q0 - first) <= _EQUAL * size and abs(q2 / q0 - second) <= _EQUAL * size:
                return place
        slot = (slot + _1) & last
    return -1


@inline_jit
def _near(ratio):
    low = (bits(ratio) + _HALF) & _LOW
    return low < _EDGE or low > _LOW - _EDGE


@inline_jit
def _bin(ratio, other):
    """The bin of a ratio, or the next one on the side of the edge that it is near to."""
    shifted = bits(ratio) + _HALF
    bin_ = shifted >> _CUT
    if not other:
        return bin_
    return bin_ - _1 if (shifted & _LOW) < _EDGE else bin_ + _1


@inline_jit
def _key(first, second, choice):
    return mixed(mixed(_0, _bin(first, (choice & 1) != 0)), _bin(second, (choice & 2) != 0))


@inline_jit
def _bit(index, key):
    # The high bits: the low ones choose the slot.
    at = (key >> np.uint64(20)) & np.uint64(index.bitmap.shape[0] * 64 - 1)
    return at >> _6, _1 << (at & _63)
