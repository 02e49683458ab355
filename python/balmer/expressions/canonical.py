"""One canonical form of a formula: ``m*v**2/2`` for ``m/2*v**2``, ``48*t`` for ``12*(4*t)``, ``c*exp(-k*t)``.

A formula is a tower of regions: sums, and products of powers, exponentials among them. From the leaves up every
region is taken apart (`products`, `sums`), like parts are brought together, and it is written again in one order:
numbers first, then features in the order of the columns, then functions; only the phase of a sinusoid stands last. A
region is written anew only if that costs no more, with two exceptions that show what a shorter spelling hides:
``c**u`` is ``exp(k*u)``, and a power of an exponential, as ``sqrt(exp(u))``, is ``exp(u/2)``. This is repeated until
nothing changes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Sequence

from balmer.expressions.complexity import Complexity
from balmer.expressions.expression import Expression, apply, constant
from balmer.expressions.factors import Keep, exponent_of, number_of
from balmer.expressions.literals import known_number
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS, OPERATORS_BY_CODE, operator_name
from balmer.expressions.products import Writer
from balmer.expressions.rewrite import express_in
from balmer.expressions.signs import Sign
from balmer.expressions.sums import phase_last, write_sum

__all__ = ["canonical"]

# What a part says that stays as it is: 1/0 and numbers beyond float64 are not worked out.
_NOT_TAKEN_APART = (Keep, OverflowError, ZeroDivisionError)
_MOST_ROUNDS = 8
_LARGEST = 200  # nodes
_POWERS = frozenset({"sqrt", "cbrt", "square", "cube", "pow"})
_PRODUCTS = frozenset({"mul", "div", "neg", "inv", "exp", "abs"}) | _POWERS
_ODD_OR_EVEN = frozenset({"sin", "tan", "asin", "atan", "sinh", "tanh", "cos", "cosh"})


def canonical(
    expression: Expression,
    *,
    nonnegative: Sequence[bool] = (),
    positive: Sequence[bool] = (),
    allowed: Collection[str] | None = None,
    complexity: Complexity | None = None,
) -> Expression:
    """The formula in its canonical form.

    Parameters
    ----------
    expression : Expression
    nonnegative, positive : sequence of bool
        For each feature, whether its values are never negative, or always positive; what is left out may be anything.
    allowed : collection of str, optional
        Names or symbols of the operators that the result may use beside those that the formula has; all without.
    complexity : Complexity, optional
        Costs of the nodes.

    Returns
    -------
    Expression
        Where the formula has a finite value the result has the same, up to rounding; where it has none, the result may
        have one. It has as many free constants or fewer, and is no more complex but for the two exceptions above. Its
        own canonical form is itself.
    """
    if len(expression) > _LARGEST:
        return expression
    names = OPERATORS.keys() if allowed is None else {operator_name(name) for name in allowed}
    signs = [
        Sign.POSITIVE if sure else Sign.NONNEGATIVE if half else Sign.UNKNOWN
        for sure, half in _flags(positive, nonnegative)
    ]
    price = complexity or Complexity()
    form = _Form(Writer(signs, frozenset(names) | expression.operators, price), price)
    seen = [expression]
    for _ in range(_MOST_ROUNDS):
        now = form.of(seen[-1])
        if now in seen:
            # A circle has one member that every other leads to.
            return min(seen[seen.index(now) :], key=lambda e: (price.of(e), e.text()))
        seen.append(now)
    return seen[-1]


def _flags(positive: Sequence[bool], nonnegative: Sequence[bool]) -> list[tuple[bool, bool]]:
    n = max(len(positive), len(nonnegative))
    sure = [*map(bool, positive), *[False] * (n - len(positive))]
    half = [*map(bool, nonnegative), *[False] * (n - len(nonnegative))]
    return list(zip(sure, half, strict=True))


class _Form:
    """One round over a formula."""

    def __init__(self, writer: Writer, price: Complexity) -> None:
        self.writer = writer
        self.price = price
        self.done: dict[Expression, Expression] = {}

    def of(self, expression: Expression) -> Expression:
        return expression.fold(
            expression.subtree,
            lambda i, below: self.rebuilt(OPERATORS_BY_CODE[int(expression.ops[i])].name, below),
        )

    def rebuilt(self, name: str, operands: list[Expression]) -> Expression:
        """An operator on operands that are canonical."""
        if name in ("sin", "cos"):
            with contextlib.suppress(*_NOT_TAKEN_APART):
                operands = [phase_last(operands[0], self.writer)]
        plain = apply(name, *operands)
        if plain not in self.done:
            self.done[plain] = self.written(name, operands, plain)
        return self.done[plain]

    def written(self, name: str, operands: list[Expression], plain: Expression) -> Expression:
        start = plain
        try:
            start = self.as_exponential(name, operands) or plain
            found = self.region(start)
        except _NOT_TAKEN_APART:
            return start
        if found is None or found == start:
            return start
        allowed = self.writer.allowed
        usable = found if found.operators <= allowed else express_in(found, allowed)
        if usable is None or usable.n_constants > plain.n_constants:
            return start
        return usable if self.price.of(usable) <= self.price.of(start) else start

    def region(self, e: Expression) -> Expression | None:
        """The region that ends here, written anew; None where there is nothing to write."""
        name = OPERATORS_BY_CODE[int(e.ops[-1])].name
        if name in ("add", "sub"):
            return write_sum(e, self.writer)
        if name in _PRODUCTS or name in _ODD_OR_EVEN:
            return self.writer.write(self.writer.product(e))
        if name == "log":
            (inner,) = e.children()
            return inner.children()[0] if inner.ops[-1] == OPERATORS["exp"].code else None
        if name in ("min", "max"):
            return apply(name, *sorted(e.children(), key=self.writer.order))
        return None

    def as_exponential(self, name: str, operands: list[Expression]) -> Expression | None:
        """``exp(k*u)`` for ``c**u`` and for powers of exponentials, whatever it costs."""
        if not {"exp", "mul"} <= self.writer.allowed:
            return None
        base = operands[0]
        if name == "pow" and operands[1].variables and base.ops.tolist() in ([CONSTANT], [LITERAL]):
            value, exponent = float(base.values[0]), operands[1]
            known = known_number(value) if base.ops[0] == LITERAL else None
            if known is not None and known.symbol in ("exp(1)", "exp(-1)") and abs(known.fraction) == 1:
                return apply("exp", exponent) if value > 1 else None
            if base.ops[0] == LITERAL or not value > 0 or value == 1.0 or not math.isfinite(value):
                return None
            return apply("exp", apply("mul", constant(math.log(value)), exponent))
        if name in _POWERS and base.ops[-1] == OPERATORS["exp"].code:
            power = exponent_of(name, operands)
            if power is not None:
                factor = constant(power) if isinstance(power, float) else number_of(power)
                return apply("exp", apply("mul", factor, base.children()[0]))
        return None
