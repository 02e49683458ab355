"""Levenberg-Marquardt for the constants of one program: reverse-mode derivatives, gathered block by block.

The Jacobian is never stored: each block adds its part to J^T W J and J^T W r (Marquardt, SIAM J. Appl. Math. 11
(1963) 431; damping lowered after Nielsen, IMM-REP-1999-05). Constants in which the formula is linear are eliminated
(variable projection: Golub & Pereyra, Inverse Problems 19 (2003) R1; Kaufman, BIT 15 (1975) 49): they are never damped,
and a step is judged by the loss that it has once they are solved for, which the normal equations tell without a pass.
"""

from __future__ import annotations

import math

import numpy as np

from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import call_forward, call_normal
from balmer.kernels.formula_loss import weigh_formula
from balmer.kernels.identifiable import give_back, make_room, reduced
from balmer.kernels.jit import bare_jit, jit
from balmer.kernels.losses import FORMULA, FUNCTION, SQUARED
from balmer.kernels.program import FIRST_UNARY, lower, set_constants, target_at

__all__ = ["MAX_CONSTANTS", "least_squares", "linear_step", "normal_equations"]

MAX_CONSTANTS = 24  # a formula with more is no law

_ADD, _SUB, _MUL, _DIV, _NEG = (OPERATORS[name].code for name in ("add", "sub", "mul", "div", "neg"))
_U0, _U1, _U2 = np.uint64(0), np.uint64(1), np.uint64(2)
_RIDGE = 1e-13  # damping of the linear constants, for those that cannot be told apart
_STALE = 0.5  # an improvement by the linear constants alone that is worth a pass to renew the derivatives
# The damping at first, and what it is multiplied with when a step fails: the first failure says that it was far too
# small, later ones that the valley bends.
_DAMPING, _FIRST_GROWTH, _GROWTH = 1e-4, 16.0, 4.0


@jit
def least_squares(
    ops, args, values, n, table, theta, max_steps, tolerance, floor, bound, code, stack, depends
):
    """Minimise the loss over theta, shape (k,), in place; of a table whose loss is a function, the squared loss.

    What is fitted is the formula with the constants that can be told apart, see `balmer.kernels.identifiable`.

    Parameters
    ----------
    ops, args, values : int16, int16 and float64 arrays, shape (n,) or longer
        A postfix program, of which theta are the free constants.
    max_steps : int
        Passes over the data at most.
    tolerance : float
        Stop when two steps running lower the loss by less than this fraction, or the next one promises as little.
    floor : float
        Stop when the loss is below: there is nothing left to explain.
    bound : float
        Give up when the loss is above with the best linear constants: nobody wants it.
    code, stack, depends : as of `balmer.kernels.program.lower`

    Returns
    -------
    (loss, evaluations): the loss at theta and the passes over the data.
    """
    evaluations, loss, room = 0, np.inf, make_room(n)
    for i in range(theta.shape[0]):
        room.before[i] = theta[i]
    length, k = reduced(ops, args, values, n, theta, room)
    # First reduced, then, where that does not do, as it stands; in a loop, as every further call is compiled once more.
    for attempt in range(0 if k > 0 else 1, 2):
        if attempt == 0:
            o, a, v, m, t = room.ops, room.args, room.values, length, room.theta
        else:
            o, a, v, m, t = ops, args, values, n, theta
        program = lower(o, a, v, m, code, stack, depends, table)
        if attempt == 1:  # the values may be older
            set_constants(o, m, t, table)
        loss, passes = _minimise(o, m, program, table, t, max_steps, tolerance, floor, bound)
        evaluations += passes
        # Products that are taken in another order may overflow, and what cannot be given back is fitted as it stands.
        if attempt == 0:
            if math.isfinite(loss) and give_back(room, k, ops, args, values, n, theta):
                break
            for i in range(theta.shape[0]):
                theta[i] = room.before[i]
    return loss, evaluations


