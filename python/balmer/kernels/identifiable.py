"""A formula with as few constants as can be told apart, which is what is fitted in its place.

Of c1 (c2 x + c3) no data tell more than a and b in a x + b, and a fit of three constants takes longer, finds its steps
worse and misses that both are linear. So numbers next to each other are gathered: a chain of sums and products with
numbers becomes a u + b, constant terms are taken out of sums and constant factors out of products and quotients, and
(u^p)^q becomes u^(pq). Afterwards one constant of each such group takes what the fit found, and the others are as they
were. What cannot be told apart in this sense is not identifiable (Bellman & Astrom, Math. Biosci. 7 (1970) 329).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS, VARIABLE
from balmer.kernels.jit import bare_jit, jit
from balmer.kernels.program import FIRST_UNARY

__all__ = ["Room", "give_back", "make_room", "reduced"]


class Room(NamedTuple):
    """Where a formula of n nodes is reduced: what is known of each node, a u + b, and the reduced formula."""

    chains: NDArray[np.int64]  # shape (n + 1, 8): see `_U` and its like
    parts: NDArray[np.float64]  # shape (n + 1, 7): see `_A` and its like
    nodes: NDArray[np.int64]  # of the reduced formula, shape (most, 8): see `_OP` and its like
    numbers: NDArray[np.float64]  # shape (most,): values of those that are numbers
    ops: NDArray[np.int16]  # the reduced formula as a postfix program
    args: NDArray[np.int16]
    values: NDArray[np.float64]
    theta: NDArray[np.float64]  # its free constants, and what they are at first
    start: NDArray[np.float64]
    marks: NDArray[np.int64]  # shape (n, 8): what becomes of each: columns `_KIND` and its like
    before: NDArray[np.float64]  # for the constants of the formula itself


# Columns of `chains`: the node u, -1 if there is none but b; the constants that are to take a change of a and of b, -1
# if they are exact; whether that of a is a divisor (-1) or not (1); and whether b is that constant and nothing else.
# Then a stack of nodes, and the nodes in order.
_U, _A_AT, _A_SIGN, _B_AT, _B_ALONE, _STACK, _ORDER = range(7)
# Columns of `parts`: a, b, the sum of the sizes of the terms of b, and the change of b with its constant; and the last
# three as they were when a u + b became one node.
_A, _B, _SIZE, _GAIN, _LAST_B, _LAST_SIZE, _LAST_GAIN = range(7)
# Columns of `nodes`: the opcode, the operands, the feature, and of a free number what becomes of it (as in `marks`):
# the kind of group, the constant of the formula that takes it, its sign as above, and the node with that b.
_OP, _LEFT, _RIGHT, _ARG, _MARKS = range(5)
_KIND, _AT, _SIGN, _NODE = range(4)
_ALONE, _FACTOR, _TERM = range(3)
_MOST = 4  # nodes made per node of the formula, at most; in fact one and a third

_ADD, _SUB, _MUL, _DIV, _POW, _NEG, _INV = (
    OPERATORS[name].code for name in ("add", "sub", "mul", "div", "pow", "neg", "inv")
)
_ROOT = -1  # stands for what the formula is handed to
_LARGEST_INNER_POWER = 4.0  # beyond, u^p may overflow where u^(pq) does not
_CANCELLED = 1e3  # terms of b that are larger than b by this lose digits that the reduced formula keeps


@jit
def make_room(n):
    """Room for a formula of n nodes, in few arrays, as to make one takes as long as a step of the reduction."""
    whole, real, code = np.empty((6 * n + 1, 8), np.int64), np.empty(8 * n), np.empty((2, n), np.int16)
    most = _MOST * n
    return Room(
        whole[: n + 1],
        np.empty((n + 1, 7)),
        whole[n + 1 : n + 1 + most],
        real[:most],
        code[0],
        code[1],
        real[most : most + n],
        real[most + n : most + 2 * n],
        real[most + 2 * n : most + 3 * n],
        whole[n + 1 + most :],
        real[most + 3 * n : most + 4 * n],
    )


@bare_jit
def reduced(ops, args, values, n, theta, room):
    """Write the formula with the constants that can be told apart; with them as they are it has the same values.

    Returns (n, k), the nodes and free constants of what stands in `room` then; zeros where there is none that would do.
    Few functions, each called in few places, as numba compiles a function into every place that calls it.
    """
    if theta.shape[0] == 0 or not _gather(ops, args, values, n, theta, room):
        return 0, 0
    # Operators before operands and right before left, which is postfix from its end.
    nodes, chains = room.nodes, room.chains
    chains[0, _STACK] = chains[n, _U]
    top, at = 1, n
    while top > 0 and at > 0:
        top -= 1
        at -= 1
        node = chains[top, _STACK]
        chains[at, _ORDER] = node
        op = nodes[node, _OP]
        if op > VARIABLE:
            chains[top, _STACK] = nodes[node, _LEFT]
            top += 1
            if op < FIRST_UNARY:
                chains[top, _STACK] = nodes[node, _RIGHT]
                top += 1
    if top > 0:  # longer than the formula
        return 0, 0
    free = 0
    for i in range(n - at):
        node = chains[at + i, _ORDER]
        room.ops[i], room.args[i] = nodes[node, _OP], nodes[node, _ARG]
        room.values[i] = room.numbers[node]
        if nodes[node, _OP] == CONSTANT:
            room.theta[free] = room.start[free] = room.numbers[node]
            for column in range(4):
                room.marks[free, column] = nodes[node, _MARKS + column]
            free += 1
    return n - at, free


@bare_jit
def give_back(room, k, ops, args, values, n, theta):
    """Put the k constants of the reduced formula into theta; False where the formula has not its values then."""
    terms = False
    for j in range(k):
        at, kind = room.marks[j, _AT], room.marks[j, _KIND]
        if kind == _TERM:
            terms = True
        elif kind == _ALONE or (room.marks[j, _SIGN] > 0 and theta[at] == room.start[j]):
            theta[at] = room.theta[j]
        else:
            change = room.theta[j] / room.start[j]
            theta[at] *= change if room.marks[j, _SIGN] > 0 else 1.0 / change
    if terms:
        if not _gather(ops, args, values, n, theta, room):
            return False
        parts = room.parts
        for j in range(k):
            if room.marks[j, _KIND] == _TERM:
                at, i = room.marks[j, _AT], room.marks[j, _NODE]
                gain, wanted = parts[i, _LAST_GAIN], room.theta[j]
                size = parts[i, _LAST_SIZE] - abs(gain * theta[at])
                theta[at] += (wanted - parts[i, _LAST_B]) / gain
                if not size + abs(gain * theta[at]) <= _CANCELLED * abs(wanted):
                    return False
    for at in range(theta.shape[0]):
        if not math.isfinite(theta[at]):
            return False
    return True


@bare_jit
def _gather(ops, args, values, n, theta, room):
    """Find a u + b for every node, and the nodes of all u; at n the root. False if a factor is 0 or not finite."""
    chains, parts, nodes = room.chains, room.parts, room.nodes
    top, k, count = 0, 0, 0
    for i in range(n + 1):
        op = ops[i] if i < n else _ROOT
        for column in range(7):
            parts[i, column] = 1.0 if column == _A else 0.0
        chains[i, _U], chains[i, _A_AT], chains[i, _A_SIGN], chains[i, _B_AT] = -1, -1, 1, -1
        chains[i, _B_ALONE] = 0
        if op == CONSTANT or op == LITERAL:
            parts[i, _B] = theta[k] if op == CONSTANT else values[i]
            if op == CONSTANT:
                chains[i, _B_AT], chains[i, _B_ALONE] = k, 1
                k += 1
        elif op == VARIABLE:
            chains[i, _U] = _new(room, count, op, count, args[i])
            count += 1
        else:
            binary = op != _ROOT and op < FIRST_UNARY
            top -= 2 if binary else 1
            left, right = chains[top, _STACK], chains[top + 1 if binary else top, _STACK]
            left_number, right_number = chains[left, _U] < 0, chains[right, _U] < 0
            one_number = binary and left_number != right_number
            number, child = (left, right) if left_number else (right, left)
            value, at = parts[number, _B], chains[number, _B_AT]
            # What has to be one node before this operator. A factor that is fitted would move an exact b.
            for side in range(2 if binary else 1):
                j = right if side == 0 else left
                term = chains[j, _B_AT] >= 0 or parts[j, _B] != 0.0
                close = 2
                if one_number and _ADD <= op <= _DIV:
                    inverse, scaled = op == _DIV and left_number, op == _MUL or op == _DIV
                    exact = at >= 0 and chains[j, _B_AT] < 0
                    close = 2 if j == child and term and (inverse or (scaled and exact)) else 0
                elif not left_number and not right_number:
                    if op == _ADD or op == _SUB:
                        close = 1
                    elif op == _MUL or op == _DIV or op == _INV:
                        close = 2 if term else 0
                    elif op == _NEG:
                        close = 0
                if close > 0:
                    count = _close(room, count, j, close == 2)
            if (one_number and _ADD <= op <= _DIV) or (not right_number and (op == _NEG or op == _INV)):
                is_sum = op == _ADD or op == _SUB
                if not one_number:
                    child, value, at = right, 1.0 if op == _INV else -1.0, -1
                elif not is_sum and (
                    value == 0.0 or not math.isfinite(value) or not math.isfinite(1.0 / value)
                ):
                    return False
                for column in range(5):
                    chains[i, column] = chains[child, column]
                for column in range(4):
                    parts[i, column] = parts[child, column]
                if op == _INV or (op == _DIV and left_number):
                    parts[i, _A] = 1.0 / parts[i, _A]
                    chains[i, _A_SIGN] = -chains[i, _A_SIGN]
                    u = chains[i, _U]
                    if nodes[u, _OP] == _INV:
                        chains[i, _U] = nodes[u, _LEFT]
                    else:
                        chains[i, _U] = _new(room, count, _INV, u, u)
                        count += 1
                power = -1 if op == _DIV and not left_number else 1
                factor = value if power > 0 else 1.0 / value
                if is_sum:
                    factor = -1.0 if op == _SUB and left_number else 1.0
                for column in range(4):
                    parts[i, column] *= abs(factor) if column == _SIZE else factor
                chains[i, _B_ALONE] = 0
                if is_sum:
                    sign = -1.0 if op == _SUB and not left_number else 1.0
                    chains[i, _B_ALONE] = 1 if at >= 0 and sign > 0.0 and parts[i, _SIZE] == 0.0 else 0
                    parts[i, _B] += sign * value
                    parts[i, _SIZE] += abs(value)
                    if at >= 0:
                        chains[i, _B_AT], parts[i, _GAIN] = at, sign
                elif at >= 0 and (chains[i, _A_AT] < 0 or chains[i, _A_SIGN] < power):
                    chains[i, _A_AT], chains[i, _A_SIGN] = at, power
            elif op == _ROOT:
                chains[i, _U] = chains[right, _U]
            elif binary and op <= _DIV and not left_number and not right_number:
                count = _join(room, count, i, op, left, right)
            else:
                u, v = chains[left, _U], chains[right, _U]
                if op == _POW and one_number and right_number and nodes[u, _OP] == _POW:
                    p = room.numbers[nodes[u, _RIGHT]]
                    inner = nodes[u, _RIGHT]
                    free = nodes[inner, _OP] == CONSTANT
                    # With a whole p or pq, u may be negative.
                    if (
                        nodes[inner, _OP] <= LITERAL
                        and (free or at >= 0)
                        and p != math.floor(p)
                        and p * value != math.floor(p * value)
                        and abs(p) <= _LARGEST_INNER_POWER
                    ):
                        at = at if at >= 0 else nodes[inner, _MARKS + _AT]
                        u, v = nodes[u, _LEFT], count
                        _number(room, count, p * value, at, _FACTOR, 1, i)
                        count += 1
                chains[i, _U] = _new(room, count, op, u, v)
                count += 1
        chains[top, _STACK] = i
        top += 1
    return True


@bare_jit
def _join(room, count, i, op, left, right):
    """(a u + b) + (c v + d) is (a u + c v) + (b + d), and (a u) (c v) is (a c) (u v); how many nodes there are then."""
    chains, parts, nodes = room.chains, room.parts, room.nodes
    u, v, new = chains[left, _U], chains[right, _U], op
    a, c = parts[left, _A], parts[right, _A]
    is_plus = op == _ADD or op == _MUL
    if op == _ADD or op == _SUB:
        sign = 1.0 if is_plus else -1.0
        parts[i, _B] = parts[left, _B] + sign * parts[right, _B]
        parts[i, _SIZE] = parts[left, _SIZE] + parts[right, _SIZE]
        taken = left if chains[left, _B_AT] >= 0 else right
        own = 1.0 if taken == left else sign
        other = right if taken == left else left
        chains[i, _B_AT], parts[i, _GAIN] = chains[taken, _B_AT], own * parts[taken, _GAIN]
        chains[i, _B_ALONE] = chains[taken, _B_ALONE] if parts[other, _SIZE] == 0.0 and own > 0.0 else 0
        # What is left of a and c are minuses, which cost nothing here.
        new = _ADD if (a == c) == is_plus else _SUB
        parts[i, _A] = a
    else:
        parts[i, _A] = a * c if is_plus else a / c
        for j in range(2):
            child = left if j == 0 else right
            sign_j = chains[child, _A_SIGN] if j == 0 or is_plus else -chains[child, _A_SIGN]
            if chains[child, _A_AT] >= 0 and (chains[i, _A_AT] < 0 or chains[i, _A_SIGN] < sign_j):
                chains[i, _A_AT], chains[i, _A_SIGN] = chains[child, _A_AT], sign_j
        if nodes[v, _OP] == _INV:
            new, v = _DIV if is_plus else _MUL, nodes[v, _LEFT]
        elif nodes[u, _OP] == _INV and is_plus:
            new, u, v = _DIV, v, nodes[u, _LEFT]
    chains[i, _U] = _new(room, count, new, u, v)
    return count + 1


@bare_jit
def _close(room, count, i, whole):
    """Make a u + b one node; or a u, but for a minus. Returns how many nodes there are."""
    chains, parts, nodes = room.chains, room.parts, room.nodes
    u, a, b = chains[i, _U], parts[i, _A], parts[i, _B]
    a_at, b_at = chains[i, _A_AT], chains[i, _B_AT]
    minus = u >= 0 and a_at < 0 and a == -1.0
    if u >= 0 and not minus and (a_at >= 0 or a != 1.0):
        _number(room, count, a, a_at, _FACTOR, chains[i, _A_SIGN], i)
        inverse = nodes[u, _OP] == _INV
        u = nodes[u, _LEFT] if inverse else u
        u = _new(room, count + 1, _DIV if inverse else _MUL, count, u)
        count += 2
    chains[i, _A_AT], chains[i, _A_SIGN] = -1, 1
    parts[i, _A] = -1.0 if minus and not whole else 1.0
    if whole:
        x, y, join = u, u, minus
        if u < 0 or b_at >= 0 or b != 0.0:
            kind = _ALONE if chains[i, _B_ALONE] else _TERM
            y = _number(room, count, b, b_at, kind, 1, i)
            count += 1
            x, y, join = (y, u, u >= 0) if minus or u < 0 else (u, y, True)
        u = x
        if join:
            operator = _ADD if not minus else (_NEG if x == y else _SUB)
            u = _new(room, count, operator, x, y)
            count += 1
        for column in range(3):
            parts[i, _LAST_B + column] = parts[i, _B + column]
            parts[i, _B + column] = 0.0
        chains[i, _B_AT], chains[i, _B_ALONE] = -1, 0
    chains[i, _U] = u
    return count


@bare_jit
def _new(room, node, op, left, right):
    """Write a node, and return its place; what stands for the right operand of a leaf is its feature."""
    nodes = room.nodes
    nodes[node, _OP], nodes[node, _LEFT], nodes[node, _RIGHT] = op, left, right
    nodes[node, _ARG] = right if op == VARIABLE else 0
    room.numbers[node] = 0.0
    return node


@bare_jit
def _number(room, node, value, at, kind, sign, i):
    """Write a number, which the constant `at` is to take, or an exact one if that is -1; returns its place."""
    nodes = room.nodes
    nodes[node, _OP] = CONSTANT if at >= 0 else LITERAL
    nodes[node, _ARG], room.numbers[node] = 0, value
    nodes[node, _MARKS + _KIND], nodes[node, _MARKS + _AT] = kind, at
    nodes[node, _MARKS + _SIGN], nodes[node, _MARKS + _NODE] = sign, i
    return node
