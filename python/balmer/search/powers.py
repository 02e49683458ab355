"""Products of powers with simple exponents, written with as few operators as possible."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from balmer.expressions import Expression, apply, constant, literal

__all__ = ["product_of_powers"]

_NAMES = {Fraction(2): "square", Fraction(3): "cube", Fraction(1, 2): "sqrt"}


def product_of_powers(
    factor: float | None, bases: Sequence[Expression], powers: Sequence[Fraction]
) -> Expression:
    """factor * base^power * ... as one fraction.

    Parameters
    ----------
    factor : a free constant; None leaves it out.
    """
    above = [_power(b, p) for b, p in zip(bases, powers, strict=True) if p > 0]
    below = [_power(b, -p) for b, p in zip(bases, powers, strict=True) if p < 0]
    if factor is not None:
        above.insert(0, constant(factor))
    top = _product(above) if above else literal(1.0)
    return apply("div", top, _product(below)) if below else top


def _product(factors: Sequence[Expression]) -> Expression:
    result = factors[0]
    for factor in factors[1:]:
        result = apply("mul", result, factor)
    return result


def _power(base: Expression, power: Fraction) -> Expression:
    whole, rest = divmod(power, 1)
    if power == 1:
        return base
    if power in _NAMES:
        return apply(_NAMES[power], base)
    if power == 4:
        return apply("square", apply("square", base))
    if rest == Fraction(1, 2) and whole:
        return apply("mul", _power(base, Fraction(whole)), apply("sqrt", base))
    return apply("pow", base, literal(float(power)))
