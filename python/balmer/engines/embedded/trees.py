"""Surgery on postfix programs: find, copy, splice, grow, measure and hash subtrees. Compiled."""

from __future__ import annotations

import math

import numpy as np

from balmer.engines.embedded.random import below, chance, normal, uniform
from balmer.expressions.operators import N_OPCODES
from balmer.kernels.jit import bare_jit, jit

__all__ = [
    "complexity_of",
    "constants_of",
    "copy",
    "cost_of",
    "cut",
    "depth_of",
    "grow",
    "hash_of",
    "load",
    "random_leaf",
    "splice",
    "start_of",
    "store",
]

_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_U27, _U30, _U31 = np.uint64(27), np.uint64(30), np.uint64(31)


@bare_jit
def start_of(ops, root, arity):
    """First node of the subtree whose last node is root."""
    missing = 1
    i = root
    while True:
        missing += arity[ops[i]] - 1
        if missing == 0:
            return i
        i -= 1


@bare_jit
def copy(source, target):
    """target = source."""
    n = source.n[0]
    for i in range(n):
        target.ops[i] = source.ops[i]
        target.args[i] = source.args[i]
        target.values[i] = source.values[i]
    target.n[0] = n


@bare_jit
def load(f, ops, args, values, i, n):
    """f = the first n nodes of row i of a population's arrays."""
    for j in range(n):
        f.ops[j] = ops[i, j]
        f.args[j] = args[i, j]
        f.values[j] = values[i, j]
    f.n[0] = n


@bare_jit
def store(f, ops, args, values, i):
    """Row i of a population's arrays = f."""
    for j in range(f.n[0]):
        ops[i, j] = f.ops[j]
        args[i, j] = f.args[j]
        values[i, j] = f.values[j]


@bare_jit
def splice(f, start, end, part, first, last):
    """Replace nodes start ... end-1 of f by nodes first ... last-1 of part (another Formula); False if too long."""
    n = f.n[0]
    grown = n - (end - start) + (last - first)
    if grown > f.ops.shape[0] or grown < 1:
        return False
    shift = grown - n
    if shift > 0:
        for i in range(n - 1, end - 1, -1):
            f.ops[i + shift], f.args[i + shift], f.values[i + shift] = f.ops[i], f.args[i], f.values[i]
    elif shift < 0:
        for i in range(end, n):
            f.ops[i + shift], f.args[i + shift], f.values[i + shift] = f.ops[i], f.args[i], f.values[i]
    for i in range(last - first):
        f.ops[start + i] = part.ops[first + i]
        f.args[start + i] = part.args[first + i]
        f.values[start + i] = part.values[first + i]
    f.n[0] = grown
    return True


@bare_jit
def cut(f, start, end):
    """Keep nodes start ... end-1 alone."""
    for i in range(end - start):
        j = start + i
        f.ops[i], f.args[i], f.values[i] = f.ops[j], f.args[j], f.values[j]
    f.n[0] = end - start


@bare_jit
def random_leaf(f, i, rules, s):
    """Put a random leaf in place i: a feature, a free constant, or now and then a small whole number."""
    f.args[i] = 0
    f.values[i] = 0.0
    u = uniform(s)
    if u < 0.65 and rules.n_features > 0:
        f.ops[i] = 2
        f.args[i] = below(s, rules.n_features)
    elif u < 0.9:
        f.ops[i] = 0
        f.values[i] = normal(s) * 10.0 ** (2.0 * uniform(s) - 1.0)
        if rules.spread > 0.0 and chance(s, 0.5):
            f.values[i] *= math.exp(1.5 * rules.spread * (2.0 * uniform(s) - 1.0))
    else:
        f.ops[i] = 1
        f.values[i] = 1.0 + below(s, 3)


@bare_jit
def grow(f, operators, rules, s):
    """A random formula with about that many operators, by expanding random leaves; False if it got too long."""
    random_leaf(f, 0, rules, s)
    f.n[0] = 1
    for _ in range(operators):
        at = np.int64(-1)
        leaves = 0
        for i in range(f.n[0]):
            if f.ops[i] <= 2:
                leaves += 1
                if below(s, leaves) == 0:
                    at = i
        if not expand(f, at, rules, s):
            return False
    return True


