"""Variation that keeps to the units: what is put into a formula has the dimension that its place demands. Compiled.

It is drawn from the library, a table of small formulas that are dimensionally right, so that no effort is spent on
formulas that cannot hold. Where the table has nothing of a dimension, a product or quotient of two of its entries may.
"""

from __future__ import annotations

import numpy as np

from balmer.engines.embedded.random import below, chance, normal, uniform
from balmer.engines.embedded.trees import random_leaf, splice, start_of
from balmer.engines.embedded.units import ANY, DEFINITE, NOTHING, demanded, dimension_of
from balmer.expressions.operators import OPERATORS
from balmer.kernels.jit import bare_jit

__all__ = ["grow_typed", "vary_typed"]

_ADD, _SUB, _MUL, _DIV = (OPERATORS[name].code for name in ("add", "sub", "mul", "div"))
_TRIES = 8  # first factors for which a second is looked for
_CLOSE = 1e-6


@bare_jit
def grow_typed(f, library, sc, rules, s):
    """A random formula of the target's dimension, of one to four pieces; False if none was found."""
    random_leaf(f, 0, rules, s)
    f.n[0] = 1
    if not _replace(f, 0, library, sc, rules, s) or f.ops[f.n[0] - 1] <= 1:  # of numbers nothing grows
        return False
    for _ in range(below(s, 4)):
        vary_typed(f, library, sc, rules, s)
    return True


@bare_jit
def vary_typed(f, library, sc, rules, s):
    """Replace a random subtree by one of the dimension demanded there, or put a term or a factor beside it."""
    at = below(s, f.n[0])
    kind = below(s, 4)
    if kind <= 1:
        return _replace(f, at, library, sc, rules, s)
    what = np.int64(demanded(f, at, rules, sc.dimension))
    if kind == 2:
        op = _ADD if chance(s, 0.5) else _SUB
        if what == ANY:  # but what is there may be definite
            what = np.int64(dimension_of(f, start_of(f.ops, at, rules.arity), at + 1, rules, sc.dimension))
    else:
        op = _MUL if chance(s, 0.5) else _DIV
        if what == ANY:
            what = np.int64(DEFINITE)
        sc.dimension[:] = 0.0  # a factor that changes no dimension
    if what == NOTHING or not _is_binary(op, rules):
        return False
    m = _draw(sc.spare, library, sc, what == ANY, rules, s)
    if m == 0 or m + 1 > sc.spare.ops.shape[0]:
        return False
    sc.spare.ops[m], sc.spare.args[m], sc.spare.values[m] = op, 0, 0.0
    return splice(f, at + 1, at + 1, sc.spare, 0, m + 1)


@bare_jit
def _replace(f, at, library, sc, rules, s):
    what = demanded(f, at, rules, sc.dimension)
    if what == NOTHING:
        return False
    m = _draw(sc.spare, library, sc, what == ANY, rules, s)
    return m > 0 and splice(f, start_of(f.ops, at, rules.arity), at + 1, sc.spare, 0, m)


@bare_jit
def _draw(out, library, sc, any_, rules, s):
    """out = a random formula of dimension sc.dimension, or of any; returns the number of nodes, 0 if none was found."""
    count = library.filled[0]
    if count == 0:
        return 0
    if chance(s, 0.2) and _number(out, sc.dimension, any_, rules, s):
        return 1
    n = 0
    if rules.scaled and chance(s, 0.2):  # a free factor beside it
        out.ops[0], out.args[0], out.values[0] = 0, 0, 1.0
        n = 1
    n_factor = n
    first = below(s, count)
    if not any_:
        first = _find(library, sc.dimension, 0.0, first, first)
    if first >= 0:
        n = _append(out, n, library, first)
    else:
        op = _MUL if chance(s, 0.5) else _DIV
        if not _is_binary(op, rules):
            return 0
        sign = -1.0 if op == _MUL else 1.0
        second = np.int64(-1)
        for _ in range(_TRIES):
            # g1 g2 or g1 / g2: of g2 the dimension is given
            second = below(s, count)
            first = _find(library, sc.dimension, sign, second, below(s, count))
            if first >= 0:
                break
        if first < 0:
            return 0
        n = _append(out, n, library, first)
        n = _append(out, n, library, second) if n > 0 else 0
        if n == 0 or n + 1 > out.ops.shape[0]:
            return 0
        out.ops[n], out.args[n], out.values[n] = op, 0, 0.0
        n += 1
    if n_factor > 0 and n > 0:
        if n + 1 > out.ops.shape[0]:
            return 0
        out.ops[n], out.args[n], out.values[n] = _MUL, 0, 0.0
        n += 1
    return n


@bare_jit
def _number(out, wanted, any_, rules, s):
    """out = a free constant, which takes any unit, or now and then a small whole number; False if it may not be."""
    pure = True
    for b in range(wanted.shape[0]):
        pure = pure and abs(wanted[b]) <= _CLOSE
    out.args[0] = 0
    if rules.max_constants > 0 and (any_ or pure or not rules.pure_constants) and chance(s, 0.7):
        out.ops[0], out.values[0] = 0, normal(s) * 10.0 ** (2.0 * uniform(s) - 1.0)
        return True
    out.ops[0], out.values[0] = 1, 1.0 + below(s, 3)
    return any_ or pure


@bare_jit
def _find(library, wanted, sign, other, start):
    """The next entry from `start` on whose dimension is wanted + sign * that of another entry; -1 if there is none."""
    count = library.filled[0]
    for k in range(count):
        i = start + k
        if i >= count:
            i -= count
        equal = True
        for b in range(wanted.shape[0]):
            if abs(library.dimensions[i, b] - wanted[b] - sign * library.dimensions[other, b]) > _CLOSE:
                equal = False
                break
        if equal:
            return np.int64(i)
    return np.int64(-1)


@bare_jit
def _append(out, n, library, i):
    """Write an entry from place n on; returns the place behind it, 0 if there is no room."""
    if n + library.size[i] > out.ops.shape[0]:
        return 0
    for j in range(library.size[i]):
        out.ops[n], out.args[n], out.values[n] = library.ops[i, j], library.args[i, j], library.values[i, j]
        n += 1
    return n


@bare_jit
def _is_binary(op, rules):
    for k in range(rules.binary.shape[0]):
        if rules.binary[k] == op:
            return True
    return False
