"""The unit check of a candidate: algebra on exponents, one pass over the program. Compiled.

A subtree has a definite dimension, or a wild one: it contains a free constant, or a column without a unit, that can
still take any. In a tree every constant meets each demand once, so one pass decides exactly whether units for all
constants exist, provided that numbers are folded (`simplify`): an exponent that is still to be computed counts as
unknown. A power with a free exponent of a base with a dimension is loose: what it has depends on the fit, and only a
wild factor beside it can take that up. A column without a unit has one dimension in all its places, which one pass
does not see; the exact check (`balmer.expressions.check_dimensions`) has the last word on what is shown.
"""

from __future__ import annotations

import numpy as np

from balmer.engines.embedded.trees import start_of
from balmer.kernels.jit import jit

__all__ = ["ANY", "DEFINITE", "NOTHING", "demanded", "dimension_of", "units_hold", "units_of"]

_SAME, _PRODUCT, _QUOTIENT, _POWER, _POW = range(5)  # UnitRule; what is left is PURE
NOTHING, DEFINITE, ANY = range(3)  # what may stand in a place
_CLOSE = 1e-6  # exponents are small fractions: what differs less is equal


@jit
def units_hold(f, rules):
    """Whether some units of the free constants make the formula dimensionally right, and of the target's dimension."""
    exponents, wild, loose = _scratch(f, rules)
    if not _infer(f, 0, f.n[0], rules, exponents, wild, loose):
        return False
    if wild[0] or rules.unknown[rules.n_features]:
        return True
    return not loose[0] and _equal(exponents, 0, rules.dimensions, rules.n_features)


@jit
def units_of(f, rules, dimension):
    """Write the exponents of the formula's dimension; False where it is wrong or not definite."""
    exponents, wild, loose = _scratch(f, rules)
    if not _infer(f, 0, f.n[0], rules, exponents, wild, loose) or wild[0] or loose[0]:
        return False
    for b in range(exponents.shape[1]):
        dimension[b] = exponents[0, b]
    return True


@jit
def dimension_of(f, first, end, rules, dimension):
    """Which dimension the subtree of nodes first ... end-1 has: DEFINITE, which is written, ANY or NOTHING."""
    exponents, wild, loose = _scratch(f, rules)
    if not _infer(f, first, end, rules, exponents, wild, loose) or loose[0]:
        return NOTHING
    for b in range(dimension.shape[0]):
        dimension[b] = exponents[0, b]
    return ANY if wild[0] else DEFINITE


@jit
def demanded(f, at, rules, dimension):
    """Which dimension the subtree that ends in place `at` must have, by all that stands around it.

    Returns DEFINITE and writes the exponents; ANY where a free constant beside it takes up whatever it has; NOTHING
    where the formula is wrong elsewhere, or what is demanded depends on a fitted exponent.
    """
    exponents, wild, loose = _scratch(f, rules)
    n_base = dimension.shape[0]
    for b in range(n_base):
        dimension[b] = rules.dimensions[rules.n_features, b]
    definite = not rules.unknown[rules.n_features]
    node = f.n[0] - 1
    while node != at:
        op = f.ops[node]
        rule = rules.unit_rule[op]
        child, first = node - 1, True  # the operand in which `at` is
        beside_is_wild = False
        if rules.arity[op] == 2:
            right = node - 1
            middle = start_of(f.ops, right, rules.arity)
            left = middle - 1
            first = at <= left
            child = left if first else right
            begin, end = (middle, node) if first else (start_of(f.ops, left, rules.arity), middle)
            if rule != _POW or not first:
                if not _infer(f, begin, end, rules, exponents, wild, loose) or loose[0]:
                    return NOTHING
                beside_is_wild = wild[0]
        if rule == _SAME:
            if not beside_is_wild:
                for b in range(n_base):
                    if definite and abs(dimension[b] - exponents[0, b]) > _CLOSE:
                        return NOTHING
                    dimension[b] = exponents[0, b]
                definite = True
        elif rule == _PRODUCT or rule == _QUOTIENT:
            definite = definite and not beside_is_wild
            for b in range(n_base):
                if rule == _PRODUCT:
                    dimension[b] -= exponents[0, b]
                elif first:
                    dimension[b] += exponents[0, b]
                else:
                    dimension[b] = exponents[0, b] - dimension[b]
        elif rule == _POWER:
            for b in range(n_base):
                dimension[b] /= rules.unit_power[op]
        elif rule == _POW and first:
            exponent = node - 1
            is_number = f.ops[exponent] == 1 and _is_simple(f.values[exponent])
            if is_number and abs(f.values[exponent]) > _CLOSE:
                for b in range(n_base):
                    dimension[b] /= f.values[exponent]
            else:
                if not _demand_pure(dimension, definite):
                    return NOTHING
                definite = True
        else:  # an exponent, or the argument of a function of pure numbers
            if not _demand_pure(dimension, definite):
                return NOTHING
            if rule == _POW and not beside_is_wild and not _is_zero(exponents, 0):
                return NOTHING  # the exponent has to stay a number
            definite = True
        node = child
    return DEFINITE if definite else ANY


