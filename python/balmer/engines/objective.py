"""The Objective: what counts as a good formula."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from balmer.engines.settings import Settings

__all__ = ["Objective"]


class Objective(Settings):
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
