"""Derivatives of formulas, as formulas."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from balmer.expressions.expression import Expression, apply, literal
from balmer.expressions.operators import LITERAL, OPERATORS_BY_CODE, VARIABLE
from balmer.expressions.parser import parse

__all__ = ["derivative", "partials"]

# With respect to each argument, in the grammar of `parse`. Where two sides meet in a kink they have no value.
_PARTIALS: Mapping[str, tuple[str, ...]] = {
    "add": ("1", "1"),
    "sub": ("1", "-1"),
    "mul": ("b", "a"),
    "div": ("1/b", "-a/b**2"),
    "pow": ("b*pow(a, b - 1)", "pow(a, b)*log(a)"),
    "min": ("(1 - (a - b)/abs(a - b))/2", "(1 + (a - b)/abs(a - b))/2"),
    "max": ("(1 + (a - b)/abs(a - b))/2", "(1 - (a - b)/abs(a - b))/2"),
    "neg": ("-1",),
    "abs": ("a/abs(a)",),
    "inv": ("-1/a**2",),
    "square": ("2*a",),
    "cube": ("3*a**2",),
    "sqrt": ("1/(2*sqrt(a))",),
    "cbrt": ("1/(3*cbrt(a)**2)",),
    "exp": ("exp(a)",),
    "log": ("1/a",),
    "expm1": ("exp(a)",),
    "log1p": ("1/(1 + a)",),
    "logexpm1": ("-1/expm1(-a)",),
    "log1mexp": ("1/expm1(a)",),
    "sin": ("cos(a)",),
    "cos": ("-sin(a)",),
    "tan": ("1 + tan(a)**2",),
    "asin": ("1/sqrt(1 - a**2)",),
    "acos": ("-1/sqrt(1 - a**2)",),
    "atan": ("1/(1 + a**2)",),
    "sinh": ("cosh(a)",),
    "cosh": ("sinh(a)",),
    "tanh": ("1 - tanh(a)**2",),
}


def derivative(expression: Expression, feature: int) -> Expression:
    """The partial derivative of a formula with respect to one feature, by the chain rule; not simplified further.

    It is NaN where there is none, as that of ``abs(x)`` at 0.
    """

    def leaf(i: int) -> tuple[Expression, Expression | None]:
        own = expression.ops[i] == VARIABLE and expression.args[i] == feature
        return expression.subtree(i), literal(1.0) if own else None

    def node(
        i: int, below: list[tuple[Expression, Expression | None]]
    ) -> tuple[Expression, Expression | None]:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        operands = [value for value, _ in below]
        total: Expression | None = None
        for k, (_, inner) in enumerate(below):
            if inner is not None:
                term = _times(_partial(name, k).substitute(operands), inner)
                total = term if total is None else apply("add", total, term)
        return apply(name, *operands), total

    return expression.fold(leaf, node)[1] or literal(0.0)


def partials(name: str) -> tuple[Expression, ...]:
    """The derivatives of an operator with respect to each argument, as formulas of its arguments."""
    return tuple(_partial(name, k) for k in range(len(_PARTIALS[name])))


def _times(a: Expression, b: Expression) -> Expression:
    for one, other in ((a, b), (b, a)):
        if len(one) == 1 and one.ops[0] == LITERAL and one.values[0] == 1.0:
            return other
    return apply("mul", a, b)


@cache
def _partial(name: str, argument: int) -> Expression:
    return parse(_PARTIALS[name][argument], ("a", "b"))
