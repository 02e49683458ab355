"""Constraints on the shape of a candidate: sizes of arguments, and nesting. Compiled.

The same rules on an Expression are `balmer.expressions.Constraints`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.trees import cost_of, start_of
from balmer.engines.problem import SearchSpace
from balmer.expressions.operators import N_OPCODES, OPERATORS
from balmer.kernels.jit import bare_jit, jit

__all__ = ["ConstraintTable", "constraint_table", "obeys"]

_NO_LIMIT = np.iinfo(np.int64).max


class ConstraintTable(NamedTuple):
    """Constraints by opcode."""

    active: bool
    arguments: NDArray[np.int64]  # largest complexity of the first and second argument: (N_OPCODES, 2)
    nested: NDArray[np.int64]  # outer and inner opcode, how often at most: (n, 3)


def constraint_table(space: SearchSpace) -> ConstraintTable:
    """The constraints of a space."""
    arguments = np.full((N_OPCODES, 2), _NO_LIMIT, np.int64)
    for name, limits in space.argument_constraints.items():
        for k, most in enumerate(limits):
            arguments[OPERATORS[name].code, k] = most if most >= 0 else _NO_LIMIT
    nested = [
        (OPERATORS[outer].code, OPERATORS[inner].code, most)
        for outer, limits in space.nested_constraints.items()
        for inner, most in limits.items()
    ]
    active = bool(space.argument_constraints or nested)
    return ConstraintTable(active, arguments, np.array(nested, np.int64).reshape(-1, 3))


@bare_jit
def obeys(f, rules):
    """Whether the formula keeps to the constraints."""
    return _arguments_fit(f, rules) and _nesting_fits(f, rules)


@jit
def _arguments_fit(f, rules):
    limits = rules.constraints.arguments
    before = np.empty(f.n[0] + 1, np.int64)  # complexity of all nodes before each
    before[0] = 0
    for i in range(f.n[0]):
        before[i + 1] = before[i] + cost_of(f, i, rules.cost)
        op = f.ops[i]
        if rules.arity[op] > 0:
            last = start_of(f.ops, i - 1, rules.arity)
            if rules.arity[op] == 1:
                if before[i] - before[last] > limits[op, 0]:
                    return False
            else:
                first = start_of(f.ops, last - 1, rules.arity)
                if before[last] - before[first] > limits[op, 0] or before[i] - before[last] > limits[op, 1]:
                    return False
    return True


@jit
def _nesting_fits(f, rules):
    nested = rules.constraints.nested
    count = np.empty(f.n[0], np.int64)  # of the inner operator on the way down from each open operand
    for k in range(nested.shape[0]):
        top = 0
        for i in range(f.n[0]):
            op = f.ops[i]
            below = 0
            for _ in range(rules.arity[op]):
                top -= 1
                below = max(below, count[top])
            if op == nested[k, 0] and below > nested[k, 2]:
                return False
            count[top] = below + 1 if op == nested[k, 1] else below
            top += 1
    return True
