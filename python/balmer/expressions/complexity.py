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
    variable: int | tuple[int, ...] = 1  # of all features, or of each
    constant: int = 2
    literal: int = 1

    def __post_init__(self) -> None:
        costs = {operator_name(name): cost for name, cost in self.operators.items()}
        object.__setattr__(self, "operators", costs)
        everything = costs | {"constant": self.constant, "literal": self.literal}
        variables = self.variable if isinstance(self.variable, tuple) else (self.variable,)
        for name, cost in [*everything.items(), *(("variable", cost) for cost in variables)]:
            if cost < 1:
                raise ConfigError(f"the complexity of {name} is {cost}; it must be a whole number from 1")

    def table(self, n_features: int = 0) -> NDArray[np.int64]:
        """Cost by opcode, followed by the cost of each feature: shape (N_OPCODES + n_features,).

        The entry of the opcode of variables itself holds where all features cost the same.
        """
        costs = np.ones(N_OPCODES + n_features, dtype=np.int64)
        costs[CONSTANT], costs[LITERAL] = self.constant, self.literal
        if n_features:
            costs[N_OPCODES:] = self.variable
        costs[VARIABLE] = 1 if isinstance(self.variable, tuple) else self.variable
        for name, cost in self.operators.items():
            costs[OPERATORS[name].code] = cost
        return costs

    def of_nodes(self, expression: Expression) -> NDArray[np.int64]:
        """Cost of each node, shape (n_nodes,)."""
        costs: NDArray[np.int64] = self.table()[expression.ops]
        if isinstance(self.variable, tuple):
            is_variable = expression.ops == VARIABLE
            costs[is_variable] = np.array(self.variable)[expression.args[is_variable]]
        return costs

    def of(self, expression: Expression) -> int:
        """Complexity of one formula."""
        return int(self.of_nodes(expression).sum())
