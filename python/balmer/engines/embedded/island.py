"""One island: selection, variation, fit, survival, hall of fame. Compiled; runs without the GIL."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.constraints import obeys
from balmer.engines.embedded.fitting import EVALUATIONS, assess, fit, remember
from balmer.engines.embedded.library import fill, refresh
from balmer.engines.embedded.mutate import cross
from balmer.engines.embedded.random import below, chance, uniform
from balmer.engines.embedded.repair import repair
from balmer.engines.embedded.rules import without_data
from balmer.engines.embedded.simplify import strip
from balmer.engines.embedded.trees import (
    complexity_of,
    constants_of,
    copy,
    depth_of,
    hash_of,
    load,
    splice,
    start_of,
    store,
)
from balmer.engines.embedded.typed import grow_typed, vary_typed
from balmer.engines.embedded.types import Calls, Formula, Island, Library, Rules, Scratch
from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import CODE_COLUMNS
from balmer.kernels.jit import bare_entry_jit, bare_jit
from balmer.kernels.pointers import address_of, call_at
from balmer.kernels.program import Table, lower, sum_loss

__all__ = ["EXTRA_NODES", "linked", "new_scratch", "reassess", "run_island"]

EXTRA_NODES = 4  # of a factor and a constant around a formula
_POW = OPERATORS["pow"].code
_BIRTHS = 2
_TYPED = 0.25  # of changes, where units count, the share that keeps to them
_TYPED_AT_BIRTH = 0.5  # and of births
_HOPELESS = 30.0  # times the loss of the worst of a few members: such a start a fit hardly ever makes good
# A numpy number, as to numba a bare one has a type of its own, which `call_at` would take for that of the result.
_NOBODY = np.int64(-1)


def new_scratch(rules: Rules, rows: int) -> Scratch:
    """Scratch for one worker; `rows` is the number of rows of the library."""
    length = rules.max_complexity + EXTRA_NODES
    return Scratch(
        child=_formula(length),
        mate=_formula(length),
        spare=_formula(length),
        whole=_formula(length),
        code=np.empty((length, CODE_COLUMNS), np.uint64),
        stack=np.empty(length, np.int64),
        depends=np.empty(length, np.bool_),
        theta=np.empty(length),
        scale=np.zeros(2),
        other=np.zeros(2),
        wanted=np.zeros((2, rows)),
        dimension=np.zeros(rules.dimensions.shape[1]),
        weighed=np.zeros((2, rows), np.float32),
    )


def _formula(length: int) -> Formula:
    return Formula(
        np.empty(length, np.int16), np.empty(length, np.int16), np.empty(length), np.zeros(1, np.int64)
    )


def linked(
    rules: Rules, island: Island, library: Library, sc: Scratch, table: Table, *, backwards: bool = False
) -> Rules:
    """The rules with the addresses of all that an island calls but the minimiser; compiles what is not cached.

    Two processes that compile from either end, the one `backwards`, share the work through numba's cache.
    """
    f, s, one, real = sc.child, island.stream, np.int64(1), 1.0
    functions = without_data(rules, f, s, sc.stack) | {
        "legal": (_legal, sc, rules),
        "fit": (fit, f, one, sc, island, table, rules, one, real, real),
        "remember": (remember, sc, real, island, table, table, rules),
        "reassess": (reassess, island, sc, table, table, rules),
        "repair": (repair, sc, sc.scale, library, table, rules, s),
        "grow_typed": (grow_typed, f, library, sc, rules, s),
        "vary_typed": (vary_typed, f, library, sc, rules, s),
        "fill": (fill, library, sc, s, table, rules),
        "run": (run_island, island, library, sc, table, table, rules, one, np.zeros(1, np.uint8)),
    }
    order = list(functions.items())
    addresses = {name: address_of(*call) for name, call in (reversed(order) if backwards else order)}
    return rules._replace(
        calls=rules.calls._replace(**{name: addresses[name] for name in Calls._fields if name in addresses})
    )


@bare_entry_jit
def run_island(
    island: Island,
    library: Library,
    sc: Scratch,
    sample: Table,
    table: Table,
    rules: Rules,
    evaluations: int,
    stop: NDArray[np.uint8],
) -> None:
    """Let the island evolve for that many evaluations (passes over the rows), or until stop[0] is set.

    Candidates are fitted and compared on the rows of `sample`, which are some of `table`; the hall of fame is judged
    on all of that.
    """
    goal = island.counters[EVALUATIONS] + evaluations
    if evaluations > 0:
        refresh(library, sc, island, sample, rules)
    failures = 0
    while island.counters[EVALUATIONS] < goal and stop[0] == 0:
        if not _breed(island, library, sc, sample, rules, failures > 50):
            failures += 1
        elif not call_at(rules.calls.legal, True, (sc, rules)) or _known(sc.child, island, rules):
            failures += 1
        else:
            failures = 0
            loss = assess(sc, island, sample, rules, _bound(island, rules))
            if math.isfinite(loss):
                at = call_at(rules.calls.remember, _NOBODY, (sc, loss, island, sample, table, rules))
                _survive(sc, loss, island, rules)
                if at >= 0 and island.best_loss[at] <= rules.floor:
                    _shorten(island, at, sc, sample, table, rules)
        if failures >= 2000:
            # Everything within reach is known: count it as work, so that a small space ends instead of spinning.
            island.counters[EVALUATIONS] += 1


@bare_entry_jit
def reassess(island: Island, sc: Scratch, sample: Table, table: Table, rules: Rules) -> None:
    """Judge all members, and the hall of fame, on another sample of the rows."""
    for i in range(island.size.shape[0]):
        if island.size[i] > 0:
            load(sc.child, island.ops, island.args, island.values, i, island.size[i])
            loss = assess(sc, island, sample, rules, np.inf)
            island.loss[i] = loss if math.isfinite(loss) else np.finfo(np.float64).max
            store(sc.child, island.ops, island.args, island.values, i)
            island.scale[i, 0], island.scale[i, 1] = sc.scale[0], sc.scale[1]
    f = sc.child
    for i in range(island.best_size.shape[0]):
        if island.best_size[i] > 0:
            load(f, island.best_ops, island.best_args, island.best_values, i, island.best_size[i])
            program = lower(f.ops, f.args, f.values, f.n[0], sc.code, sc.stack, sc.depends, sample)
            island.best_sample[i] = sum_loss(program, sample, np.finfo(np.float64).max)


@bare_jit
def _breed(island, library, sc, table, rules, lost):
    """Make a child by repair, mutation or crossover; from scratch while the population is empty or when `lost`."""
    s, child = island.stream, sc.child
    at = _NOBODY
    famous = chance(s, 0.05)
    if not lost and not chance(s, 0.02):
        at = _famous(island) if famous else _tournament(island, rules)
    if at < 0:
        return _grow(child, 1 + below(s, 6), library, sc, rules, s)
    if famous:
        load(child, island.best_ops, island.best_args, island.best_values, at, island.best_size[at])
        sc.scale[0], sc.scale[1] = 0.0, 1.0
    else:
        load(child, island.ops, island.args, island.values, at, island.size[at])
        sc.scale[0], sc.scale[1] = island.scale[at, 0], island.scale[at, 1]
    u = uniform(s)
    if u < rules.repair:
        # A change that is no good by itself may be so with the right formula in its gap.
        kind = uniform(s)
        if kind < 0.1:
            if not call_at(rules.calls.grow, True, (child, 2 + below(s, 4), rules, s)):
                return False
            sc.scale[0], sc.scale[1] = 0.0, 1.0
        elif kind < 0.4 and not call_at(rules.calls.mutate, True, (child, sc.spare, rules, s)):
            return False
        return call_at(rules.calls.repair, True, (sc, sc.scale, library, table, rules, s))
    if u < rules.repair + rules.crossover:
        at = _tournament(island, rules)
        if at < 0:
            return False
        load(sc.mate, island.ops, island.args, island.values, at, island.size[at])
        return cross(child, sc.mate, rules, s)
    # A second and third change now and then: some improvements need two steps, the first of them downhill.
    changed = False
    while True:
        if rules.check_units and chance(s, _TYPED):
            changed |= call_at(rules.calls.vary_typed, True, (child, library, sc, rules, s))
        else:
            changed |= call_at(rules.calls.mutate, True, (child, sc.spare, rules, s))
        if not chance(s, 0.2):
            return changed


@bare_jit
def _grow(f, operators, library, sc, rules, s):
    """A random formula, of about that many operators; where units count, half of the time one that keeps to them."""
    if rules.check_units and chance(s, _TYPED_AT_BIRTH):
        return call_at(rules.calls.grow_typed, True, (f, library, sc, rules, s))
    return call_at(rules.calls.grow, True, (f, operators, rules, s))


@bare_jit
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


@bare_jit
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


@bare_jit
def _legal(sc, rules):
    """Simplify the child and hold it against the rules of the search space."""
    child = sc.child
    if not call_at(rules.calls.simplify, True, (child, sc.spare, rules, sc.stack)):
        return False
    copy(sc.spare, child)
    if not rules.check_units:  # with units, a factor that takes up a wrong dimension must be seen to do so
        strip(child, rules)
    if complexity_of(child, rules.cost) > rules.max_complexity:
        return False
    if depth_of(child, rules.arity, sc.stack) > rules.max_depth:
        return False
    features = False
    for i in range(child.n[0]):
        op = child.ops[i]
        features = features or op == 2
        if op > 2 and not rules.allowed[op]:
            return False
        # x^y of two formulas is not searched: one of the two is a number.
        if op == _POW and child.ops[i - 1] > 1 and child.ops[start_of(child.ops, i - 1, rules.arity) - 1] > 1:
            return False
    if constants_of(child) > rules.max_constants or not features:
        return False
    if rules.constraints.active and not obeys(child, rules):
        return False
    return not rules.check_units or call_at(rules.calls.units_hold, True, (child, rules))


@bare_jit
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


@bare_jit
def _bound(island, rules):
    """A loss above which a child need not be fitted any further: far worse than some members at random."""
    worst = 0.0
    for _ in range(rules.tournament):
        i = below(island.stream, island.size.shape[0])
        if island.size[i] == 0:
            return np.inf
        worst = max(worst, island.loss[i])
    return _HOPELESS * worst


@bare_jit
def _shorten(island, at, sc, sample, table, rules):
    """Take parts out of a formula that leaves nothing to explain, as long as shorter ones still do not."""
    tried = 0
    while tried < 3 * island.best_size[at]:
        f = sc.child
        load(f, island.best_ops, island.best_args, island.best_values, at, island.best_size[at])
        root, kind = tried // 3, tried % 3
        tried += 1
        start = start_of(f.ops, root, rules.arity)
        first, last = start, root  # of what stays: the first operand, or the second
        if f.ops[root] > 2 and kind < 2:
            if rules.arity[f.ops[root]] == 2:
                middle = start_of(f.ops, root - 1, rules.arity)
                if kind == 0:
                    last = middle
                else:
                    first = middle
            elif kind == 1:
                continue
            copy(f, sc.mate)
            if not splice(f, start, root + 1, sc.mate, first, last):
                continue
        elif kind == 2 and f.ops[root] > 0:
            f.ops[start], f.args[start], f.values[start] = 0, 0, 1.0
            copy(f, sc.mate)
            if not splice(f, start, root + 1, sc.mate, start, start + 1):
                continue
        elif kind == 0 and f.ops[root] == 0:
            f.ops[root], f.values[root] = 1, 1.0
        else:
            continue
        if not call_at(rules.calls.legal, True, (sc, rules)):
            continue
        loss = assess(sc, island, sample, rules, np.inf)
        if math.isfinite(loss):
            new = call_at(rules.calls.remember, _NOBODY, (sc, loss, island, sample, table, rules))
            if new >= 0 and new < at and island.best_loss[new] <= rules.floor:
                at, tried = new, 0


@bare_jit
def _survive(sc, loss, island, rules):
    """The child takes the place of the oldest of a few at random."""
    f = sc.child
    c = complexity_of(f, rules.cost)
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
    island.scale[place, 0], island.scale[place, 1] = sc.scale[0], sc.scale[1]
    island.birth[place] = island.counters[_BIRTHS]
    island.counters[_BIRTHS] += 1
    # The histogram forgets slowly, so that it follows the population.
    island.frequency[c] += 1.0
    if island.counters[_BIRTHS] % 256 == 0:
        for j in range(island.frequency.shape[0]):
            island.frequency[j] *= 0.9
