"""Variation: mutations of one formula and crossover of two. Compiled."""

from __future__ import annotations

import math

import numpy as np

from balmer.engines.embedded.random import below, chance, normal, uniform
from balmer.engines.embedded.trees import expand, insert_macro, random_leaf, splice, start_of
from balmer.kernels.jit import bare_jit
from balmer.kernels.pointers import call_at

__all__ = ["MUTATIONS", "cross", "mutate"]

# Relative weights, in the order of the branches of `mutate`.
MUTATIONS = {
    "jitter_constant": 0.6,
    "change_operator": 1.0,
    "change_leaf": 1.5,
    "insert_above": 2.0,
    "wrap_root": 1.0,
    "delete": 1.5,
    "new_subtree": 1.5,
    "swap_operands": 0.5,
    "new_formula": 0.4,
    "snap": 0.5,
    "expand_leaf": 1.5,
}


@bare_jit
def mutate(f, spare, rules, s):
    """Change f in place by one random mutation; False if it cannot be done. `spare` is another Formula."""
    u = uniform(s) * rules.mutations[-1]
    kind = 0
    while u >= rules.mutations[kind]:
        kind += 1
    n = f.n[0]
    if kind == 0:
        return _jitter(f, rules, s)
    if kind == 1:
        return _change_operator(f, rules, s)
    if kind == 2:
        random_leaf(f, _pick(f, s, True), rules, s)
        return True
    if kind == 3:
        return _insert_above(f, below(s, n), spare, rules, s)
    if kind == 4:
        return _insert_above(f, n - 1, spare, rules, s)
    if kind == 5:
        return _delete(f, rules, s)
    if kind == 6:
        root = below(s, n)
        return call_at(rules.calls.grow, True, (spare, 1 + below(s, 3), rules, s)) and splice(
            f, start_of(f.ops, root, rules.arity), root + 1, spare, 0, spare.n[0]
        )
    if kind == 7:
        return _swap_operands(f, spare, rules, s)
    if kind == 8:
        return call_at(rules.calls.grow, True, (f, 1 + below(s, 5), rules, s))
    if kind == 9:
        return _snap(f, s)
    return expand(f, _pick(f, s, True), rules, s)


@bare_jit
def cross(f, other, rules, s):
    """Replace a random subtree of f by a random subtree of other; False if too long."""
    root = below(s, f.n[0])
    donor = below(s, other.n[0])
    return splice(
        f,
        start_of(f.ops, root, rules.arity),
        root + 1,
        other,
        start_of(other.ops, donor, rules.arity),
        donor + 1,
    )


@bare_jit
def _pick(f, s, leaf):
    """A random leaf, or a random operator; -1 if there is none."""
    at = np.int64(-1)
    found = 0
    for i in range(f.n[0]):
        if (f.ops[i] <= 2) == leaf:
            found += 1
            if below(s, found) == 0:
                at = i
    return at


@bare_jit
def _jitter(f, rules, s):
    """Multiply every free constant by a random factor, now and then change its sign.

    Where the features are of very different size from 1, so may a constant be.
    """
    changed = False
    for i in range(f.n[0]):
        if f.ops[i] == 0:
            f.values[i] *= math.exp(normal(s))
            if rules.spread > 0.0 and chance(s, 0.25):
                f.values[i] *= math.exp(1.5 * rules.spread * (2.0 * uniform(s) - 1.0))
            if chance(s, 0.1):
                f.values[i] = -f.values[i]
            changed = True
    return changed


@bare_jit
def _change_operator(f, rules, s):
    at = _pick(f, s, False)
    if at < 0:
        return False
    choices = rules.unary if rules.arity[f.ops[at]] == 1 else rules.binary
    if choices.shape[0] == 0:
        return False
    f.ops[at] = choices[below(s, choices.shape[0])]
    return True