@jit
def _demand_pure(dimension, definite):
    """Put 0 there; False if something else was demanded."""
    for b in range(dimension.shape[0]):
        if definite and abs(dimension[b]) > _CLOSE:
            return False
        dimension[b] = 0.0
    return True


@jit
def _scratch(f, rules):
    n = f.n[0]
    return np.zeros((n, rules.dimensions.shape[1])), np.zeros(n, np.bool_), np.zeros(n, np.bool_)


@jit
def _infer(f, first, end, rules, exponents, wild, loose):
    """Dimensions of the subtrees of nodes first ... end-1 on a stack, at last of all in place 0.

    False where they contradict.
    """
    n_base = rules.dimensions.shape[1]
    number = np.zeros(f.n[0], np.bool_)
    value = np.zeros(f.n[0])
    top = 0
    for i in range(first, end):
        op = f.ops[i]
        if op <= 2:
            number[top] = op != 2
            value[top] = f.values[i]
            loose[top] = False
            wild[top] = (op == 0 and not rules.pure_constants) or (op == 1 and f.values[i] == 0.0)
            if op == 2 and rules.unknown[f.args[i]]:
                wild[top] = True
            for b in range(n_base):
                exponents[top, b] = rules.dimensions[f.args[i], b] if op == 2 else 0.0
            top += 1
            continue
        rule = rules.unit_rule[op]
        p = top - rules.arity[op]
        q = top - 1
        if rule == _SAME:
            if wild[p]:
                for b in range(n_base):
                    exponents[p, b] = exponents[q, b]
                wild[p], loose[p] = wild[q], loose[q]
            elif not wild[q] and (loose[p] or loose[q] or not _equal(exponents, p, exponents, q)):
                return False
        elif rule == _PRODUCT or rule == _QUOTIENT:
            sign = 1.0 if rule == _PRODUCT else -1.0
            wild[p] = wild[p] or wild[q]
            loose[p] = not wild[p] and (loose[p] or loose[q])
            for b in range(n_base):
                exponents[p, b] += sign * exponents[q, b]
        elif rule == _POWER:
            for b in range(n_base):
                exponents[p, b] *= rules.unit_power[op]
        elif rule == _POW:
            if not wild[q] and (loose[q] or not _is_zero(exponents, q)):
                return False
            if number[q] and (wild[q] or _is_simple(value[q])):
                if abs(value[q]) <= _CLOSE:
                    wild[p], loose[p] = False, False  # x^0 is 1
                loose[p] = loose[p] or (wild[q] and not wild[p] and not _is_zero(exponents, p))
                for b in range(n_base):
                    exponents[p, b] *= value[q]
            else:
                if not wild[p] and (loose[p] or not _is_zero(exponents, p)):
                    return False
                wild[p] = False
                for b in range(n_base):
                    exponents[p, b] = 0.0
        else:
            if not wild[p] and (loose[p] or not _is_zero(exponents, p)):
                return False
            wild[p] = False
            for b in range(n_base):
                exponents[p, b] = 0.0
        number[p] = False
        top = p + 1
    return True


@jit
def _is_simple(exponent):
    """Whether an exact exponent is a fraction with a denominator up to 12: 27720 is divisible by all of them."""
    scaled = 27720.0 * exponent
    return abs(scaled - np.round(scaled)) <= 1e-6


@jit
def _equal(a, i, b, j):
    for k in range(a.shape[1]):
        if abs(a[i, k] - b[j, k]) > _CLOSE:
            return False
    return True


@jit
def _is_zero(a, i):
    for k in range(a.shape[1]):
        if abs(a[i, k]) > _CLOSE:
            return False
    return True
