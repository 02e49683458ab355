"""What is certain about the sign of a formula from the signs of its features."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from balmer.expressions.expression import Expression
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, VARIABLE

__all__ = ["Sign", "sign_of"]


class Sign(IntEnum):
    """What is known; each includes those above it. A value may always be NaN."""

    UNKNOWN = 0
    NONNEGATIVE = 1
    POSITIVE = 2


_POSITIVE = frozenset({"exp", "cosh"})
_NONNEGATIVE = frozenset({"square", "abs", "sqrt", "acos"})
# These keep the sign of what they are applied to.
_KEEPING = frozenset({"cube", "cbrt", "inv", "pow", "sinh", "tanh", "atan", "asin", "expm1", "log1p"})


def sign_of(expression: Expression, features: Sequence[Sign]) -> Sign:
    """The sign that the values certainly have where they are numbers.

    Parameters
    ----------
    features : sequence of Sign
        Of each feature; those that are left out are unknown.
    """

    def leaf(i: int) -> Sign:
        if expression.ops[i] == VARIABLE:
            k = int(expression.args[i])
            return features[k] if k < len(features) else Sign.UNKNOWN
        value = float(expression.values[i])
        return Sign.POSITIVE if value > 0 else Sign.NONNEGATIVE if value == 0 else Sign.UNKNOWN

    def node(i: int, below: list[Sign]) -> Sign:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        if name in _POSITIVE:
            return Sign.POSITIVE
        if name == "add":
            return max(below) if min(below) > Sign.UNKNOWN else Sign.UNKNOWN
        if name in ("mul", "div", "min"):
            return min(below)
        if name == "max":
            return max(below)
        if name in _NONNEGATIVE:
            return max(Sign.NONNEGATIVE, below[0] if name != "acos" else Sign.UNKNOWN)
        if name == "pow" and _is_even(expression.subtree(i).children()[1]):
            return max(Sign.NONNEGATIVE, below[0])
        return below[0] if name in _KEEPING else Sign.UNKNOWN

    return expression.fold(leaf, node)


def _is_even(exponent: Expression) -> bool:
    fixed = len(exponent) == 1 and exponent.ops[0] in (LITERAL, CONSTANT)
    return fixed and float(exponent.values[0]) % 2 == 0
