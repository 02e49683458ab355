"""The Objective: what counts as a good formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator

from balmer.engines.settings import Settings
from balmer.errors import ConfigError
from balmer.expressions import Expression, apply, literal, parse
from balmer.expressions.operators import OPERATORS, OPERATORS_BY_CODE

__all__ = ["LOSS_COLUMNS", "LOSS_NAMES", "Objective"]

LOSS_NAMES = ("squared", "absolute", "huber", "log-cosh")
LOSS_COLUMNS = ("prediction", "target", "weight", "sigma")
_PREDICTION = 0
_SMALLEST = 1e-300  # of float64, with room to divide by it
# Of the residual u, in units of its uncertainty where that is known; huber and log-cosh are u^2 at small u.
_FORMULAS = {
    "squared": "{u}**2",
    "absolute": "abs({u})",
    "huber": "min(abs({u}), {d})*(2*abs({u}) - min(abs({u}), {d}))",
    "log-cosh": "2*{d}**2*(abs({u})/{d} + log1p(exp(-2*abs({u})/{d})) - log(2))",
}


class Objective(Settings):
    """What counts as a good formula.

    Attributes
    ----------
    loss : what is small for a good one. Prediction, target and sigma are in base scale: of a target in per cent, the
        loss is that of the fractions.

        - ``"squared"``, the weighted mean of squared residuals; with uncertainties, of (residual/sigma)^2;
        - ``"absolute"``, that of their absolute values; ``"huber"``, u^2 up to `delta` and 2 delta u - delta^2 beyond;
          ``"log-cosh"``, 2 delta^2 log(cosh(u/delta)); u is the residual, with uncertainties residual/sigma;
        - a formula of ``prediction`` and ``target``, as in ``"(prediction - target)**2/(1 + abs(target))"``, of which
          the weighted mean is taken. One that speaks of ``weight`` does its own weighting: its sum is divided by that
          of the weights. Uncertainties count only where it speaks of ``sigma``. Numbers in it are not fitted; one with
          a decimal point may have any unit. It must not be negative, and should be least at a right prediction;
        - a function ``f(prediction, target, weights) -> float`` of three arrays, shape (n_rows,), not negative. One
          compiled by ``numba.njit`` runs on all threads, a plain one on one at a time. The weights are those of the
          squared loss, ``sum(weights*(prediction - target)**2)``. Where only some rows are searched on, it is given
          these. Constants are fitted by least squares and then, in formulas that are good by the function, by a
          simplex search on the function itself.
    delta : of huber and log-cosh, in the unit of the target, or in uncertainties where these are known.
    units : ``"forbid"`` admits only dimensionally right formulas, ``"ignore"`` all; ``"auto"`` forbids where every
        column has a unit, and as far as units are known where at least two columns have one. ``"penalise"`` (Julia
        engine) lets wrong ones compete with a loss that grows with their
        distance in exponents.
    constants : ``"free"`` lets the free constants have any units, which are solved for and shown; ``"dimensionless"``
        makes them pure numbers, so that the features, constants of nature among them (`Dataset.with_nature`), must give
        the target its dimension.
    likelihood : whether a loss that is a formula or a function is a negative log-likelihood, its mean over the rows:
        criteria and errors are then those of this likelihood. Without, it counts as some square of residuals of
        unknown size. Named losses have their own. In a formula ``0*log(0)`` is 0, as in a cross-entropy.
    noise : what the squared loss takes the noise to be, where there are no uncertainties: ``"constant"``, of one size
        in all rows, or ``"relative"``, in each row the same fraction of the size of the prediction. The size is fitted.
        The relative loss is the mean square of relative residuals; see `balmer.search.noise`.
    exact_numbers : whether fitted constants may become exact numbers, as 3/2 or 2*pi, where the data prove them.
    unit_penalty : of ``"penalise"``, for every exponent that is off by 1, in losses of the best constant.
    """

    loss: str | Callable[..., Any] = "squared"
    delta: float = Field(1.0, gt=0, allow_inf_nan=False)
    units: Literal["auto", "forbid", "penalise", "ignore"] = "auto"
    constants: Literal["free", "dimensionless"] = "free"
    unit_penalty: float = Field(1.0, gt=0, allow_inf_nan=False)
    likelihood: bool = False
    noise: Literal["constant", "relative"] = "constant"
    exact_numbers: bool = True

    @field_validator("loss", mode="before")
    @classmethod
    def _known_loss(cls, given: Any) -> Any:
        accepted = (
            f"accepted are {', '.join(LOSS_NAMES)}, a formula of {', '.join(LOSS_COLUMNS)}, or a function"
        )
        if isinstance(given, str) and given not in LOSS_NAMES:
            try:
                formula = parse(given, LOSS_COLUMNS)
            except ConfigError as error:
                raise ValueError(f"{error}; {accepted}") from None
            if _PREDICTION not in formula.variables:
                raise ValueError("a loss is a formula of the prediction")
        elif not isinstance(given, str) and not callable(given):
            raise ValueError(accepted)
        return given

    def formula(self, *, with_sigma: bool, scale: float = 1.0) -> Expression | None:
        """The loss of one row, of `LOSS_COLUMNS`; None where it is a function. Decimals in it are free constants.

        Parameters
        ----------
        with_sigma : whether there are uncertainties.
        scale : of the residuals, if they are not in the unit of `delta`.
        """
        if not isinstance(self.loss, str):
            return None
        if self.loss not in LOSS_NAMES:
            return _with_safe_products(self._given)
        residual = "(prediction - target)" + "/sigma" * with_sigma
        text = _FORMULAS[self.loss].format(u=f"({residual})", d=f"exact({self.delta * scale!r})")
        return parse(text, LOSS_COLUMNS)

    @cached_property
    def _given(self) -> Expression:
        return parse(str(self.loss), LOSS_COLUMNS)


def _with_safe_products(formula: Expression) -> Expression:
    """The formula with 0 for every 0*log(0): of ``u*log(v)`` the logarithm is that of at least the smallest number.

    The root of v, times 0, keeps what has no value for negative v.
    """

    def node(i: int, below: list[Expression]) -> Expression:
        name = OPERATORS_BY_CODE[int(formula.ops[i])].name
        if name == "mul":
            below = [_safe_logarithm(part) for part in below]
        return apply(name, *below)

    return formula.fold(formula.subtree, node)


def _safe_logarithm(part: Expression) -> Expression:
    if int(part.ops[-1]) != OPERATORS["log"].code:
        return part
    (inner,) = part.children()
    never_zero = apply("max", inner, literal(_SMALLEST))
    return apply("add", apply("log", never_zero), apply("mul", literal(0.0), apply("sqrt", inner)))
