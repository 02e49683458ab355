"""The loss of a Problem: the factors of its rows, for the kernels, and row by row in NumPy."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.data import Digits, digits_of
from balmer.engines.objective import LOSS_COLUMNS, LOSS_NAMES
from balmer.errors import ConfigError
from balmer.expressions import Expression, check_dimensions, derivative, variable
from balmer.units import Dimension

if TYPE_CHECKING:
    from balmer.engines.problem import Problem
    from balmer.kernels import Loss

__all__ = ["Measure"]

Floats = NDArray[np.float64]
_WEIGHT, _SIGMA = 2, 3  # places in LOSS_COLUMNS
_PRECISE = (
    1e-13  # relative residual that counts as zero: a sum with cancellation has no more digits in float64
)
_UNITS, _ROWS_WITHIN = (
    2.0,
    0.9,
)  # half units that a row may be off, and the part of the rows that must not be more
_STEEPEST = 10.0  # power of a rounded feature, about, that a law may be like in half of the rows
_FAR = 0.01  # relative residual that is no rounding
_IN_THE_FAMILY = ("squared", "absolute")  # of losses that need no formula where there are uncertainties


class Measure:
    """What the loss of a formula is on the rows of a problem.

    Raises
    ------
    ConfigError
        If the loss cannot be that of these data: it is negative or has no value, it speaks of uncertainties that are
        not there, it is dimensionally wrong, or the function fails.

    Attributes
    ----------
    kind : the name of the loss; ``"formula"`` or ``"function"`` if it is the user's.
    formula : the loss of one row, of the columns of `LOSS_COLUMNS`; None where it is a function.
    uses_sigma : whether uncertainties stand in the formula.
    is_likelihood : whether the loss is a negative log-likelihood that the user has declared as such.
    scale_is_known : whether the size of the noise is known, by uncertainties or a declared likelihood.
    extras : columns that the kernels must be given beside the features, shape (n, n_counting_rows).
    weights : factors of the rows, shape (n_counting_rows,).
    """

    def __init__(self, problem: Problem) -> None:
        data, objective = problem.dataset, problem.objective
        self._problem = problem
        loss = objective.loss
        self.kind = loss if loss in LOSS_NAMES else "formula" if isinstance(loss, str) else "function"
        self._check_noise(problem)
        own_sigma = problem.row_scale
        given = objective.formula(with_sigma=own_sigma is not None, scale=_scale(problem))
        self.formula = None if given is None else _exact(given)
        uses = () if given is None else given.variables
        self.uses_sigma = _SIGMA in uses and data.sigma is not None
        self.is_likelihood = objective.likelihood and self.kind in ("formula", "function")
        self.scale_is_known = self.uses_sigma or self.is_likelihood
        n = len(problem.rows)
        self._trust = np.ones(n) if data.weights is None else np.abs(data.weights[problem.rows])
        if _SIGMA in uses and own_sigma is None:
            raise ConfigError(f"option loss = {loss!r} speaks of sigma, but the data have no uncertainties")
        self._sigma = np.ones(n) if own_sigma is None else own_sigma
        relative = self._trust / self._trust.sum()
        needs = [k for k in (_WEIGHT, _SIGMA) if k in uses and self.kind not in _IN_THE_FAMILY]
        self.extras = np.array([(self._trust, self._sigma)[k - _WEIGHT] for k in needs]).reshape(
            len(needs), n
        )
        self._needs = needs
        if self.kind == "absolute":
            self.weights: Floats = relative / self._sigma
        elif self.kind in ("squared", "function"):
            self.weights = relative / self._sigma**2
        else:
            self.weights = np.full(n, 1.0 / self._trust.sum()) if _WEIGHT in needs else relative
        if self.kind == "formula" and given is not None:
            self._check_units(given)
            self._check_values()
        if self.kind == "function":
            self._check_function()

    @cached_property
    def loss(self) -> Loss:
        """The loss as the kernels take it, with `columns` and `weights`."""
        from balmer.kernels import Loss, LossFunction  # numba is imported when it is needed

        objective = self._problem.objective
        if callable(objective.loss):
            return Loss(function=LossFunction(objective.loss))
        if self.kind in _IN_THE_FAMILY or (self.kind != "formula" and not self._needs):
            return Loss(self.kind, objective.delta * _scale(self._problem))
        assert self.formula is not None
        places = {column: 2 + k for k, column in enumerate(self._needs)}
        moved = self.formula.substitute([variable(places.get(k, k)) for k in range(len(LOSS_COLUMNS))])
        return Loss(formula=moved, extras=len(self._needs))

    def noise_floor(self, relative: float = _PRECISE) -> float:
        """Loss of residuals of that fraction of the target, or of half a unit of its last place where that is more.

        0 for a loss of the user's.
        """
        return self._of_sizes(np.maximum(np.abs(self._problem.y) * relative, self.half_units))

    @property
    def half_units(self) -> Floats:
        """Half a unit of the last place of the target, shape (n_counting_rows,); 0 where that is not known."""
        return self._half_units[0]

    def floor_of(self, expression: Expression, loss: float = 0.0) -> float:
        """The noise floor for one formula: features that were rounded like the target move its values, too.

        Parameters
        ----------
        loss : of the formula; where it is far above what rounding does, the floor is that of all.

        Notes
        -----
        A formula that is steep in most rows, as a rapid oscillation, would have an excuse for anything, and has none.
        """
        floor = self._problem.noise_floor
        if not self._half_units[1] or loss > self._of_sizes(_FAR * np.abs(self._problem.y)):
            return floor
        half = self._half_units_of(expression)
        if not np.median(half / self._ordinary) <= _STEEPEST:
            return floor
        return max(floor, self._of_sizes(half))

    def within_rounding(self, expression: Expression, loss: float) -> bool:
        """Whether a formula with that loss deviates by no more than the rounding of the table, in large and small rows.

        The loss alone says nothing of rows that are small beside others.
        """
        if not loss <= self.floor_of(expression, loss):
            return False
        if self._digits is None:
            return True
        known = self._known.get(expression)
        if known is None:
            from balmer.kernels import fit

            problem = self._problem
            half = self._half_units_of(expression)
            weights = self._trust / half**2
            # The fit has looked at the large rows only.
            found = fit(expression, problem.X, problem.y, weights / weights.sum())
            with np.errstate(all="ignore"):
                near = np.abs(found.expression.evaluate(problem.X) - problem.y) <= _UNITS * half
            known = self._known[expression] = bool(np.average(near, weights=self._trust) >= _ROWS_WITHIN)
        return known

    @cached_property
    def _known(self) -> dict[Expression, bool]:
        return {}

    @cached_property
    def _digits(self) -> Digits | None:
        """How the target was rounded."""
        return digits_of(self._problem.given_y)

    @cached_property
    def _half_units(self) -> tuple[Floats, dict[int, Floats]]:
        """Half a unit of the last place of the target, per row, and of the features that were rounded the same way.

        Features with other digits have been chosen, and are exact.
        """
        problem, digits = self._problem, self._digits
        if digits is None:
            return np.zeros_like(problem.y), {}
        factors = problem.feature_factors
        features = {
            i: digits.half_units(x) * factors[i]
            for i, x in enumerate(problem.given_X)
            if digits_of(x) == digits
        }
        return digits.half_units(problem.given_y) * problem.target_factor, features

    def _half_units_of(self, expression: Expression) -> Floats:
        """How far a formula may be from each row of the target, shape (n_counting_rows,)."""
        problem = self._problem
        target, features = self._half_units
        total = np.maximum(target, _PRECISE * np.abs(problem.y)) ** 2
        with np.errstate(all="ignore"):
            values = expression.evaluate(problem.X)
            for i in set(features).intersection(expression.variables):
                X = problem.X.copy()
                X[i] += features[i]
                total += np.nan_to_num(expression.evaluate(X) - values, posinf=0.0, neginf=0.0) ** 2
        # What is 0 is as exact as the rest is to float64.
        tiny = _PRECISE * np.sqrt(np.mean(problem.y**2))
        half: Floats = np.maximum(np.sqrt(total), tiny)
        return half

    @cached_property
    def _ordinary(self) -> Floats:
        """How far each row of the target may be from a law that is proportional to every rounded feature."""
        problem, digits = self._problem, self._digits
        target, features = self._half_units
        total = np.maximum(target, _PRECISE * np.abs(problem.y)) ** 2
        for i, half in features.items():
            x, y = np.abs(problem.X[i]), np.abs(problem.y)
            if digits is not None and digits.kind == "decimals":
                x, y = np.full_like(x, x.std()), np.full_like(y, y.std())
            with np.errstate(all="ignore"):
                total += np.nan_to_num(y * half / x, posinf=0.0) ** 2
        usual: Floats = np.maximum(np.sqrt(total), np.finfo(float).tiny)
        return usual

    def _of_sizes(self, residuals: Floats) -> float:
        """The loss of residuals; 0 for a loss of the user's."""
        if self.kind in ("formula", "function"):
            return 0.0
        size = residuals / self._sigma
        relative_weights = self._trust / self._trust.sum()
        return float(np.sum(relative_weights * (size if self.kind == "absolute" else size**2)))

    def of_rows(self, prediction: ArrayLike) -> Floats:
        """What each row adds to the loss, shape (n_counting_rows,); not for a function."""
        return self._rows(self.formula, prediction)

    def slope_of_rows(self, prediction: ArrayLike) -> Floats:
        """The derivative of `of_rows` with respect to the prediction; NaN at a kink."""
        return self._rows(self._slope, prediction)

    @cached_property
    def _slope(self) -> Expression:
        assert self.formula is not None
        return derivative(self.formula, 0)

    def _rows(self, formula: Expression | None, prediction: ArrayLike) -> Floats:
        assert formula is not None
        y = self._problem.y
        columns = np.array([np.broadcast_to(prediction, y.shape), y, self._trust, self._sigma])
        own = _WEIGHT in formula.variables or (_WEIGHT in self._needs)
        values: Floats = formula.evaluate(columns) / self._trust.sum()
        return values if own else values * self._trust

    @staticmethod
    def _check_noise(problem: Problem) -> None:
        objective = problem.objective
        if objective.noise == "constant":
            return
        if objective.loss != "squared":
            raise ConfigError(
                f"noise = 'relative' goes with the squared loss, and loss = {objective.loss!r} is given"
            )
        if problem.dataset.sigma is not None:
            raise ConfigError(
                f"noise = 'relative' is for noise of unknown size, and the uncertainties "
                f"'{problem.dataset.sigma_column and problem.dataset.sigma_column.name}' are given"
            )

    def _check_units(self, given: Expression) -> None:
        problem = self._problem
        target = problem.known_dimensions[-1]
        if not problem.check_units or target is None:
            return
        report = check_dimensions(given, (target, target, Dimension(), target), names=LOSS_COLUMNS)
        if not report:
            raise ConfigError(
                f"option loss = {problem.objective.loss!r} is dimensionally wrong: {report.reason}; divide by a number "
                f"with a decimal point, which may have any unit, or set units = 'ignore'"
            )

    def _check_values(self) -> None:
        """A loss that is negative, or has no value in some row whatever the prediction, is found before the search."""
        y, loss = self._problem.y, self._problem.objective.loss
        tried = [y, np.full_like(y, y.mean()), y + y.std(), y - y.std(), 2 * y, np.zeros_like(y)]
        values = np.array([self.of_rows(prediction) for prediction in tried])
        finite = np.isfinite(values)
        lost = np.flatnonzero(~finite.any(axis=0))
        if len(lost):
            row = int(self._problem.rows[lost[0]])
            raise ConfigError(
                f"option loss = {loss!r} has no value in row {row + 1}, where the target is {y[lost[0]]:g}"
            )
        low = np.where(finite, values, np.inf)
        least = np.unravel_index(low.argmin(), low.shape)
        if low[least] < -1e-9 * np.abs(values[finite]).max():
            raise ConfigError(
                f"option loss = {loss!r} is negative where the prediction is {tried[least[0]][least[1]]:g} and the "
                f"target {y[least[1]]:g}: a loss is 0 or more; subtract what it is where the two are equal"
            )

    def _check_function(self) -> None:
        """One that fails on harmless predictions is found before the search."""
        from balmer.kernels import losses

        problem = self._problem
        if problem.dataset.n_features:
            losses([variable(0)], problem.X, problem.y, self.weights, loss=self.loss)


def _exact(formula: Expression) -> Expression:
    """With its free constants as exact numbers: a loss is not fitted."""
    while formula.n_constants:
        formula = formula.fix(0, float(formula.constants[0]))
    return formula


def _scale(problem: Problem) -> float:
    """What a residual in the target's unit is multiplied by in the loss; 1 where it is counted in uncertainties."""
    return 1.0 if problem.sigma is not None else problem.target_factor