@jit
def _minimise(ops, n, program, table, theta, max_steps, tolerance, floor, bound):
    """`least_squares` of a lowered program as it is, whose constants are in the table; of theta, the first k."""
    k = program.k
    # Few arrays, as to make one takes as long as to solve for a constant.
    normals, vectors = np.empty((4, k + 2, k + 2)), np.empty((2, k))
    now, new, spare, factor, step, trial = (
        normals[0],
        normals[1],
        normals[2],
        normals[3],
        vectors[0],
        vectors[1],
    )
    loss = normal_equations(program, table, now)
    evaluations = 1
    if not math.isfinite(loss) or k == 0:
        return (loss if k == 0 else np.inf), evaluations
    lists, is_linear = np.empty((2, k), np.int64), np.zeros(k, np.bool_)
    if table.kind == SQUARED or table.kind == FUNCTION:
        _find_linear(ops, n, is_linear)
    n_linear = 0
    for i in range(k):
        lists[0, i] = i
        if is_linear[i]:
            lists[1, n_linear] = i
            n_linear += 1
    every, linear = lists[0], lists[1, :n_linear]
    damping, growth = _DAMPING, _FIRST_GROWTH
    small_steps = 0
    # At first the linear constants alone: what they do to the loss is known beforehand.
    saved = linear_step(now, linear, factor, step)
    if saved > _STALE * loss and max_steps > 1:
        for i in range(k):
            trial[i] = theta[i] - step[i]
        set_constants(ops, n, trial, table)
        better = normal_equations(program, table, new)
        evaluations += 1
        if better < loss:
            for i in range(k):
                theta[i] = trial[i]
            loss = better
            now, new = new, now
    if loss > bound:
        return loss, evaluations
    while evaluations < max_steps and loss > floor and damping < 1e16:
        if not _solve(now, every, linear, damping, factor, step):
            damping = max(10.0 * damping, 1e-12)
            continue
        predicted, moved = 0.0, 0.0
        for i in range(k):
            own = 0.0 if is_linear[i] else damping
            predicted += step[i] * (own * now[i, i] * step[i] + now[k, i])
            trial[i] = theta[i] - step[i]
            moved = max(moved, abs(step[i]) / (abs(theta[i]) + 1e-300))
        if moved < 1e-16 or (damping < 1.0 and predicted < 0.1 * tolerance * loss):
            break
        set_constants(ops, n, trial, table)
        better = normal_equations(program, table, new)
        evaluations += 1
        saved = 0.0
        if math.isfinite(better):
            saved = linear_step(new, linear, factor, step)
        if better - saved < loss:
            if better >= loss and evaluations < max_steps:
                for i in range(k):
                    trial[i] -= step[i]
                set_constants(ops, n, trial, table)
                solved = normal_equations(program, table, spare)
                evaluations += 1
                if solved < better:
                    better = solved
                    new, spare = spare, new
                else:  # rounding: what cannot be told apart should not be moved
                    for i in range(k):
                        trial[i] += step[i]
        if better < loss:
            gain = (loss - better) / predicted if predicted > 0.0 else 1.0
            cubic = 1.0 - (2.0 * gain - 1.0) ** 3
            damping = max(damping * min(max(cubic, 0.1), 2.0), 1e-15)
            growth = _GROWTH
            small_steps = small_steps + 1 if loss - better <= tolerance * loss else 0
            for i in range(k):
                theta[i] = trial[i]
            loss = better
            now, new = new, now
            if small_steps == 2:
                break
        else:
            damping *= growth
            growth *= 2.0
    return loss, evaluations


@bare_jit
def normal_equations(program, table, out):
    """The normal equations at the constants in the table; returns the loss.

    Written to `out`, shape (k + 2, k + 2), are J^T W J and in row k the gradient J^T W r; the loss is infinity where
    the formula is not finite or its derivatives are infinite. In a row where part of it overflows harmlessly, as the
    exponential in x/(exp(x) - 1), the derivative comes out as 0 times infinity, and counts as 0.
    """
    loss = _gather(program, table, out, _U0)
    if math.isfinite(loss) and not _has_finite_gradient(out, program.k):
        loss = _gather(program, table, out, _U1)
        if not _has_finite_gradient(out, program.k):
            return np.inf
    for p in range(program.k):
        for q in range(p):
            out[q, p] = out[p, q]
    return loss if loss >= 0.0 else np.inf  # no loss is negative


