"""What a search is asked: Problem = Dataset + SearchSpace + Objective, and the Budget it may spend.

They stand here, below `balmer.search` which offers them to users, because both engines read them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from balmer.data import Dataset
from balmer.errors import ConfigError, UnitError
from balmer.expressions import Complexity, CustomOperator, Expression
from balmer.expressions.operators import OPERATORS, operator_name
from balmer.units import Dimension

__all__ = ["Budget", "Objective", "Problem", "SearchSpace"]

M = TypeVar("M", bound="_Settings")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    def read(cls: type[M], options: Mapping[str, Any]) -> M:
        """From options given by a user.

        Raises
        ------
        ConfigError
            One sentence that names the option, what was found and what is accepted.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or cls.__name__
            if first["type"] == "extra_forbidden":
                raise ConfigError(
                    f"there is no option {name!r}; known are {', '.join(cls.model_fields)}"
                ) from None
            text = re.sub("^Value error, ", "", first["msg"])
            raise ConfigError(f"option {name} = {first['input']!r}: {text}") from None


class SearchSpace(_Settings):
    """The formulas that are searched.

    Attributes
    ----------
    operators : names or symbols from `balmer.expressions.OPERATORS`; a text is split at blanks and commas.
    custom_operators : definitions such as ``"gauss(x) = exp(-x**2)"``, expanded into known operators.
    max_complexity : the largest complexity, by default the number of nodes with free constants counted twice.
    max_depth : nodes on the longest way from root to leaf.
    max_constants : free constants at most.
    complexity_of_operators, complexity_of_variables, complexity_of_constants, complexity_of_literals : costs.
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
    max_complexity: int = Field(30, ge=1, le=200)
    max_depth: int = Field(12, ge=1, le=100)
    max_constants: int = Field(10, ge=0, le=24)
    complexity_of_operators: dict[str, int] = Field(default_factory=dict)
    complexity_of_variables: int = Field(1, ge=1)
    complexity_of_constants: int = Field(2, ge=1)
    complexity_of_literals: int = Field(1, ge=1)

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
    def _costs_are_positive(self) -> Self:
        for name, cost in self.complexity_of_operators.items():
            if cost < 1:
                raise ValueError(f"the complexity of {name} is {cost}; it must be a whole number from 1")
        return self

    @cached_property
    def complexity(self) -> Complexity:
        """The costs as one object."""
        return Complexity(
            self.complexity_of_operators,
            self.complexity_of_variables,
            self.complexity_of_constants,
            self.complexity_of_literals,
        )

    @cached_property
    def allowed(self) -> frozenset[str]:
        """Names of all operators a formula may contain: the chosen ones and those inside custom operators."""
        inside = (custom.body.operators for custom in self.custom_operators)
        return frozenset(self.operators).union(*inside)

    def admits(self, expression: Expression) -> bool:
        """Whether a formula keeps to the operators and sizes."""
        return (
            expression.operators <= self.allowed
            and expression.n_constants <= self.max_constants
            and self.complexity.of(expression) <= self.max_complexity
            and expression.depth <= self.max_depth
        )


class Objective(_Settings):
    """What counts as a good formula.

    Attributes
    ----------
    loss : ``"squared"``, the weighted mean of squared residuals; with uncertainties, the mean of (residual/sigma)^2.
    units : ``"forbid"`` admits only dimensionally right formulas, ``"ignore"`` all; ``"auto"`` forbids where every
        column has a unit. ``"penalise"`` (Julia engine) lets wrong ones compete with a loss that grows with their
        distance in exponents.
    unit_penalty : of ``"penalise"``, for every exponent that is off by 1, in losses of the best constant.
    """

    loss: Literal["squared"] = "squared"
    units: Literal["auto", "forbid", "penalise", "ignore"] = "auto"
    unit_penalty: float = Field(1.0, gt=0, allow_inf_nan=False)


class Budget(_Settings):
    """When to stop: whichever comes first. Only a budget in evaluations gives the same front on every machine.

    Attributes
    ----------
    seconds : wall time.
    evaluations : passes of a formula over the rows that are searched on.
    target_loss : stop at a formula with a loss of at most this.
    """

    seconds: float | None = Field(None, gt=0)
    evaluations: int | None = Field(None, gt=0)
    target_loss: float | None = Field(None, ge=0)

    @field_validator("seconds", mode="before")
    @classmethod
    def _duration(cls, given: Any) -> Any:
        """Also texts such as "90s", "10m", "2h"."""
        match = (
            re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*(s|m|min|h)?\s*", given)
            if isinstance(given, str)
            else None
        )
        if isinstance(given, str):
            if not match:
                raise ValueError('accepted are seconds, or a text such as "90s", "10m", "2h"')
            return float(match[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600}[match[2] or "s"]
        return given


@dataclass(frozen=True)
class Problem:
    """A Dataset, the SearchSpace and the Objective.

    Raises
    ------
    UnitError
        If units are to be obeyed and a column has none.
    """

    dataset: Dataset
    space: SearchSpace = field(default_factory=SearchSpace)
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        if self.objective.units in ("forbid", "penalise"):
            for name, unit in self.dataset.units.items():
                if unit is None:
                    raise UnitError(
                        f"column {name!r} has no unit, but units = {self.objective.units!r} needs one for every "
                        f"column; give it one ('1' where it is dimensionless) or set units = 'ignore'"
                    )

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Indices of the rows that count: those of positive weight."""
        weights = self.dataset.weights
        return np.arange(self.dataset.n_rows) if weights is None else np.flatnonzero(weights > 0)

    @cached_property
    def X(self) -> NDArray[np.float64]:
        """Features, shape (n_features, n_counting_rows)."""
        whole = len(self.rows) == self.dataset.n_rows
        return self.dataset.X if whole else np.ascontiguousarray(self.dataset.X[:, self.rows])

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """Target, shape (n_counting_rows,)."""
        return self.dataset.y if len(self.rows) == self.dataset.n_rows else self.dataset.y[self.rows]

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Factors of the squared residuals in the loss, shape (n_counting_rows,): 1/n, w/sum(w) or 1/(n sigma^2)."""
        n = len(self.rows)
        w = np.full(n, 1.0 / n) if self.dataset.weights is None else self.dataset.weights[self.rows]
        w = w / w.sum()
        result: NDArray[np.float64] = (
            w if self.dataset.sigma is None else w / self.dataset.sigma[self.rows] ** 2
        )
        return result

    @cached_property
    def variance(self) -> float:
        """Loss of the best constant: what there is to explain."""
        mean = np.average(self.y, weights=self.weights)
        return float(np.sum(self.weights * (self.y - mean) ** 2))

    @cached_property
    def noise_floor(self) -> float:
        """Loss at which float64 itself is the limit: there is nothing left to explain."""
        return float(np.sum(self.weights * self.y**2)) * 1e-29

    @cached_property
    def check_units(self) -> bool:
        """Whether formulas must be dimensionally right."""
        choice = self.objective.units
        return choice == "forbid" or (choice == "auto" and self.dataset.has_all_units)

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...] | None:
        """Dimensions of the features, then of the target; None unless all are known."""
        if not self.dataset.has_all_units:
            return None
        units = [column.unit for column in (*self.dataset.features, self.dataset.target)]
        return tuple(unit.dimension for unit in units if unit is not None)


def _operator(word: str) -> str:
    try:
        return operator_name(word)
    except ConfigError as error:
        raise ValueError(str(error)) from None


assert set(SearchSpace().operators) <= set(OPERATORS)
