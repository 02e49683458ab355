"""One sinusoid in one normal form: of ``3*cos(1.7*t + 23.96)`` and ``3*sin(0.4*(17/4*t + 1))`` the shortest.

A sinusoid is a sin or cos of a sum of terms, each a number times something, and a phase:

    A sin(w u + phi),   w > 0,   -pi < phi <= pi,   A > 0 where a fitted phase can take up its sign.

Exact phases of a multiple of pi/2 vanish: sin(x + pi/2) is cos(x), and sin(x + pi) is -sin(x). With a fitted phase it
is a sine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from balmer.expressions.expression import Expression, apply, constant, literal
from balmer.expressions.literals import simple_fraction
from balmer.expressions.operators import OPERATORS_BY_CODE, VARIABLE

__all__ = ["Sinusoid", "Term", "sinusoids"]

_QUARTER = math.pi / 2
_EXACT = 1e-12  # quarters of a turn within which an exact phase is a whole number of them
_EVEN = frozenset({"square", "abs"})


@dataclass(frozen=True)
class Term:
    """A number times something. The number is a formula without features: a constant, 2, 2*pi."""

    number: Expression
    core: Expression

    @property
    def factor(self) -> float:
        return _value(self.number)

    def times(self, factor: float) -> Term:
        """With another factor: exact where it has a name and the old one was, else a free constant."""
        return replace(self, number=_number(factor, self.number.n_constants > 0))


@dataclass(frozen=True)
class Sinusoid:
    """sin(sum of terms + phase), a cosine where `is_cos`; `even` where its sign does not count, as in a square."""

    terms: tuple[Term, ...]
    phase: Expression
    is_cos: bool
    even: bool

    @property
    def period(self) -> float:
        """Of the phase."""
        return math.pi if self.even else 2 * math.pi

    def shifted(self, angle: float) -> Sinusoid:
        """With that much more phase."""
        if angle == 0.0:
            return self
        return replace(self, phase=constant(_value(self.phase) + angle))


Rewrite = Callable[[Sinusoid], Sinusoid]


def sinusoids(expression: Expression, allowed: Collection[str], rewrite: Rewrite | None = None) -> Expression:
    """The formula with every sinusoid in its normal form; the values stay, up to rounding.

    Parameters
    ----------
    allowed : names of the operators that the result may use.
    rewrite : what is made of each sinusoid before that.

    Notes
    -----
    Applied again, it changes nothing. An exact number that was multiplied by a free one becomes free: in
    ``sin(0.4*(17/4*t + 1))`` there are a frequency and a phase.
    """
    names = frozenset(allowed) | expression.operators

    def node(i: int, below: list[Expression]) -> Expression:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        plain = apply(name, *below)
        if name in ("sin", "cos"):
            even = i + 1 < len(expression) and _name(expression, i + 1) in _EVEN
            sinusoid = _read(below[0], name == "cos", even)
            if sinusoid is None:
                return plain
            written = _written(sinusoid if rewrite is None else rewrite(sinusoid), names)
            return plain if written is None else written
        return _signed(name, below, names)

    result = expression.fold(expression.subtree, node)
    return result if result.operators <= names and np.all(np.isfinite(result.values)) else expression


# -- reading ---------------------------------------------------------------------------------------------------------


def _read(argument: Expression, is_cos: bool, even: bool) -> Sinusoid | None:
    """None where the argument holds no feature."""
    terms, phase = _linear(argument)
    terms = [term for term in terms if term.factor != 0.0]
    return Sinusoid(tuple(terms), phase, is_cos, even) if terms else None


def _linear(e: Expression) -> tuple[list[Term], Expression]:
    """A formula as terms and a number."""
    one, zero = literal(1.0), literal(0.0)
    if not e.variables:
        return [], e
    if len(e) == 1:
        return [Term(one, e)], zero
    name, children = _name(e, len(e) - 1), e.children()
    if name in ("add", "sub"):
        (a, p), (b, q) = map(_linear, children)
        if name == "sub":
            b, q = [Term(_times(literal(-1.0), t.number), t.core) for t in b], _times(literal(-1.0), q)
        return _collected([*a, *b]), _plus(p, q)
    if name == "neg":
        return _multiplied(literal(-1.0), *_linear(children[0]))
    if name == "mul":
        for number, other in (children, children[::-1]):
            if not number.variables:
                return _multiplied(number, *_linear(other))
    if name == "div" and not children[1].variables and _value(children[1]) != 0.0:
        return _multiplied(_inverse(children[1]), *_linear(children[0]))
    return [Term(one, e)], zero


def _multiplied(number: Expression, terms: list[Term], phase: Expression) -> tuple[list[Term], Expression]:
    if number.n_constants and len(terms) > 1:  # c*(t + 2*z) has one free constant, and keeps it
        return [Term(number, _sum_of(terms))], _times(number, phase)
    return [Term(_times(number, t.number), t.core) for t in terms], _times(number, phase)


def _collected(terms: list[Term]) -> list[Term]:
    """One term for each core, in an order that does not depend on how they were written."""
    by_core: dict[Expression, Term] = {}
    for term in terms:
        before = by_core.get(term.core)
        number = term.number if before is None else _plus(before.number, term.number)
        by_core[term.core] = Term(number, term.core)
    return sorted(by_core.values(), key=lambda t: (t.core.variables, len(t.core), t.core.text()))


# -- numbers ---------------------------------------------------------------------------------------------------------


def _value(number: Expression) -> float:
    return float(number.evaluate(np.zeros((0, 1)))[0])


def _number(value: float, free: bool) -> Expression:
    return literal(value) if not free and simple_fraction(value) is not None else constant(value)


def _times(a: Expression, b: Expression) -> Expression:
    x, y = _value(a), _value(b)
    if a.n_constants or b.n_constants:
        return literal(0.0) if 0.0 in (x, y) else constant(x * y)
    if 1.0 in (x, y):
        return b if x == 1.0 else a
    if (
        simple_fraction(x) is not None
        and simple_fraction(y) is not None
        and simple_fraction(x * y) is not None
    ):
        return literal(x * y)
    return (
        literal(-y if x == -1.0 else -x) if -1.0 in (x, y) and len(a) == len(b) == 1 else apply("mul", a, b)
    )


def _plus(a: Expression, b: Expression) -> Expression:
    x, y = _value(a), _value(b)
    if 0.0 in (x, y):
        return b if x == 0.0 else a
    if a.n_constants or b.n_constants:
        return constant(x + y)
    if (
        simple_fraction(x) is not None
        and simple_fraction(y) is not None
        and simple_fraction(x + y) is not None
    ):
        return literal(x + y)
    return apply("add", a, b)


def _inverse(number: Expression) -> Expression:
    value = 1.0 / _value(number)
    if number.n_constants or simple_fraction(value) is not None:
        return _number(value, number.n_constants > 0)
    return apply("div", literal(1.0), number)


# -- writing ---------------------------------------------------------------------------------------------------------


def _written(s: Sinusoid, names: frozenset[str]) -> Expression | None:
    """The normal form; None where that needs an operator that is not allowed."""
    phase, free, is_cos, negative = _value(s.phase), s.phase.n_constants > 0, s.is_cos, False
    shown = s.phase
    terms = [term for term in s.terms if term.factor != 0.0]
    if not math.isfinite(phase):
        return None
    if not terms:
        return constant(math.cos(phase) if is_cos else math.sin(phase))
    backwards = terms[0].factor < 0
    if backwards:
        terms = [Term(_times(literal(-1.0), t.number), t.core) for t in terms]
    # From here on in terms of the sine: cos(u) = sin(u + pi/2), sin(-u + p) = sin(u + pi - p).
    angle = phase + _QUARTER * is_cos
    angle = math.pi - angle if backwards else angle
    quarters = angle / _QUARTER
    if not free and abs(quarters - round(quarters)) <= _EXACT * max(1.0, abs(quarters)):
        turn = round(quarters) % 4
        is_cos, negative = turn % 2 == 1, turn >= 2 and not s.even
        shown = literal(0.0)
    elif not free and abs(phase) <= math.pi:
        shown = _times(literal(-1.0), shown) if backwards else shown
        negative = backwards and not is_cos and not s.even
    else:
        is_cos = "sin" not in names
        angle = _wrapped(angle - _QUARTER * is_cos, s.period)
        shown = constant(angle) if angle else literal(0.0)
    inner = _with_phase(_sum_of(terms), shown, names)
    result = apply("cos" if is_cos else "sin", inner)
    return apply("neg", result) if negative else result


def _wrapped(angle: float, period: float) -> float:
    """The same angle in (-period/2, period/2]."""
    turned = math.remainder(angle, period)
    return period / 2 if turned <= -period / 2 else turned


def _sum_of(terms: list[Term]) -> Expression:
    total = _term(terms[0], abs_value=False)
    for term in terms[1:]:
        minus = term.factor < 0
        total = apply("sub" if minus else "add", total, _term(term, abs_value=minus))
    return total


def _term(term: Term, *, abs_value: bool) -> Expression:
    number = _times(literal(-1.0), term.number) if abs_value else term.number
    return term.core if len(number) == 1 and not number.n_constants and _value(number) == 1.0 else apply(
        "mul", number, term.core
    )  # fmt: skip


def _with_phase(inner: Expression, phase: Expression, names: frozenset[str]) -> Expression:
    value = _value(phase)
    if value == 0.0:
        return inner
    if value < 0 and "sub" in names:
        return apply("sub", inner, _times(literal(-1.0), phase))
    return apply("add", inner, phase)


# -- signs that a fitted phase takes up --------------------------------------------------------------------------------


def _signed(name: str, below: list[Expression], names: frozenset[str]) -> Expression:
    """An operator, where a minus before a sinusoid with a fitted phase becomes half a turn."""
    whole = apply(name, *below)
    if name in ("mul", "div"):
        while (positive := _without_minus(whole)) is not None and (
            turned := _turned(positive, names)
        ) is not None:
            whole = turned
        return whole
    if name == "neg":
        turned = _turned(below[0], names)
        return whole if turned is None else turned
    if name == "sub" and "add" in names:
        turned = _turned(below[1], names)
        return whole if turned is None else apply("add", below[0], turned)
    return whole


def _without_minus(e: Expression) -> Expression | None:
    """A product without the sign of one of its numbers; None where all are positive."""
    if len(e) == 1:
        return None if e.ops[0] == VARIABLE or e.values[0] >= 0 else Expression(e.ops, e.args, -e.values)
    name = _name(e, len(e) - 1)
    if name == "neg":
        return e.children()[0]
    return _with_one_changed(e, _without_minus) if name in ("mul", "div") else None


def _turned(e: Expression, names: frozenset[str]) -> Expression | None:
    """Minus a product, by half a turn of a sinusoid in it; None where there is none with a fitted phase."""
    name = _name(e, len(e) - 1) if len(e) > 1 else ""
    if name in ("sin", "cos"):
        sinusoid = _read(e.children()[0], name == "cos", even=False)
        if sinusoid is None or not sinusoid.phase.n_constants:
            return None
        return _written(sinusoid.shifted(math.pi), names)
    return _with_one_changed(e, lambda part: _turned(part, names)) if name in ("mul", "div") else None


def _with_one_changed(e: Expression, change: Callable[[Expression], Expression | None]) -> Expression | None:
    a, b = e.children()
    name = _name(e, len(e) - 1)
    new = change(a)
    if new is not None:
        return apply(name, new, b)
    new = change(b)
    return None if new is None else apply(name, a, new)


def _name(e: Expression, place: int) -> str:
    op = int(e.ops[place])
    return OPERATORS_BY_CODE[op].name if op in OPERATORS_BY_CODE else ""