@bare_jit
def _gather(program, table, out, careful):
    """Add up the blocks; with `careful`, derivatives that are NaN count as 0."""
    k = program.k
    out[:] = 0.0
    width = table.width
    residual = _U2 * table.max_nodes * width
    seed = residual if k == 0 else program.seed
    code, ws = program.code, table.ws.ctypes.data
    kind = SQUARED if table.kind == FUNCTION else table.kind
    for b in range(table.n_blocks):
        block = np.uint64(b)
        call_forward(table.forward, code, program.m, ws, block, width)
        prediction, target = program.root + block * program.stride, target_at(table, b)
        if kind == FORMULA:
            out[k + 1, 0] += weigh_formula(table, block, prediction, target, seed, residual)
        call_normal(
            table.normal, code, program.m, k, ws, block, width, prediction, target, seed, residual, careful, kind,
            table.scale, out.ctypes.data
        )  # fmt: skip
        if not math.isfinite(out[k + 1, 0]):
            return np.inf
    return out[k + 1, 0]


@bare_jit
def _has_finite_gradient(out, k):
    for p in range(k):
        if not math.isfinite(out[k, p]):
            return False
    return True


@jit
def _find_linear(ops, n, linear):
    """Mark free constants in which, taken together, the formula is linear: as many as there are, or nearly."""
    known = np.zeros((4, n), np.int64)
    size, first, count, alive = known[0], known[1], known[2], known[3]
    k = 0
    for i in range(n):
        op = ops[i]
        first[i] = k  # of the constants from here on
        size[i] = 1
        count[i] = 0
        if op == 0:
            count[i] = 1
            k += 1
        elif op > 2:
            right = i - 1
            size[i] += size[right]
            left = right
            if op < FIRST_UNARY:
                left = right - size[right]
                size[i] += size[left]
            first[i] = first[left - size[left] + 1]
            if op == _ADD or op == _SUB:
                count[i] = count[left] + count[right]
            elif op == _MUL:
                count[i] = max(count[left], count[right])
            elif op == _DIV or op == _NEG:
                count[i] = count[left]
    # From the root down along the operators that are linear: of a product, the side with more of them.
    alive[n - 1] = 1
    for i in range(n - 1, -1, -1):
        if alive[i] == 0:
            continue
        op = ops[i]
        if op == 0:
            linear[first[i]] = True
        elif op > 2 and count[i] > 0:
            right = i - 1
            left = right - size[right] if op < FIRST_UNARY else right
            if op == _ADD or op == _SUB:
                alive[left] = alive[right] = 1
            elif op == _MUL:
                alive[left if count[left] >= count[right] else right] = 1
            elif op == _DIV or op == _NEG:
                alive[left] = 1


@bare_jit
def linear_step(normal, linear, factor, step):
    """The step to the best constants among those in which the formula is linear, with all others as they are.

    `linear` are their numbers; returns what the step takes from the loss.
    """
    step[:] = 0.0
    if not _solve(normal, linear, linear, 0.0, factor, step):
        return 0.0
    saved = 0.0
    for i in linear:
        saved += step[i] * normal[step.shape[0], i]
    return max(saved, 0.0)


@bare_jit
def _solve(normal, chosen, undamped, damping, factor, step):
    """Solve (N + damping diag N) step = gradient for the constants of those numbers; False where it cannot be.

    Factors L D L^T, with no root and one division per constant. Both lists of numbers ascend. A constant without
    effect, which is a column of zeros, stays where it is.
    """
    n, gradient = chosen.shape[0], step.shape[0]
    u = 0
    for a in range(n):
        i = chosen[a]
        free = u < undamped.shape[0] and undamped[u] == i
        u += 1 if free else 0
        # Above the diagonal stands D L^T, of which a column is read before it is divided.
        for b in range(a):
            total = normal[i, chosen[b]]
            for q in range(b):
                total -= factor[q, a] * factor[b, q]
            factor[b, a] = total
        own = normal[i, i]
        total = own * (1.0 + (_RIDGE if free else max(_RIDGE, damping))) if own > 0.0 else 1.0
        right = normal[gradient, i]
        for b in range(a):
            factor[a, b] = factor[b, a] * factor[b, b]
            total -= factor[b, a] * factor[a, b]
            right -= factor[a, b] * step[chosen[b]]
        if not total > 1e-15 * own:
            step[:] = 0.0
            return False
        factor[a, a] = 1.0 / total
        step[i] = right
    for a in range(n - 1, -1, -1):
        total = step[chosen[a]] * factor[a, a]
        for b in range(a + 1, n):
            total -= factor[b, a] * step[chosen[b]]
        step[chosen[a]] = total
        if not math.isfinite(total):
            step[:] = 0.0
            return False
    return True
