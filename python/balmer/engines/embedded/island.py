"""One island: selection, variation, fit, survival, hall of fame. Compiled; runs without the GIL."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.constraints import obeys
from balmer.engines.embedded.mutate import cross, mutate
from balmer.engines.embedded.random import below, chance
from balmer.engines.embedded.simplify import simplify
from balmer.engines.embedded.trees import complexity_of, copy, depth_of, grow, hash_of, load, start_of, store
from balmer.engines.embedded.types import Formula, Island, Rules
from balmer.engines.embedded.units import units_hold
from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import CODE_COLUMNS
from balmer.kernels.fitting import fit_constants
from balmer.kernels.jit import entry_jit, jit
from balmer.kernels.program import Table, lower, sum_loss

__all__ = ["run_island"]

_POW = OPERATORS["pow"].code
_EVALUATIONS, _NODES, _BIRTHS = 0, 1, 2
# numpy numbers, as numba compiles a second copy of a function for a literal one.
_NOBODY = np.int64(-1)
_POLISH_STEPS = np.int64(40)  # passes for the constants of a formula that enters the hall of fame
_COARSE, _FINE = 1e-3, 1e-9  # relative decrease of the loss at which a fit stops


@entry_jit
def run_island(island: Island, table: Table, rules: Rules, evaluations: int, stop: NDArray[np.uint8]) -> None:
    """Let the island evolve for that many evaluations (passes over the rows), or until stop[0] is set."""
    length = island.ops.shape[1]
    child, mate, spare = _formula(length), _formula(length), _formula(length)
    code = np.empty((length, CODE_COLUMNS), np.uint64)
    stack, depends = np.empty(length, np.int64), np.empty(length, np.bool_)
    goal = island.counters[_EVALUATIONS] + evaluations
    failures = 0
    while island.counters[_EVALUATIONS] < goal and stop[0] == 0:
        if not _breed(island, child, mate, spare, rules, failures > 50):
            failures += 1
        elif not _legal(child, spare, island, rules, stack) or _known(child, island, rules):
            failures += 1
        else:
            failures = 0
            loss = _fit(child, island, table, rules, code, stack, depends, rules.fit_steps, _COARSE)
            if math.isfinite(loss):
                c = complexity_of(child, rules.cost)
                loss = _remember(child, c, loss, island, table, rules, code, stack, depends)
                _survive(child, c, loss, island, rules)
        if failures >= 2000:
            # Everything within reach is known: count it as work, so that a small space ends instead of spinning.
            island.counters[_EVALUATIONS] += 1


@jit
def _formula(length):
    return Formula(
        np.empty(length, np.int16), np.empty(length, np.int16), np.empty(length), np.zeros(1, np.int64)
    )


@jit
def _breed(island, child, mate, spare, rules, lost):
    """Make a child by mutation or crossover; from scratch while the population is empty or when `lost`."""
    s = island.stream
    at = _NOBODY
    famous = chance(s, 0.05)
    if not lost and not chance(s, 0.02):
        at = _famous(island) if famous else _tournament(island, rules)
    if at < 0:
        return grow(child, 1 + below(s, 6), rules, s)
    if famous:
        load(child, island.best_ops, island.best_args, island.best_values, at, island.best_size[at])
    else:
        load(child, island.ops, island.args, island.values, at, island.size[at])
    if chance(s, rules.crossover):
        at = _tournament(island, rules)
        if at < 0:
            return False
        load(mate, island.ops, island.args, island.values, at, island.size[at])
        return cross(child, mate, rules, s)
    # A second and third change now and then: some improvements need two steps, the first of them downhill.
    changed = False
    while True:
        changed |= mutate(child, spare, rules, s)
        if not chance(s, 0.2):
            return changed


@jit
def _tournament(island, rules):
    """The fittest of a few at random, where crowded complexities count as less fit; -1 if nobody lives."""
    population = island.size.shape[0]
    total = 1e-300
    for c in range(island.frequency.shape[0]):
        total += island.frequency[c]
    best, best_score = _NOBODY, np.inf
    for _ in range(rules.tournament):
        i = below(island.stream, population)
        if island.size[i] > 0:
            score = math.log(island.loss[i] + 1e-300) + rules.parsimony * (
                island.frequency[island.complexity[i]] / total
            )
            if score < best_score or best < 0:
                best, best_score = i, score
    return best


@jit
def _famous(island):
    """A random member of the hall of fame; -1 if it is empty."""
    at = _NOBODY
    found = 0
    for i in range(island.best_size.shape[0]):
        if island.best_size[i] > 0:
            found += 1
            if below(island.stream, found) == 0:
                at = i
    return at


@jit
def _legal(child, spare, island, rules, stack):
    """Simplify the child and hold it against the rules of the search space."""
    if not simplify(child, spare, rules, stack):
        return False
    copy(spare, child)
    if complexity_of(child, rules.cost) > rules.max_complexity:
        return False
    if depth_of(child, rules.arity, stack) > rules.max_depth:
        return False
    constants = 0
    features = False
    for i in range(child.n[0]):
        op = child.ops[i]
        constants += op == 0
        features = features or op == 2
        if op > 2 and not rules.allowed[op]:
            return False
        # x^y of two formulas is not searched: one of the two is a number.
        if op == _POW and child.ops[i - 1] > 1 and child.ops[start_of(child.ops, i - 1, rules.arity) - 1] > 1:
            return False
    if constants > rules.max_constants or not features:
        return False
    if rules.constraints.active and not obeys(child, rules):
        return False
    return not rules.check_units or units_hold(child, rules)


@jit
def _known(child, island, rules):
    """Whether this structure was tried often enough: once without constants, a few starts with them."""
    h = hash_of(child)
    limit = 1
    for i in range(child.n[0]):
        if child.ops[i] == 0:
            limit = 3
    mask = island.seen.shape[0] - 1
    at = np.int64(h & np.uint64(mask))
    for _ in range(8):
        if island.seen[at] == h:
            island.tries[at] += 1
            return island.tries[at] > limit and not chance(island.stream, 0.02)
        if island.seen[at] == np.uint64(0):
            break
        at = (at + 1) & mask
    island.seen[at] = h  # a full neighbourhood forgets its last entry
    island.tries[at] = 1
    return False


@jit
def _fit(f, island, table, rules, code, stack, depends, steps, tolerance):
    """Fit the constants of f in place and return its loss, counting the work."""
    n = f.n[0]
    program = lower(f.ops, f.args, f.values, n, code, stack, depends, table)
    if program.k == 0:
        loss = sum_loss(program, table, np.finfo(np.float64).max)
        passes = 1
    else:
        theta = np.empty(program.k)
        p = 0
        for i in range(n):
            if f.ops[i] == 0:
                theta[p] = f.values[i]
                p += 1
        loss, passes, _ = fit_constants(f.ops, n, program, table, theta, steps, tolerance, rules.floor)
        p = 0
        for i in range(n):
            if f.ops[i] == 0:
                f.values[i] = theta[p]
                p += 1
    island.counters[_EVALUATIONS] += passes
    island.counters[_NODES] += passes * n
    return loss


@jit
def _remember(f, c, loss, island, table, rules, code, stack, depends):
    """Enter f into the hall of fame if it is the best of its complexity and number of constants."""
    if c < rules.min_complexity:  # too small for a law, but a good parent
        return loss
    k = 0
    for i in range(f.n[0]):
        k += f.ops[i] == 0
    at = c * (rules.max_constants + 1) + k
    if island.best_size[at] > 0 and not loss < 2.0 * island.best_loss[at]:
        return loss
    if k > 0 and loss > rules.floor:
        loss = _fit(f, island, table, rules, code, stack, depends, _POLISH_STEPS, _FINE)
    if math.isfinite(loss) and (island.best_size[at] == 0 or loss < island.best_loss[at]):
        island.best_size[at] = f.n[0]
        island.best_loss[at] = loss
        store(f, island.best_ops, island.best_args, island.best_values, at)
    return loss


@jit
def _survive(f, c, loss, island, rules):
    """The child takes the place of the oldest of a few at random."""
    if not math.isfinite(loss):
        return
    population = island.size.shape[0]
    place, oldest = _NOBODY, np.int64(0)
    for _ in range(2 * rules.tournament):
        i = below(island.stream, population)
        if place < 0 or island.size[i] == 0 or island.birth[i] < oldest:
            place, oldest = i, island.birth[i]
        if island.size[i] == 0:
            break
    island.size[place] = f.n[0]
    store(f, island.ops, island.args, island.values, place)
    island.complexity[place] = c
    island.loss[place] = loss
    island.birth[place] = island.counters[_BIRTHS]
    island.counters[_BIRTHS] += 1
    # The histogram forgets slowly, so that it follows the population.
    island.frequency[c] += 1.0
    if island.counters[_BIRTHS] % 256 == 0:
        for j in range(island.frequency.shape[0]):
            island.frequency[j] *= 0.9
