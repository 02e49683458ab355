"""Complexity: what a formula costs, per operator, variable and constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from balmer.errors import ConfigError
from balmer.expressions.expression import Expression
from balmer.expressions.operators import CONSTANT, LITERAL, N_OPCODES, OPERATORS, VARIABLE, operator_name

__all__ = ["Complexity"]


@dataclass(frozen=True)
class Complexity:
    """Integer costs whose sum over the nodes is the complexity of a formula.

    A free constant costs 2 by default: a fitted number carries as much information as several exact
    symbols, so that ``B n^2/(n^2 - 4)`` is simpler than ``A/(n^2 - 4) + B``.
    """

    operators: Mapping[str, int] = field(default_factory=dict)
    variable: int = 1
    constant: int = 2
    literal: int = 1

    def __post_init__(self) -> None:
        costs = {operator_name(name): cost for name, cost in self.operators.items()}
        object.__setattr__(self, "operators", costs)
        everything = costs | {"variable": self.variable, "constant": self.constant, "literal": self.literal}
        for name, cost in everything.items():
            if cost < 1:
                raise ConfigError(f"the complexity of {name} is {cost}; it must be a whole number from 1")

    def table(self) -> NDArray[np.int64]:
        """Cost by opcode, shape (N_OPCODES,)."""
        costs = np.ones(N_OPCODES, dtype=np.int64)
        costs[CONSTANT], costs[LITERAL], costs[VARIABLE] = self.constant, self.literal, self.variable
        for name, cost in self.operators.items():
            costs[OPERATORS[name].code] = cost
        return costs

    def of(self, expression: Expression) -> int:
        """Complexity of one formula."""
        return int(self.table()[expression.ops].sum())