@bare_jit
def expand(f, leaf, rules, s):
    """Turn the leaf in that place into a random operator (or custom operator) with leaves below; False if too long."""
    n_unary, n_binary, n_macros = rules.n_unary, rules.binary.shape[0], rules.macro_size.shape[0]
    if n_unary + n_binary + n_macros == 0:
        return False
    # Binary operators get at least half of the draws: unary ones would otherwise pile up in long chains.
    if n_macros > 0 and chance(s, n_macros / (n_unary + n_binary + n_macros)):
        return insert_macro(f, leaf, leaf + 1, below(s, n_macros), rules, s)
    binary = n_binary > 0 and (n_unary == 0 or chance(s, max(0.5, n_binary / (n_unary + n_binary))))
    extra = 2 if binary else 1
    n = f.n[0]
    if n + extra > f.ops.shape[0]:
        return False
    for i in range(n - 1, leaf, -1):
        f.ops[i + extra], f.args[i + extra], f.values[i + extra] = f.ops[i], f.args[i], f.values[i]
    f.n[0] = n + extra
    random_leaf(f, leaf, rules, s)
    if binary:
        random_leaf(f, leaf + 1, rules, s)
    f.ops[leaf + extra] = (
        rules.binary[below(s, n_binary)] if binary else rules.unary[below(s, rules.unary.shape[0])]
    )
    f.args[leaf + extra] = 0
    f.values[leaf + extra] = 0.0
    return True


@jit
def insert_macro(f, start, end, which, rules, s):
    """Replace nodes start ... end-1 by custom operator `which`, applied to them (first argument) and random leaves."""
    length = f.ops.shape[0]
    inner = end - start
    old_ops, old_args, old_values = np.empty(length, np.int16), np.empty(length, np.int16), np.empty(length)
    for i in range(f.n[0]):
        old_ops[i], old_args[i], old_values[i] = f.ops[i], f.args[i], f.values[i]
    leaf_ops = np.empty(8, np.int16)
    leaf_args = np.empty(8, np.int16)
    leaf_values = np.empty(8)
    size = rules.macro_size[which]
    grown = f.n[0] - inner
    for i in range(size):
        grown += inner if rules.macro_ops[which, i] == 2 and rules.macro_args[which, i] == 0 else 1
    if grown > length or rules.macro_arity[which] > 8:
        return False
    # Every occurrence of an argument is the same leaf.
    for k in range(1, rules.macro_arity[which]):
        random_leaf(f, start, rules, s)
        leaf_ops[k], leaf_args[k], leaf_values[k] = f.ops[start], f.args[start], f.values[start]
    at = start
    for i in range(size):
        if rules.macro_ops[which, i] != 2:
            f.ops[at], f.args[at], f.values[at] = rules.macro_ops[which, i], 0, rules.macro_values[which, i]
            at += 1
        elif rules.macro_args[which, i] == 0:
            for j in range(inner):
                k = start + j
                f.ops[at], f.args[at], f.values[at] = old_ops[k], old_args[k], old_values[k]
                at += 1
        else:
            k = rules.macro_args[which, i]
            f.ops[at], f.args[at], f.values[at] = leaf_ops[k], leaf_args[k], leaf_values[k]
            at += 1
    for i in range(end, f.n[0]):
        f.ops[at], f.args[at], f.values[at] = old_ops[i], old_args[i], old_values[i]
        at += 1
    f.n[0] = at
    return True


@bare_jit
def complexity_of(f, cost):
    """Sum of the costs of the nodes."""
    total = 0
    for i in range(f.n[0]):
        total += cost_of(f, i, cost)
    return total


@bare_jit
def constants_of(f):
    """Number of free constants."""
    k = 0
    for i in range(f.n[0]):
        k += f.ops[i] == 0
    return k


@bare_jit
def cost_of(f, i, cost):
    """Cost of one node; those of the features stand behind those of the opcodes."""
    return cost[N_OPCODES + f.args[i]] if f.ops[i] == 2 else cost[f.ops[i]]


@bare_jit
def depth_of(f, arity, stack):
    """Nodes on the longest way from root to leaf; `stack` is int64 scratch of length L."""
    top = 0
    for i in range(f.n[0]):
        a = arity[f.ops[i]]
        if a == 0:
            stack[top] = 1
            top += 1
        elif a == 1:
            stack[top - 1] += 1
        else:
            stack[top - 2] = max(stack[top - 2], stack[top - 1]) + 1
            top -= 1
    return stack[0]


@bare_jit
def hash_of(f):
    """Hash of the structure: the values of free constants do not count. Never 0."""
    h = _GOLDEN
    for i in range(f.n[0]):
        word = np.uint64(f.ops[i]) * np.uint64(65536) + np.uint64(f.args[i])
        if f.ops[i] == 1:
            word += np.uint64(np.int64(f.values[i] * 1024.0)) * _GOLDEN
        h ^= word
        h = (h ^ (h >> _U30)) * _MIX1
        h = (h ^ (h >> _U27)) * _MIX2
        h ^= h >> _U31
    return h if h != np.uint64(0) else _GOLDEN
