"""What a search is asked: Problem = Dataset + SearchSpace + Objective, and the Budget it may spend.

They stand here, below `balmer.search` which offers them to users, because both engines read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from balmer.data import Column, Dataset
from balmer.engines.measure import Measure
from balmer.engines.objective import Objective
from balmer.engines.settings import Settings
from balmer.engines.space import SearchSpace
from balmer.errors import UnitError
from balmer.expressions import DimensionReport, Expression, check_dimensions
from balmer.units import Dimension, Unit, base_unit, solve_powers

if TYPE_CHECKING:
    from balmer.kernels import Loss

__all__ = ["Budget", "Objective", "Problem", "SearchSpace"]

_LEAST_RELATIVE = 1e-3  # of the median size of the target, below which relative noise has no smaller size


class Budget(Settings):
    """When to stop: whichever comes first. Only a budget in evaluations gives the same front on every machine.

    Attributes
    ----------
    seconds : wall time.
    evaluations : passes of a formula over the rows that are searched on.
    target_loss : stop at a formula with a loss of at most this.
    patience : stop when the front has not improved for that many evaluations; what lowers no size's loss by one part in
        10,000 is no improvement.
    """

    seconds: float | None = Field(None, gt=0)
    evaluations: int | None = Field(None, gt=0)
    target_loss: float | None = Field(None, ge=0)
    patience: int | None = Field(None, gt=0)

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
        If units are to be obeyed and a column has none, or constants are pure numbers and no formula can have the
        dimension of the target.
    ConfigError
        If the space speaks of features that the dataset does not have, or the loss cannot be that of these data.

    Notes
    -----
    What the space says of features by name stands in their order afterwards (`SearchSpace.of_features`).

    Formulas are of numbers in base scale: an angle in radians whatever its column counts, a percentage as a fraction
    (`balmer.units.Unit.factor`). So are `X`, `y` and `sigma`, and so are losses, the target of a search included;
    the dataset keeps the user's numbers.
    """

    dataset: Dataset
    space: SearchSpace = field(default_factory=SearchSpace)
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        object.__setattr__(self, "space", self.space.of_features(self.dataset.feature_names))
        if self.objective.units != "ignore":
            self._refuse_unusable_units()
        if self.objective.units in ("forbid", "penalise"):
            for name, unit in self.dataset.units.items():
                if unit is None:
                    raise UnitError(
                        f"column {name!r} has no unit, but units = {self.objective.units!r} needs one for every "
                        f"column; give it one ('1' where it is dimensionless) or set units = 'ignore'"
                    )
        self._check_that_units_can_match()
        if self.objective.loss != "squared" or self.objective.noise != "constant":
            _ = self.measure  # which says what is wrong with it

    @cached_property
    def measure(self) -> Measure:
        """What the loss of a formula is on these rows."""
        return Measure(self)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Indices of the rows that count: those whose weight is not zero."""
        weights = self.dataset.weights
        return np.arange(self.dataset.n_rows) if weights is None else np.flatnonzero(weights)

    @cached_property
    def X(self) -> NDArray[np.float64]:
        """Features in base scale, shape (n_features, n_counting_rows)."""
        X, factors = self.given_X, self.feature_factors
        return X if np.all(factors == 1.0) else X * factors[:, None]

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """Target in base scale, shape (n_counting_rows,)."""
        return self.given_y if self.target_factor == 1.0 else self.given_y * self.target_factor

    @cached_property
    def given_X(self) -> NDArray[np.float64]:
        """`X` as the table has it."""
        whole = len(self.rows) == self.dataset.n_rows
        return self.dataset.X if whole else np.ascontiguousarray(self.dataset.X[:, self.rows])

    @cached_property
    def given_y(self) -> NDArray[np.float64]:
        """`y` as the table has it."""
        return self.dataset.y if len(self.rows) == self.dataset.n_rows else self.dataset.y[self.rows]

    @cached_property
    def sigma(self) -> NDArray[np.float64] | None:
        """Uncertainties of `y`, shape (n_counting_rows,), where there are any."""
        if self.dataset.sigma is None:
            return None
        sigma = self.dataset.sigma[self.rows]
        return sigma if self.target_factor == 1.0 else sigma * self.target_factor

    @cached_property
    def feature_factors(self) -> NDArray[np.float64]:
        """What numbers of the features' columns are multiplied by to be those of `X`, shape (n_features,)."""
        return np.array([_factor(column) for column in self.dataset.features])

    @property
    def target_factor(self) -> float:
        """What a number of the target's column is multiplied by to be one of `y`."""
        return _factor(self.dataset.target)

    @cached_property
    def units(self) -> tuple[Unit | None, ...]:
        """Units of the rows of `X`, then of `y`; None where not known, or where no formula can use it."""
        columns = (*self.dataset.features, self.dataset.target)
        given = (column.unit for column in columns)
        return tuple(None if unit is None or unit.refusal else base_unit(unit) for unit in given)

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """What to look at before a search, each a sentence; see `balmer.engines.notices`."""
        from balmer.engines.notices import notices

        return notices(self)

    @property
    def loss(self) -> Loss:
        """The loss as the kernels take it, with `columns`, `y` and `weights`."""
        return self.measure.loss

    @cached_property
    def columns(self) -> NDArray[np.float64]:
        """`X`, and below it the columns that the loss needs, shape (n_features + loss.extras, n_counting_rows)."""
        extras = self.measure.extras
        return np.vstack([self.X, extras]) if len(extras) else self.X

    @property
    def weights(self) -> NDArray[np.float64]:
        """Factors of the rows in the loss, shape (n_counting_rows,); of the squared loss as in `square_weights`."""
        return self.measure.weights

    @cached_property
    def square_weights(self) -> NDArray[np.float64]:
        """Factors of squared residuals, shape (n_counting_rows,): 1/n, |w|/sum(|w|) or 1/(n sigma^2).

        Event weights may be negative. A search takes their sizes, or else it would be rewarded for being wrong
        where they are; the fit of a law that was found takes `signed_weights`.
        """
        w = np.abs(self._row_weights)
        w = w / w.sum()
        result: NDArray[np.float64] = w if self.row_scale is None else w / self.row_scale**2
        return result

    @cached_property
    def signed_weights(self) -> NDArray[np.float64]:
        """`square_weights` with the signs of the weights, their sum as before; the same where none is negative."""
        if not self.has_negative_weights:
            return self.square_weights
        w = self._row_weights / self._row_weights.sum()
        result: NDArray[np.float64] = w if self.row_scale is None else w / self.row_scale**2
        return result

    @cached_property
    def has_negative_weights(self) -> bool:
        """Whether some event weight is negative."""
        return bool(np.any(self._row_weights < 0))

    @cached_property
    def n_effective(self) -> float:
        """How many rows of equal weight say as much: (sum w)^2/sum(w^2) for event weights, else their number."""
        w = self._row_weights
        if self.dataset.weights_mean != "events":
            return float(len(w))
        return float(w.sum() ** 2 / np.sum(w**2))

    @cached_property
    def row_scale(self) -> NDArray[np.float64] | None:
        """Size of the noise of each row, shape (n_counting_rows,), up to a factor where the noise is relative.

        None where it is the same in all rows and not known. That of relative noise is the size of the target, which a
        fit replaces by that of the prediction; a target near zero counts with a thousandth of the median.
        """
        if self.sigma is not None:
            return self.sigma
        if self.objective.noise != "relative":
            return None
        size = np.abs(self.y)
        least = _LEAST_RELATIVE * float(np.median(size[size > 0]))
        return np.maximum(size, least)

    @cached_property
    def _row_weights(self) -> NDArray[np.float64]:
        weights = self.dataset.weights
        return np.ones(len(self.rows)) if weights is None else weights[self.rows]

    @cached_property
    def variance(self) -> float:
        """Squared loss of the best constant: what there is to explain."""
        mean = np.average(self.y, weights=self.square_weights)
        return float(np.sum(self.square_weights * (self.y - mean) ** 2))

    @cached_property
    def noise_floor(self) -> float:
        """Loss at which the digits of the target are the limit: there is nothing left to explain.

        The digits are those of float64, or those that the table was rounded to. 0 for a loss of the user's.
        """
        return self.measure.noise_floor()

    def is_exact(self, expression: Expression, loss: float) -> bool:
        """Whether a formula with that loss leaves nothing to explain: no more than the rounding of the table."""
        return self.measure.within_rounding(expression, loss)

    def _check_that_units_can_match(self) -> None:
        if self.objective.constants != "free" and not self._units_can_match():
            raise UnitError(
                f"no formula can match: {self._mismatch()}, and constants are pure numbers; look for a wrong unit in "
                f"{self._given_units()}, or set constants = 'free'"
            )

    @property
    def notice(self) -> str:
        """Why no formula of this search can match the target's unit, a sentence; empty where one may.

        A constant may bring in what the features lack, so there is something to say only of a search without constants.
        """
        return "" if self.space.max_constants > 0 else self.mismatch

    @cached_property
    def mismatch(self) -> str:
        """That no product of powers of the features has the target's dimension, a sentence; empty where one has."""
        if self._units_can_match():
            return ""
        return (
            f"no formula can match unless a constant brings in a unit: {self._mismatch()}; if the law has no such "
            f"constant, look for a wrong unit in {self._given_units()}"
        )

    def _units_can_match(self) -> bool:
        if not self.check_units or self.dimensions is None:
            return True
        *features, target = self.dimensions
        return solve_powers(target, features) is not None

    def _mismatch(self) -> str:
        assert self.dimensions is not None
        return (
            f"the target {self.dataset.target.name!r} has dimension {self.dimensions[-1]}, which no product of powers "
            f"of the features has"
        )

    def _given_units(self) -> str:
        return ", ".join(f"{column} [{unit}]" for column, unit in self.dataset.units.items())

    def _refuse_unusable_units(self) -> None:
        for name, unit in self.dataset.units.items():
            if unit is not None and unit.refusal:
                raise UnitError(
                    f"column {name!r}: {unit.refusal}, or search without its unit: units={{{name!r}: '1'}} "
                    f"(--units {name}=1) for this column, units='ignore' (--ignore-units) for all"
                )

    def dimension_report(self, expression: Expression) -> DimensionReport | None:
        """What the units of the columns say of a formula of the features.

        The dimension of a column without a unit is solved for like that of a constant, one for all its places. None
        where not all units are known and they are not checked.
        """
        if self.dimensions is None and not self.check_units:
            return None
        *features, target = self.known_dimensions
        pure = self.objective.constants == "dimensionless"
        return check_dimensions(
            expression,
            features,
            target,
            constants=(Dimension(),) * expression.n_constants if pure else None,
            names=self.dataset.feature_names,
        )

    @cached_property
    def check_units(self) -> bool:
        """Whether formulas must be dimensionally right, as far as units are known.

        Without a word of the user's they must where at least two columns have a unit: one alone can be compared with
        nothing.
        """
        choice = self.objective.units
        known = sum(dimension is not None for dimension in self.known_dimensions)
        enough = known == len(self.known_dimensions) or known >= 2
        return choice == "forbid" or (choice == "auto" and enough)

    @cached_property
    def known_dimensions(self) -> tuple[Dimension | None, ...]:
        """Dimensions of the features, then of the target; None for a column whose unit is not known."""
        return tuple(None if unit is None else unit.dimension for unit in self.units)

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...] | None:
        """Dimensions of the features, then of the target; None unless all are known."""
        known = tuple(dimension for dimension in self.known_dimensions if dimension is not None)
        return known if len(known) == len(self.known_dimensions) else None


def _factor(column: Column) -> float:
    return 1.0 if column.unit is None else column.unit.factor
