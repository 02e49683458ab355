"""The Loss that a table is packed with: one of the family in `losses.py`, or a formula or function of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, derivative
from balmer.kernels.function_loss import LossFunction
from balmer.kernels.losses import FORMULA, FUNCTION, KINDS

__all__ = ["Loss"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """What a fit makes small.

    A formula is summed over the rows, times their weights; a function is called with all rows at once.

    Attributes
    ----------
    kind : of `balmer.kernels.losses.KINDS`, where there is neither a formula nor a function.
    scale : residual at which huber and log-cosh turn from squares to absolute values.
    formula : the loss of one row; feature 0 is the prediction, 1 the target, and 2, 3, ... are the last rows of X.
    extras : how many of the last rows of X are not features but columns of the formula.
    function : the loss of all rows.
    """

    kind: str = "squared"
    scale: float = 1.0
    formula: Expression | None = None
    extras: int = 0
    function: LossFunction | None = None

    @property
    def code(self) -> np.uint64:
        """The kind as the kernels know it."""
        if self.function is not None:
            return FUNCTION
        return FORMULA if self.formula is not None else KINDS[self.kind]

    @cached_property
    def programs(self) -> tuple[Expression, ...]:
        """The formula and its first and second derivative with respect to the prediction; empty without a formula."""
        if self.formula is None:
            return ()
        slope = derivative(self.formula, 0)
        return self.formula, slope, derivative(slope, 0)

    def check(self) -> None:
        """Raise what went wrong in the user's function since the last time.

        Raises
        ------
        ConfigError
            Naming the function.
        """
        if self.function is not None:
            self.function.check()
