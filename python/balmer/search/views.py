"""The target seen through a function: of y = sqrt(u) the square is simple, of y = exp(u) the logarithm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, apply, express_in, literal

__all__ = ["IDENTITY", "View", "views"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A function of the target and its inverse.

    Attributes
    ----------
    name : of the function.
    function, derivative : of the values.
    low, high : outside these bounds, or at them, the function has no value or is not the inverse's inverse.
    undo : names of the operators that lead back, the first applied first.
    power : of the dimension; None where only pure numbers may go in.
    """

    name: str
    function: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    low: float
    high: float
    undo: tuple[str, ...]
    power: Fraction | None = None

    def of(self, values: Floats) -> Floats:
        """The function where it may be applied, else NaN."""
        with np.errstate(all="ignore"):
            inside = (values > self.low) & (values < self.high)
            seen: Floats = np.where(inside, self.function(values), np.nan)
        return seen

    def back(self, seen: Expression) -> Expression:
        """The formula of the values from that of the view."""
        for name in self.undo:
            seen = apply("div", literal(1.0), seen) if name == "inv" else apply(name, seen)
        return seen


_INF = float("inf")
IDENTITY = View("identity", lambda y: y, np.ones_like, -_INF, _INF, (), Fraction(1))
_VIEWS = (
    IDENTITY,
    View("inverse", lambda y: 1 / y, lambda y: -1 / y**2, -_INF, _INF, ("inv",), Fraction(-1)),
    View("square", np.square, lambda y: 2 * y, 0.0, _INF, ("sqrt",), Fraction(2)),
    View("inverse square", lambda y: 1 / y**2, lambda y: -2 / y**3, 0.0, _INF, ("sqrt", "inv"), Fraction(-2)),
    View("sqrt", np.sqrt, lambda y: 0.5 / np.sqrt(y), 0.0, _INF, ("square",), Fraction(1, 2)),
    View("inverse sqrt", lambda y: 1 / np.sqrt(y), lambda y: -0.5 * y**-1.5, 0.0, _INF, ("square", "inv"),
         Fraction(-1, 2)),
    View("log", np.log, lambda y: 1 / y, 0.0, _INF, ("exp",)),
    View("exp", np.exp, np.exp, -30.0, 30.0, ("log",)),
    View("asin", np.arcsin, lambda y: 1 / np.sqrt(1 - y**2), -1.0, 1.0, ("sin",)),
    View("acos", np.arccos, lambda y: -1 / np.sqrt(1 - y**2), -1.0, 1.0, ("cos",)),
    View("sin", np.sin, np.cos, -pi / 2, pi / 2, ("asin",)),
    View("cos", np.cos, lambda y: -np.sin(y), 0.0, pi, ("acos",)),
    View("tan", np.tan, lambda y: 1 / np.cos(y) ** 2, -pi / 2, pi / 2, ("atan",)),
    View("atan", np.arctan, lambda y: 1 / (1 + y**2), -_INF, _INF, ("tan",)),
    View("atanh", np.arctanh, lambda y: 1 / (1 - y**2), -1.0, 1.0, ("tanh",)),
    View("expm1", np.expm1, np.exp, -30.0, 30.0, ("log1p",)),
    View("log1p", np.log1p, lambda y: 1 / (1 + y), -1.0, _INF, ("expm1",)),
)  # fmt: skip
_ALGEBRAIC = ("sqrt", "square", "inv", "div")


def views(allowed: frozenset[str]) -> list[View]:
    """The views whose inverse can be written with these operators."""
    probe = literal(3.0)
    found = []
    for view in _VIEWS:
        names = {name for name in view.undo if name != "inv"}
        # What would be spelled by other functions, as tanh by exp, is the enumeration's business.
        if not names <= allowed | set(_ALGEBRAIC):
            continue
        if express_in(view.back(probe), allowed) is not None:
            found.append(view)
    return found