@bare_jit
def _insert_above(f, root, spare, rules, s):
    """Put a random operator above the node; a new second operand is a leaf, on either side."""
    n_unary, n_binary, n_macros = rules.n_unary, rules.binary.shape[0], rules.macro_size.shape[0]
    start = start_of(f.ops, root, rules.arity)
    if n_macros > 0 and chance(s, n_macros / (n_unary + n_binary + n_macros)):
        return insert_macro(f, start, root + 1, below(s, n_macros), rules, s)
    if n_unary + n_binary == 0:
        return False
    size = root + 1 - start
    if n_binary > 0 and (n_unary == 0 or chance(s, 0.65)):
        if size + 2 > f.ops.shape[0]:
            return False
        first = chance(s, 0.5)
        leaf = 0 if first else size
        random_leaf(spare, leaf, rules, s)
        shift = 1 if first else 0
        for i in range(size):
            j = start + i
            spare.ops[i + shift], spare.args[i + shift], spare.values[i + shift] = (
                f.ops[j],
                f.args[j],
                f.values[j],
            )
        last = size + 1
        spare.ops[last] = rules.binary[below(s, n_binary)]
    else:
        if size + 1 > f.ops.shape[0]:
            return False
        for i in range(size):
            j = start + i
            spare.ops[i], spare.args[i], spare.values[i] = f.ops[j], f.args[j], f.values[j]
        last = size
        spare.ops[last] = rules.unary[below(s, rules.unary.shape[0])]
    spare.args[last], spare.values[last] = 0, 0.0
    return splice(f, start, root + 1, spare, 0, last + 1)


@bare_jit
def _delete(f, rules, s):
    """Take an operator out; one of its operands stays in its place."""
    at = _pick(f, s, False)
    if at < 0:
        return False
    start = start_of(f.ops, at, rules.arity)
    last = at  # one behind the operand that stays
    first = start
    if rules.arity[f.ops[at]] == 2:
        middle = start_of(f.ops, at - 1, rules.arity)
        if chance(s, 0.5):
            first = middle
        else:
            last = middle
    for i in range(last - first):
        j = first + i
        f.ops[start + i], f.args[start + i], f.values[start + i] = f.ops[j], f.args[j], f.values[j]
    gone = (at + 1 - start) - (last - first)
    for i in range(at + 1, f.n[0]):
        f.ops[i - gone], f.args[i - gone], f.values[i - gone] = f.ops[i], f.args[i], f.values[i]
    f.n[0] -= gone
    return True


@bare_jit
def _swap_operands(f, spare, rules, s):
    """Exchange the operands of a binary operator that is not commutative."""
    at = np.int64(-1)
    found = 0
    for i in range(f.n[0]):
        if rules.arity[f.ops[i]] == 2 and not rules.commutative[f.ops[i]]:
            found += 1
            if below(s, found) == 0:
                at = i
    if at < 0:
        return False
    start = start_of(f.ops, at, rules.arity)
    middle = start_of(f.ops, at - 1, rules.arity)
    k = 0
    for i in range(middle, at):
        spare.ops[k], spare.args[k], spare.values[k] = f.ops[i], f.args[i], f.values[i]
        k += 1
    for i in range(start, middle):
        spare.ops[k], spare.args[k], spare.values[k] = f.ops[i], f.args[i], f.values[i]
        k += 1
    return splice(f, start, at, spare, 0, k)


@bare_jit
def _snap(f, s):
    """Make a free constant the nearest whole number, half or third, exactly; or free an exact number."""
    at = np.int64(-1)
    found = 0
    for i in range(f.n[0]):
        if f.ops[i] <= 1:
            found += 1
            if below(s, found) == 0:
                at = i
    if at < 0:
        return False
    if f.ops[at] == 1:
        f.ops[at] = 0
        return True
    value = f.values[at]
    if not abs(value) < 100.0:
        return False
    for denominator in (1.0, 2.0, 3.0):
        nearest = np.round(value * denominator) / denominator
        if nearest != 0.0 and abs(value - nearest) <= 0.05 * abs(nearest):
            f.ops[at] = 1
            f.values[at] = nearest
            return True
    return False
