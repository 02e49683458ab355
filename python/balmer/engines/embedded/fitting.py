"""What a formula is worth: constants fitted, with the best constant beside it and the best factor before it. Compiled.

A formula f competes as a + b f, whose a and b cost next to nothing to find, so that the evolution need not spend its
time on them. Into the hall of fame go f, b f, a + f and a + b f, each where it is the best of its kind.
"""

from __future__ import annotations

import math

import numpy as np

from balmer.engines.embedded.constraints import obeys
from balmer.engines.embedded.random import chance
from balmer.engines.embedded.trees import complexity_of, constants_of, depth_of, store
from balmer.expressions.operators import OPERATORS
from balmer.kernels.fitting import fit_constants
from balmer.kernels.jit import bare_jit, jit
from balmer.kernels.levenberg import linear_step, normal_equations
from balmer.kernels.losses import SQUARED
from balmer.kernels.pointers import call_at
from balmer.kernels.program import lower, set_constants, sum_loss

__all__ = ["EVALUATIONS", "NODES", "assess", "fit", "remember"]

EVALUATIONS, NODES = 0, 1  # places in Island.counters
_ADD, _MUL = OPERATORS["add"].code, OPERATORS["mul"].code
_POLISH_STEPS = np.int64(40)  # passes for the constants of a formula that enters the hall of fame
_COARSE, _FINE = 1e-3, 1e-9  # relative decrease of the loss at which a fit stops
_CANCELLED = 1e-5  # what a subtraction may leave of the loss before it is computed anew
_ANYWAY = 0.1  # how often a formula is tried with fewer constants although it is no news with all
_NOWHERE = np.int64(-1)
_GAIN = 1e-3  # a loss lower by this factor is worth all digits of its constants
_SLACK = 1.2  # by how much a loss on a sample of the rows may deceive
_SAME = 1e-7  # relative difference of losses below which two formulas are spellings of one


@bare_jit
def assess(sc, island, table, rules, bound):
    """Fit the child with factor and constant, which go to sc.scale; returns the loss of a + b f.

    A fit that begins above `bound` is given up.
    """
    f, whole = sc.child, sc.whole
    sc.scale[0], sc.scale[1] = 0.0, 1.0
    outer = _wrap(f, whole, rules.shifted, rules.scaled, sc.scale)
    loss = _fitted(whole, outer, sc, island, table, rules, rules.fit_steps, _COARSE, bound)
    _unwrap(whole, f, rules.shifted, rules.scaled, sc.scale)
    return loss


@bare_jit
def remember(sc, loss, island, sample, table, rules):
    """Enter the child, whose a + b f has that loss on the sample, into the hall of fame wherever it earns a place.

    Returns the place of the simplest that entered, -1 if none did.
    """
    f, whole = sc.child, sc.whole
    c, k = complexity_of(f, rules.cost), constants_of(f)
    entered = _NOWHERE
    for variant in range(3, -1, -1):
        shifted, scaled = variant >= 2, variant % 2 == 1
        if (shifted and not rules.shifted) or (scaled and not rules.scaled):
            continue
        cost, constants = c, k
        if shifted:
            cost += rules.cost[0] + rules.cost[_ADD]
            constants += 1
        if scaled:
            cost += rules.cost[0] + rules.cost[_MUL]
            constants += 1
        if not rules.min_complexity <= cost <= rules.max_complexity or constants > rules.max_constants:
            continue
        at = cost * (rules.max_constants + 1) + constants
        if not _may_enter(island, at, loss):
            # What is no news with all constants seldom is with fewer, and to see that takes a fit for each.
            if variant == 3 and not chance(island.stream, _ANYWAY):
                break
            continue
        sc.other[0] = sc.scale[0] if shifted else 0.0
        sc.other[1] = sc.scale[1] if scaled else 1.0
        outer = _wrap(f, whole, shifted, scaled, sc.other)
        if depth_of(whole, rules.arity, sc.stack) > rules.max_depth:
            continue
        if rules.check_units and not call_at(rules.calls.units_hold, True, (whole, rules)):
            continue
        if rules.constraints.active and not obeys(whole, rules):
            continue
        own = loss
        if shifted != rules.shifted or scaled != rules.scaled:
            own = _fitted(whole, outer, sc, island, sample, rules, rules.fit_steps, _COARSE, np.inf)
            if not _may_enter(island, at, own):
                continue
        # To the last digit only where much is gained: the winners are refitted after the search anyway.
        much = own < _GAIN * island.best_loss[at]
        steps, tolerance = (_POLISH_STEPS, _FINE) if much else (rules.fit_steps, _COARSE)
        final = _fitted(whole, outer, sc, island, table, rules, steps, tolerance, np.inf)
        if math.isfinite(final) and (island.best_size[at] == 0 or final < island.best_loss[at]):
            island.best_size[at] = whole.n[0]
            island.best_loss[at] = final
            island.best_sample[at] = min(own, final) if own <= final * _SLACK else final
            store(whole, island.best_ops, island.best_args, island.best_values, at)
            entered = at
    return entered


