"""Repair: what should stand in a place of a formula, for the whole to give the target, and which small formula does.

The target is taken back through the operators between root and place (semantic backpropagation: Pawlak, Wieloch and
Krawiec, IEEE Trans. Evol. Comput. 19 (2015) 326). Every row of what is wanted there counts by how much the whole
depends on it, and the library is searched for the g of which a + b g comes nearest. Compiled.
"""

from __future__ import annotations

import math

import numpy as np

from balmer.engines.embedded.random import below, chance
from balmer.engines.embedded.trees import copy, cut, splice, start_of
from balmer.engines.embedded.units import units_of
from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import call_forward
from balmer.kernels.jit import bare_jit
from balmer.kernels.pointers import call_at
from balmer.kernels.program import lower, place, target_at
from balmer.kernels.scan import PRICE, ROUNDING

__all__ = ["repair"]

_CODE = {name: op.code for name, op in OPERATORS.items()}
_ADD, _SUB, _MUL, _DIV, _POW = (_CODE[name] for name in ("add", "sub", "mul", "div", "pow"))
_NEG, _ABS, _INV, _SQUARE, _CUBE = (_CODE[name] for name in ("neg", "abs", "inv", "square", "cube"))
_SQRT, _CBRT, _EXP, _LOG = (_CODE[name] for name in ("sqrt", "cbrt", "exp", "log"))
_EXPM1, _LOG1P, _LOGEXPM1, _LOG1MEXP = (_CODE[name] for name in ("expm1", "log1p", "logexpm1", "log1mexp"))
_SIN, _COS, _TAN, _ASIN, _ACOS, _ATAN = (
    _CODE[name] for name in ("sin", "cos", "tan", "asin", "acos", "atan")
)
_SINH, _COSH, _TANH = (_CODE[name] for name in ("sinh", "cosh", "tanh"))
_U0 = np.uint64(0)
_ENOUGH = 0.8  # of the rows must have a value that would do
_PLAIN = (
    1.5  # squared deviation, over that with factor and constant, at which a formula without them is taken
)


