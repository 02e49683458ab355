"""The SearchSpace: which formulas are searched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from balmer.engines.settings import Settings
from balmer.errors import ConfigError
from balmer.expressions import Complexity, Constraints, CustomOperator, Expression
from balmer.expressions.operators import OPERATORS, operator_name

__all__ = ["SearchSpace"]

_SPELT = {"logexpm1": 4, "log1mexp": 5}  # nodes of log(exp(x) - 1) and log(1 - exp(-x)) without x


class SearchSpace(Settings):
    """The formulas that are searched.

    Attributes
    ----------
    operators : names or symbols from `balmer.expressions.OPERATORS`; a text is split at blanks and commas. With exp and
        log among them laws may contain logexpm1 and log1mexp, `safe_forms` of what would overflow.
    custom_operators : definitions such as ``"gauss(x) = exp(-x**2)"``, expanded into known operators.
    min_complexity, max_complexity : the smallest and the largest complexity of a law, by default the number of nodes
        with free constants counted twice.
    max_depth : nodes on the longest way from root to leaf.
    max_constants : free constants at most.
    complexity_of_operators, complexity_of_variables, complexity_of_constants, complexity_of_literals : costs.
        Variables cost the same, or each its own: by name, as in ``{"x": 3}`` (what is left out costs 1), or in a
        sequence in the order of the features.
    argument_constraints : by operator, the largest complexity of its argument, or of each argument, -1 where there is
        no limit: ``{"sin": 5, "pow": (-1, 3)}``. PySR's ``constraints``.
    nested_constraints : by outer and inner operator, how often the inner one may occur on any way down from the
        outer: with ``{"sin": {"sin": 0, "cos": 1}}`` no sin stands inside a sin. Operators count as they are in the
        table, so that what is inside a custom operator counts by itself.
    """

    operators: tuple[str, ...] = (
        "add",
        "sub",
        "mul",
        "div",
        "pow",
        "square",
        "sqrt",
        "exp",
        "log",
        "sin",
        "cos",
    )
    custom_operators: tuple[CustomOperator, ...] = ()
    min_complexity: int = Field(1, ge=1)
    max_complexity: int = Field(30, ge=1, le=200)
    max_depth: int = Field(12, ge=1, le=100)
    max_constants: int = Field(10, ge=0, le=24)
    complexity_of_operators: dict[str, int] = Field(default_factory=dict)
    complexity_of_variables: int | tuple[int, ...] | dict[str, int] = 1
    complexity_of_constants: int = Field(2, ge=1)
    complexity_of_literals: int = Field(1, ge=1)
    argument_constraints: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    nested_constraints: dict[str, dict[str, int]] = Field(default_factory=dict)

    @field_validator("operators", mode="before")
    @classmethod
    def _known_operators(cls, given: Any) -> tuple[str, ...]:
        words = re.split(r"[\s,]+", given.strip()) if isinstance(given, str) else list(given)
        names = tuple(dict.fromkeys(_operator(word) for word in words))
        if not names:
            raise ValueError("give at least one operator")
        return names

    @field_validator("complexity_of_operators")
    @classmethod
    def _known_costs(cls, given: dict[str, int]) -> dict[str, int]:
        return {_operator(word): cost for word, cost in given.items()}

    @field_validator("argument_constraints", mode="before")
    @classmethod
    def _known_arguments(cls, given: Any) -> dict[str, tuple[int, ...]]:
        if not isinstance(given, Mapping):
            raise ValueError('accepted is a mapping, such as {"sin": 5, "pow": (-1, 3)}')
        found: dict[str, tuple[int, ...]] = {}
        for word, limits in given.items():
            entry = OPERATORS[_operator(word)]
            numbers = (
                list(limits) if isinstance(limits, Sequence) and not isinstance(limits, str) else [limits]
            )
            if len(numbers) != entry.arity:
                raise ValueError(
                    f"{word} takes {entry.arity} argument{'s' * (entry.arity > 1)}: give a limit for each"
                )
            if not all(
                isinstance(n, int) and not isinstance(n, bool) and (n >= 1 or n == -1) for n in numbers
            ):
                raise ValueError(f"{word}: limits are whole numbers from 1, or -1 for none")
            found[entry.name] = tuple(numbers)
        return found

    @field_validator("nested_constraints", mode="before")
    @classmethod
    def _known_nesting(cls, given: Any) -> dict[str, dict[str, int]]:
        if not isinstance(given, Mapping) or not all(isinstance(inner, Mapping) for inner in given.values()):
            raise ValueError('accepted is a mapping of mappings, such as {"sin": {"sin": 0, "cos": 1}}')
        found: dict[str, dict[str, int]] = {}
        for outer, limits in given.items():
            for inner, most in limits.items():
                if not isinstance(most, int) or isinstance(most, bool) or most < -1:
                    raise ValueError(
                        f"{inner} inside {outer}: a whole number from 0, or -1 for no limit, is accepted"
                    )
                if most >= 0:
                    found.setdefault(_operator(outer), {})[_operator(inner)] = most
        return found

    @field_validator("custom_operators", mode="before")
    @classmethod
    def _definitions(cls, given: Any) -> tuple[CustomOperator, ...]:
        items = [given] if isinstance(given, str | CustomOperator) else list(given)
        try:
            return tuple(
                item if isinstance(item, CustomOperator) else CustomOperator.from_definition(item)
                for item in items
            )
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _sizes_make_sense(self) -> Self:
        of_variables = self.complexity_of_variables
        costs: Mapping[str, int] = of_variables if isinstance(of_variables, dict) else {}
        if not isinstance(of_variables, dict):
            numbers = of_variables if isinstance(of_variables, tuple) else (of_variables,)
            costs = {"a variable": min(numbers, default=1)}
        for name, cost in [*self.complexity_of_operators.items(), *costs.items()]:
            if cost < 1:
                raise ValueError(f"the complexity of {name} is {cost}; it must be a whole number from 1")
        if self.min_complexity > self.max_complexity:
            raise ValueError(
                f"min_complexity = {self.min_complexity} is above max_complexity = {self.max_complexity}"
            )
        return self

    def of_features(self, names: Sequence[str]) -> SearchSpace:
        """The space of formulas of these features, in which what was given by their names stands in their order.

        Raises
        ------
        ConfigError
            If a name is not among them, or a sequence has another length.
        """
        costs = self.complexity_of_variables
        if isinstance(costs, int):
            return self
        if isinstance(costs, dict):
            for name in costs:
                if name not in names:
                    raise ConfigError(
                        f"option complexity_of_variables: there is no feature {name!r}; features are {', '.join(names)}"
                    )
            costs = tuple(costs.get(name, 1) for name in names)
        if len(costs) != len(names):
            raise ConfigError(
                f"option complexity_of_variables: {len(costs)} costs are given for {len(names)} features"
            )
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return SearchSpace(**(given | {"complexity_of_variables": costs}))

    @cached_property
    def complexity(self) -> Complexity:
        """The costs as one object.

        Raises
        ------
        ConfigError
            If variables have costs by name, and whose names these are is not known (`of_features`).
        """
        if isinstance(self.complexity_of_variables, dict):
            raise ConfigError("complexity_of_variables by name has a meaning in a Problem only")
        return Complexity(
            {name: _SPELT[name] for name in self.safe_forms} | self.complexity_of_operators,
            self.complexity_of_variables,
            self.complexity_of_constants,
            self.complexity_of_literals,
        )

    @cached_property
    def constraints(self) -> Constraints:
        """What operators may be applied to, as one object."""
        return Constraints(self.argument_constraints, self.nested_constraints)

    @cached_property
    def drawn(self) -> frozenset[str]:
        """Names of the chosen operators and of those inside custom operators."""
        inside = (custom.body.operators for custom in self.custom_operators)
        return frozenset(self.operators).union(*inside)

    @cached_property
    def safe_forms(self) -> frozenset[str]:
        """What can be spelt with the chosen exp, log and sub but would overflow: it is searched as one operator.

        Each costs what its spelling does. Where exp or log is constrained, there are none.
        """
        spelt = {"exp", "log"} <= self.drawn and bool({"add", "sub"} & self.drawn)
        constrained = {*self.argument_constraints, *self.nested_constraints}.union(
            *self.nested_constraints.values()
        )
        if not spelt or {"exp", "log", "add", "sub"} & constrained:
            return frozenset()
        return frozenset(_SPELT) - self.drawn

    @cached_property
    def allowed(self) -> frozenset[str]:
        """Names of all operators a formula may contain."""
        return self.drawn | self.safe_forms

    def admits(self, expression: Expression) -> bool:
        """Whether a formula keeps to the operators, sizes and constraints."""
        return not self.refuses(expression)

    def refuses(self, expression: Expression) -> str:
        """Why a formula is not admitted, as a clause; empty if it is."""
        foreign = sorted(expression.operators - self.allowed)
        if foreign:
            return f"{foreign[0]} is not among the operators {' '.join(sorted(self.drawn))}"
        if expression.n_constants > self.max_constants:
            return f"it has {expression.n_constants} constants, above {self.max_constants}"
        complexity = self.complexity.of(expression)
        if not self.min_complexity <= complexity <= self.max_complexity:
            return f"its complexity of {complexity} is outside {self.min_complexity} to {self.max_complexity}"
        if expression.depth > self.max_depth:
            return f"its depth of {expression.depth} is above {self.max_depth}"
        return self.constraints.broken_by(expression, self.complexity)


def _operator(word: str) -> str:
    try:
        return operator_name(word)
    except ConfigError as error:
        raise ValueError(str(error)) from None


assert set(SearchSpace().operators) <= set(OPERATORS)
