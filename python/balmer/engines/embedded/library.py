"""A library of small formulas with their values on a few rows: what `repair` tries in a gap of a formula. Compiled.

Two formulas of which one is a constant times the other are one entry, since the gap is filled with a + b g.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.random import below
from balmer.engines.embedded.simplify import strip
from balmer.engines.embedded.trees import complexity_of, copy, cut, load, start_of
from balmer.engines.embedded.types import Library, Rules, Scratch
from balmer.engines.embedded.units import units_of
from balmer.kernels.entry import call_forward
from balmer.kernels.jit import bare_entry_jit, bare_jit, jit
from balmer.kernels.pointers import call_at
from balmer.kernels.program import Table, lower

__all__ = ["LIBRARY_ROWS", "fill", "new_library", "refresh"]

LIBRARY_ROWS = 32
_NODES = 9  # longest entry
_ENTRIES = 2048
_LENT = 256  # of these are subtrees of the hall of fame, chosen anew in every epoch
_TRIES = 6 * _ENTRIES
_LASTING, _LENT_ONE = np.bool_(True), np.bool_(False)
_U0 = np.uint64(0)
_STEP = 1024.0  # values that differ by less than one of that many parts are the same


def new_library(n_rows: int, n_base: int) -> Library:
    """An empty library for a sample of that many rows and that many base dimensions."""
    rows = min(LIBRARY_ROWS, n_rows)
    return Library(
        ops=np.zeros((_ENTRIES, _NODES), np.int16),
        args=np.zeros((_ENTRIES, _NODES), np.int16),
        values=np.zeros((_ENTRIES, _NODES)),
        size=np.zeros(_ENTRIES, np.int64),
        cost=np.zeros(_ENTRIES, np.float32),
        dimensions=np.zeros((_ENTRIES, n_base)),
        shape=np.zeros((rows, _ENTRIES), np.float32),
        sums=np.zeros((4, _ENTRIES), np.float32),
        norm=np.zeros(_ENTRIES),
        seen=np.zeros(4 * _ENTRIES, np.uint64),
        filled=np.zeros(2, np.int64),
    )


@bare_entry_jit
def fill(library: Library, sc: Scratch, stream: NDArray[np.uint64], table: Table, rules: Rules) -> None:
    """Make the lasting entries: features, and random small formulas without free constants."""
    f, spare = sc.child, sc.spare
    for feature in range(rules.n_features):
        f.ops[0], f.args[0], f.values[0], f.n[0] = 2, feature, 0.0, 1
        _enter(library, f, sc, table, rules, _LASTING)
    for _ in range(_TRIES):
        if library.filled[0] >= _ENTRIES - _LENT:
            break
        if not call_at(rules.calls.grow, True, (f, 1 + below(stream, 3), rules, stream)):
            continue
        for i in range(f.n[0]):
            if f.ops[i] == 0:  # an exact number in place of a free one
                f.ops[i], f.values[i] = 1, np.float64(1 + below(stream, 2))
        if not call_at(rules.calls.simplify, True, (f, spare, rules, sc.stack)):
            continue
        copy(spare, f)
        strip(f, rules)
        if f.n[0] <= _NODES:
            _enter(library, f, sc, table, rules, _LASTING)
    library.filled[1] = library.filled[0]


@jit
def refresh(library, sc, island, table, rules):
    """Forget the lent entries and take subtrees of the hall of fame in their place."""
    library.filled[0] = library.filled[1]
    places = np.flatnonzero(island.best_size)
    if places.shape[0] == 0:
        return
    f = sc.child
    for _ in range(4 * _LENT):
        if library.filled[0] >= min(library.filled[1] + _LENT, library.size.shape[0]):
            break
        h = places[below(island.stream, places.shape[0])]
        load(f, island.best_ops, island.best_args, island.best_values, h, island.best_size[h])
        root = below(island.stream, f.n[0])
        start = start_of(f.ops, root, rules.arity)
        if 2 < root + 1 - start <= _NODES:
            cut(f, start, root + 1)
            strip(f, rules)
            _enter(library, f, sc, table, rules, _LENT_ONE)


@bare_jit
def _enter(library, f, sc, table, rules, lasting):
    """Add f unless it is constant, not finite, dimensionally wrong, or a multiple of a lasting entry."""
    n, i = f.n[0], library.filled[0]
    if rules.check_units and not units_of(f, rules, library.dimensions[i]):
        return
    rows = library.shape.shape[0]
    program = lower(f.ops, f.args, f.values, n, sc.code, sc.stack, sc.depends, table)
    call_forward(table.forward, program.code, program.m, table.ws.ctypes.data, _U0, np.uint64(rows))
    norm, low, high = 0.0, np.inf, -np.inf
    for j in range(rows):
        v = np.float64(table.ws[program.root + np.uint64(j)])
        norm += v * v
        low, high = min(low, v), max(high, v)
    norm = math.sqrt(norm / rows)
    if not (norm < np.inf and norm > 0.0) or high - low <= 1e-9 * norm:
        return
    first = np.float64(table.ws[program.root])
    sign = -1.0 if first < 0.0 else 1.0
    for j in range(rows):
        library.shape[j, i] = sign * np.float64(table.ws[program.root + np.uint64(j)]) / norm
    h = _hash(library.shape, i)
    mask = library.seen.shape[0] - 1
    at = np.int64(h & np.uint64(mask))
    while library.seen[at] != _U0:
        if library.seen[at] == h:
            return
        at = (at + 1) & mask
    if lasting:
        library.seen[at] = h
    for j in range(n):
        library.ops[i, j], library.args[i, j], library.values[i, j] = f.ops[j], f.args[j], f.values[j]
    library.size[i], library.norm[i] = n, sign * norm
    library.cost[i] = complexity_of(f, rules.cost)
    library.filled[0] = i + 1


@bare_jit
def _hash(shape, i):
    h = np.uint64(0x9E3779B97F4A7C15)
    for j in range(shape.shape[0]):
        word = np.uint64(np.int64(np.round(np.float64(shape[j, i]) * _STEP)))
        h = (h ^ word) * np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(31)
    return h | np.uint64(1)