@bare_jit
def repair(sc, scale, library, table, rules, s):
    """Fill a random place of the child, or a new one beside it, with the best of the library; False if none fits.

    `scale` holds the constant and the factor with which the child stands for the target.
    """
    f, wanted = sc.child, sc.wanted
    n, rows = f.n[0], library.shape.shape[0]
    if library.filled[0] == 0 or scale[1] == 0.0:
        return False
    beside = n == 1 or chance(s, 0.5)
    at = below(s, n) if beside else below(s, n - 1)
    program = lower(f.ops, f.args, f.values, n, sc.code, sc.stack, sc.depends, table)
    call_forward(table.forward, program.code, program.m, table.ws.ctypes.data, _U0, np.uint64(rows))
    y = target_at(table, 0)
    for j in range(rows):
        wanted[0, j] = (np.float64(table.ws[y + np.uint64(j)]) - scale[0]) / scale[1]
        wanted[1, j] = np.float64(table.ws[y + table.width + np.uint64(j)])
    if not _go_down(f, at, wanted, table, rules):
        return False
    op = np.int64(0)
    if beside:
        op = rules.binary[below(s, max(rules.binary.shape[0], 1))] if rules.binary.shape[0] > 0 else 0
        if not (op == _ADD or op == _SUB or op == _MUL or op == _DIV):
            return False
        here, _ = place(f.ops, f.args, at, table)
        for j in range(rows):
            v = np.float64(table.ws[here + np.uint64(j)])
            _take(wanted, j, _inverse(op, 1, wanted[0, j], v, v))
    size = _normalise(wanted)
    if not size > 0.0:
        return False
    bound = False
    if rules.check_units:
        # The dimension of what stands there now; a factor must have none.
        copy(f, sc.spare)
        cut(sc.spare, start_of(f.ops, at, rules.arity), at + 1)
        bound = units_of(sc.spare, rules, sc.dimension)
        if beside and (op == _MUL or op == _DIV):
            bound = True
            sc.dimension[:] = 0.0
    best, form, shift, factor = _search(library, sc, rules, bound, below(s, 1 + library.filled[0] // 2))
    if best < 0:
        return False
    factor *= size / library.norm[best]
    shift *= size
    m = _write(sc.spare, library, best, form, shift, factor, rules)
    if m == 0:
        return False
    if beside:
        if m + 1 > sc.spare.ops.shape[0]:
            return False
        sc.spare.ops[m], sc.spare.args[m], sc.spare.values[m] = op, 0, 0.0
        return splice(f, at + 1, at + 1, sc.spare, 0, m + 1)
    return splice(f, start_of(f.ops, at, rules.arity), at + 1, sc.spare, 0, m)


@bare_jit
def _go_down(f, at, wanted, table, rules):
    """From what the root should give to what the node in place `at` should; False if too few rows have an answer."""
    node = f.n[0] - 1
    rows = wanted.shape[1]
    while node != at:
        op = f.ops[node]
        child, sibling, side = node - 1, node - 1, 0
        if rules.arity[op] == 2:
            left = start_of(f.ops, node - 1, rules.arity) - 1
            if at <= left:
                child = left
            else:
                sibling, side = left, 1
        u, _ = place(f.ops, f.args, sibling, table)
        v, _ = place(f.ops, f.args, child, table)
        good = 0
        for j in range(rows):
            at_j = np.uint64(j)
            found = _inverse(
                op, side, wanted[0, j], np.float64(table.ws[u + at_j]), np.float64(table.ws[v + at_j])
            )
            good += _take(wanted, j, found)
        if good < _ENOUGH * rows:
            return False
        node = child
    return True


@bare_jit
def _take(wanted, j, found):
    """Put a wanted value and its weight in their place, or weight zero where there is none; whether there is one."""
    value, slope = found
    weight = wanted[1, j] * slope * slope
    if math.isfinite(value) and math.isfinite(weight) and weight > 0.0:
        wanted[0, j], wanted[1, j] = value, weight
        return True
    wanted[0, j], wanted[1, j] = 0.0, 0.0
    return False


@bare_jit
def _normalise(wanted):
    """Weights of sum one, and values over their norm, which is returned."""
    total, square = 0.0, 0.0
    for j in range(wanted.shape[1]):
        total += wanted[1, j]
        square += wanted[1, j] * wanted[0, j] * wanted[0, j]
    if not (total > 0.0 and math.isfinite(square) and square > 0.0):
        return 0.0
    size = math.sqrt(square / total)
    for j in range(wanted.shape[1]):
        wanted[1, j] /= total
        wanted[0, j] /= size
    return size


@bare_jit
def _search(library, sc, rules, bound, first):
    """The entry of which a + b g comes nearest to what is wanted, among half of the library from `first` on.

    Returns its place, how many of a and b it needs, a and b.
    """
    wanted, sums = sc.wanted, library.sums
    rows, count = wanted.shape[1], library.filled[0]
    w, wd = sc.weighed[0], sc.weighed[1]
    sum_d = 0.0
    for j in range(rows):
        w[j], wd[j] = wanted[1, j], wanted[0, j] * wanted[1, j]
        sum_d += wanted[0, j] * wanted[1, j]
    last = min(first + (count + 1) // 2, count)
    call_at(
        rules.calls.scan, False, (library.shape, library.cost, first, last, w, wd, np.float32(sum_d), sums)
    )
    best, best_score = np.int64(-1), np.inf
    for i in range(first, last):
        if sums[3, i] < best_score and (not bound or _of_dimension(library.dimensions, i, sc.dimension)):
            best, best_score = np.int64(i), np.float64(sums[3, i])
    if best < 0:
        return best, 0, 0.0, 0.0
    g, gg, gd = np.float64(sums[0, best]), np.float64(sums[1, best]), np.float64(sums[2, best])
    least = max(best_score / (1.0 + PRICE * library.cost[best]), 2.0 * ROUNDING) * _PLAIN
    if 1.0 - gd * gd / gg <= least:
        return best, 1, 0.0, gd / gg
    slope = (gd - g * sum_d) / (gg - g * g)
    return best, 2, sum_d - slope * g, slope


@bare_jit
def _of_dimension(dimensions, i, wanted):
    for b in range(dimensions.shape[1]):
        if abs(dimensions[i, b] - wanted[b]) > 1e-6:
            return False
    return True


@bare_jit
def _write(out, library, i, form, shift, factor, rules):
    """out = g, b g or a + b g; returns the number of nodes, 0 if an operator for it is not allowed."""
    if not (math.isfinite(shift) and math.isfinite(factor)):
        return 0
    n = 0
    if form == 1 and abs(factor - np.round(factor)) <= 1e-5 * abs(factor) and abs(factor) < 1.5:
        form = 0 if factor > 0.0 else 1
    if (form >= 1 and not rules.allowed[_MUL]) or (form == 2 and not rules.allowed[_ADD]):
        return 0
    if form == 2:
        out.ops[n], out.args[n], out.values[n] = 0, 0, shift
        n += 1
    if form >= 1:
        out.ops[n], out.args[n], out.values[n] = 0, 0, factor
        n += 1
    if n + library.size[i] + form > out.ops.shape[0]:
        return 0
    for j in range(library.size[i]):
        out.ops[n], out.args[n], out.values[n] = library.ops[i, j], library.args[i, j], library.values[i, j]
        n += 1
    if form >= 1:
        out.ops[n], out.args[n], out.values[n] = _MUL, 0, 0.0
        n += 1
    if form == 2:
        out.ops[n], out.args[n], out.values[n] = _ADD, 0, 0.0
        n += 1
    out.n[0] = n
    return n


@bare_jit
def _inverse(op, side, d, u, v):
    """The operand with which op gives d, and the derivative of op there, whose sign may be wrong.

    `side` is 0 for the first operand and 1 for the second, u the other operand, v what the operand is now: of
    several answers that nearest to it.
    """
    if op == _ADD:
        return d - u, 1.0
    if op == _SUB:
        return (d + u, 1.0) if side == 0 else (u - d, -1.0)
    if op == _MUL:
        return d / u, u
    if op == _DIV:
        if side == 0:
            return d * u, 1.0 / u
        return u / d, -d * d / u
    if op == _POW:
        if side == 0:
            c = d ** (1.0 / u) if d > 0.0 else np.nan
            return c, u * d / c
        base = math.log(u) if u > 0.0 else np.nan
        return (math.log(d) / base if d > 0.0 else np.nan), d * base
    if op == _NEG:
        return -d, -1.0
    if op == _INV:
        return 1.0 / d, -d * d
    if op == _SQRT:
        return (d * d if d >= 0.0 else np.nan), 0.5 / d
    if op == _EXP:
        return (math.log(d) if d > 0.0 else np.nan), d
    if op == _LOG:
        c = math.exp(d)
        return c, 1.0 / c
    if op == _EXPM1:
        return (math.log1p(d) if d > -1.0 else np.nan), d + 1.0
    if op == _LOG1P:
        c = math.expm1(d)
        return c, 1.0 / (1.0 + c)
    if op == _CUBE:
        c = math.copysign(abs(d) ** (1.0 / 3.0), d)
        return c, 3.0 * c * c
    if op == _CBRT:
        return d * d * d, 1.0 / (3.0 * d * d)
    sign = -1.0 if v < 0.0 else 1.0
    if op == _SQUARE:
        c = sign * math.sqrt(d) if d >= 0.0 else np.nan
        return c, 2.0 * c
    if op == _ABS:
        return (sign * d if d >= 0.0 else np.nan), sign
    if op == _SINH:
        return math.asinh(d), math.sqrt(1.0 + d * d)
    if op == _COSH:
        c = sign * math.acosh(d) if d >= 1.0 else np.nan
        return c, sign * math.sqrt(d * d - 1.0) if d >= 1.0 else np.nan
    if op == _TANH:
        return (math.atanh(d) if abs(d) < 1.0 else np.nan), 1.0 - d * d
    if op == _LOGEXPM1:
        c = math.log1p(math.exp(d))
        return c, -1.0 / math.expm1(-c)
    if op == _LOG1MEXP:
        c = -math.log1p(-math.exp(d)) if d < 0.0 else np.nan
        return c, 1.0 / math.expm1(c)
    return _inverse_angle(op, d, v)


@bare_jit
def _inverse_angle(op, d, v):
    turn = 2.0 * math.pi
    if op == _TAN:
        c = math.atan(d)
        return c + math.pi * np.round((v - c) / math.pi), 1.0 + d * d
    if op == _ATAN:
        return (math.tan(d) if abs(d) < 0.5 * math.pi else np.nan), math.cos(d) ** 2
    if op == _ASIN:
        return (math.sin(d) if abs(d) <= 0.5 * math.pi else np.nan), 1.0 / math.cos(d)
    if op == _ACOS:
        return (math.cos(d) if 0.0 <= d <= math.pi else np.nan), -1.0 / math.sin(d)
    if (op == _SIN or op == _COS) and abs(d) <= 1.0:
        first = math.asin(d) if op == _SIN else math.acos(d)
        second = math.pi - first if op == _SIN else -first
        first += turn * np.round((v - first) / turn)
        second += turn * np.round((v - second) / turn)
        c = first if abs(first - v) <= abs(second - v) else second
        return c, math.sqrt(1.0 - d * d)
    return np.nan, np.nan
