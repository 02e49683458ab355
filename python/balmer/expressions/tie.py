"""Two free constants in a fixed ratio become one: ``A + 4 A/(n^2 - 4)`` is ``A n^2/(n^2 - 4)``."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Any

from balmer.errors import ConfigError
from balmer.expressions.expression import Expression
from balmer.expressions.rewrite import express_in
from balmer.expressions.simplify import spellings, sympy_failures
from balmer.expressions.sympy_bridge import from_sympy, to_sympy

__all__ = ["tie"]


def tie(
    expression: Expression,
    first: int,
    second: int,
    ratio: Fraction,
    n_features: int,
    allowed: Collection[str],
) -> list[Expression]:
    """Spellings of the formula in which constant ``second`` is ``ratio`` times constant ``first``.

    Parameters
    ----------
    first, second : int
        Numbers of two free constants, in postfix order.
    ratio : Fraction
    n_features : int
    allowed : collection of str
        Names of the operators that the result may use.

    Returns
    -------
    list of Expression with one free constant less; empty if sympy finds no form in which the constant stands once.
    """
    import sympy

    values = expression.constants
    dummies = [sympy.Dummy(f"c{k}", real=True) for k in range(len(values))]
    known = {symbol: float(value) for symbol, value in zip(dummies, values, strict=True)}
    constants: list[Any] = list(dummies)
    constants[second] = sympy.Rational(ratio.numerator, ratio.denominator) * dummies[first]
    names = [f"x{k}" for k in range(n_features)]
    found: list[Expression] = []
    failures: tuple[type[Exception], ...] = (ConfigError, *sympy_failures())
    try:
        for form in spellings(to_sympy(expression, names, [False] * n_features, constants)):
            try:
                candidate = express_in(from_sympy(form, names, known), allowed)
            except ConfigError:
                continue
            if candidate is not None and candidate.n_constants < len(values) and candidate not in found:
                found.append(candidate)
    except failures:
        return found
    return found
