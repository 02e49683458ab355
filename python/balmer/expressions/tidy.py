"""What a reader expects: ``x - 2.5*y`` for ``x + (-2.5*y)``, ``5/(n - 4)`` for ``-5/(4 - n)``, no tanh(1/2)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from balmer.expressions.expression import Expression, apply, constant, literal
from balmer.expressions.literals import known_number
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, VARIABLE

__all__ = ["tidy", "with_plain_numbers"]

_EVEN = frozenset({"square", "abs", "cos", "cosh"})
_ODD = frozenset({"neg", "inv", "cube", "cbrt", "sin", "tan", "asin", "atan", "sinh", "tanh"})
_ALGEBRAIC = frozenset(
    {"add", "sub", "mul", "div", "neg", "abs", "inv", "square", "cube", "sqrt", "cbrt", "pow"}
)
_VARIES, _PLAIN, _ODD_NUMBER = range(3)
_Signed = tuple[bool, Expression]  # whether a minus stands before it


def tidy(expression: Expression, allowed: Collection[str]) -> Expression:
    """The same formula with as few minus signs as its sums and differences allow, and pairs of features in order.

    Values change at most in the sign of zero; the number of nodes never grows. ``allowed`` are the names of the
    operators that the result may use; what cannot do without another stays as it is.
    """
    sums = {"add", "sub"} <= set(allowed)

    def leaf(i: int) -> _Signed:
        op, value = expression.ops[i], float(expression.values[i])
        if op == VARIABLE or value >= 0 or value != value:
            return False, expression.subtree(i)
        return True, constant(-value) if op == CONSTANT else literal(-value)

    def node(i: int, below: list[_Signed]) -> _Signed:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        minuses = [minus for minus, _ in below]
        parts = [part for _, part in below]
        if name in ("mul", "div"):
            return minuses[0] != minuses[1], _apply(name, *parts)
        if name in ("add", "sub") and sums:
            return _sum(minuses[0], parts[0], minuses[1] != (name == "sub"), parts[1])
        if name in _EVEN:
            return False, apply(name, *parts)
        if name == "neg":
            # Two signs cancel; a minus that is left is put back by whoever needs it.
            return not minuses[0], parts[0]
        if name in _ODD:
            return minuses[0], apply(name, *parts)
        return False, _apply(name, *(_with_sign(minus, part) for minus, part in below))

    result = _with_sign(*expression.fold(leaf, node))
    usable = result.operators <= frozenset(allowed) | expression.operators
    return result if usable and len(result) <= len(expression) else expression


def with_plain_numbers(expression: Expression) -> Expression:
    """The formula with a free constant of the same value for every number such as cos(2) or tanh(1/2).

    A search comes upon them where a term inside a function falls away. They only spell what was fitted, and
    hide that it has an error. A number that has a name, as log(2) and sqrt(pi) have, becomes one exact number.
    """

    def leaf(i: int) -> tuple[int, Expression]:
        return (_PLAIN if expression.ops[i] == LITERAL else _VARIES), expression.subtree(i)

    def node(i: int, below: list[tuple[int, Expression]]) -> tuple[int, Expression]:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        kinds = [kind for kind, _ in below]
        if _VARIES in kinds:
            return _VARIES, apply(name, *(_plain(*part) for part in below))
        kind = _PLAIN if name in _ALGEBRAIC and _ODD_NUMBER not in kinds else _ODD_NUMBER
        return kind, apply(name, *(part for _, part in below))

    return _plain(*expression.fold(leaf, node))


def _plain(kind: int, part: Expression) -> Expression:
    if kind != _ODD_NUMBER:
        return part
    value = float(part.evaluate(np.zeros((0, 1)))[0])
    known = known_number(value)
    if known is not None and not known.is_rational:
        return literal(known.value)
    return constant(value) if np.isfinite(value) else part


def _sum(minus_a: bool, a: Expression, minus_b: bool, b: Expression) -> _Signed:
    if minus_a and minus_b:
        return True, _apply("add", a, b)
    if minus_a:
        return False, apply("sub", b, a)
    return False, _apply("sub" if minus_b else "add", a, b)


def _apply(name: str, *operands: Expression) -> Expression:
    """Two features that commute stand in their own order."""
    if name in ("add", "mul") and all(o.ops.tolist() == [VARIABLE] for o in operands):
        operands = tuple(sorted(operands, key=lambda o: int(o.args[0])))
    return apply(name, *operands)


def _with_sign(minus: bool, part: Expression) -> Expression:
    """Put a minus where it is shortest: into a number, or between the operands of a difference."""
    if not minus:
        return part
    if len(part) == 1 and part.ops[0] != VARIABLE:
        value = -float(part.values[0])
        return constant(value) if part.ops[0] == CONSTANT else literal(value)
    name = OPERATORS_BY_CODE[int(part.ops[-1])].name if part.ops[-1] > VARIABLE else ""
    if name == "sub":
        first, second = part.children()
        return apply("sub", second, first)
    if name in ("mul", "div"):
        first, second = part.children()
        options = [apply(name, _with_sign(True, first), second), apply(name, first, _with_sign(True, second))]
        best = min(options, key=lambda e: (len(e), int((e.values < 0).sum())))
        if len(best) == len(part):
            return best
    return apply("neg", part)