@bare_jit
def _may_enter(island, at, loss):
    """Whether a loss on the sample promises a place: better there, and no other spelling of what holds it."""
    if island.best_size[at] == 0:
        return True
    held = island.best_sample[at]
    return loss < _SLACK * held and abs(loss - held) > _SAME * held


@bare_jit
def _fitted(f, outer, sc, island, table, rules, steps, tolerance, bound):
    return call_at(
        rules.calls.fit,
        0.0,
        (f, outer, sc, island, table, rules, np.int64(steps), tolerance, np.float64(bound)),
    )


@bare_jit
def fit(f, outer, sc, island, table, rules, steps, tolerance, bound):
    """Fit the constants of f in place and return its loss, counting the work; `outer` of them are a and b."""
    n = f.n[0]
    k = constants_of(f)
    passes = 1
    if k == 0:
        program = lower(f.ops, f.args, f.values, n, sc.code, sc.stack, sc.depends, table)
        loss = sum_loss(program, table, np.finfo(np.float64).max)
    else:
        theta = sc.theta[:k]
        p = 0
        for i in range(n):
            if f.ops[i] == 0:
                theta[p] = f.values[i]
                p += 1
        if k == outer and table.kind == SQUARED:
            program = lower(f.ops, f.args, f.values, n, sc.code, sc.stack, sc.depends, table)
            loss, passes = _solve_outer(f, program, table, theta)
        else:
            loss, passes = fit_constants(
                rules.calls.minimise,
                f.ops,
                f.args,
                f.values,
                n,
                table,
                theta,
                steps,
                tolerance,
                rules.floor,
                bound,
                (sc.code, sc.stack, sc.depends),
            )
        p = 0
        for i in range(n):
            if f.ops[i] == 0:
                f.values[i] = theta[p]
                p += 1
    island.counters[EVALUATIONS] += passes
    island.counters[NODES] += passes * n * np.int64(table.n_blocks * table.width)
    return loss


@jit
def _solve_outer(f, program, table, theta):
    """The best constant and factor of a formula without other constants; loss and passes over the rows."""
    k = program.k
    normal, factor, step = np.empty((k + 2, k + 2)), np.empty((k, k)), np.empty(k)
    begin = normal_equations(program, table, normal)
    if not math.isfinite(begin):
        return np.inf, 1
    saved = linear_step(normal, np.arange(k), factor, step)
    for i in range(k):
        theta[i] -= step[i]
    if begin - saved > _CANCELLED * begin:
        return begin - saved, 1
    set_constants(f.ops, f.n[0], theta, table)
    return sum_loss(program, table, np.finfo(np.float64).max), 2


@bare_jit
def _wrap(f, whole, shifted, scaled, scale):
    """whole = a + b f, without what is not wanted; returns how many constants were added."""
    n = np.int64(0)
    if shifted:
        whole.ops[n], whole.args[n], whole.values[n] = 0, 0, scale[0]
        n += 1
    if scaled:
        whole.ops[n], whole.args[n], whole.values[n] = 0, 0, scale[1]
        n += 1
    outer = n
    for i in range(f.n[0]):
        whole.ops[n], whole.args[n], whole.values[n] = f.ops[i], f.args[i], f.values[i]
        n += 1
    if scaled:
        whole.ops[n], whole.args[n], whole.values[n] = _MUL, 0, 0.0
        n += 1
    if shifted:
        whole.ops[n], whole.args[n], whole.values[n] = _ADD, 0, 0.0
        n += 1
    whole.n[0] = n
    return outer


@bare_jit
def _unwrap(whole, f, shifted, scaled, scale):
    """Take the fitted constants back to f and its scale."""
    n = 0
    if shifted:
        scale[0] = whole.values[n]
        n += 1
    if scaled:
        scale[1] = whole.values[n]
        n += 1
    for i in range(f.n[0]):
        f.values[i] = whole.values[n + i]
