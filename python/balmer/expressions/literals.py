"""How an exact number is named: a whole number or simple ratio, times pi, sqrt(2), log(2) or the like, or a decimal.

Each multiple of such a base has one float, the one nearest to the true number, so that ``2*pi/3`` is the same literal
whether it is read, computed or recognised: `KnownNumber.value` gives it, `known_number` finds it again, also from
the one or two floats beside it that another order of operations ends at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache, partial
from typing import Any

__all__ = [
    "PI",
    "KnownNumber",
    "decimal_text",
    "exact_fraction",
    "known_number",
    "known_numbers",
    "simple_fraction",
]

PI = math.pi
_LARGEST_DENOMINATOR = 1000
_LARGEST_NUMERATOR = 1000  # of a multiple of a base; of a plain fraction there is no limit but the next
_LARGEST_WHOLE = 10**15
_NEIGHBOURS = 2  # units in the last place by which the order of operations may move a product


@dataclass(frozen=True, slots=True)
class _Base:
    """A number that has a name: what stands above and below the line in text and LaTeX, and its 50 digits."""

    above: str
    below: str
    latex_above: str
    latex_below: str
    exact: Fraction
    sympy: Callable[[Any], Any]  # of the module sympy

    @property
    def symbol(self) -> str:
        return f"1/{self.below}" if self.below else self.above


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """An exact number: a fraction times a base such as ``pi``, ``sqrt(2)`` or ``log(2)``, or ``1``."""

    fraction: Fraction
    symbol: str = "1"

    @property
    def is_rational(self) -> bool:
        return self.symbol == "1"

    @property
    def value(self) -> float:
        """The float nearest to it."""
        exact = self.fraction if self.is_rational else self.fraction * _bases()[self.symbol].exact
        return float(exact)

    @property
    def text(self) -> str:
        """As `parse` reads it back as one literal: ``2*pi/3``, ``1/sqrt(2*pi)``, ``-exp(1)``."""
        return _joined(*self._parts(latex=False), "*", "{}/{}", "({})")

    @property
    def latex(self) -> str:
        r"""As in ``\frac{2 \pi}{3}``."""
        return _joined(*self._parts(latex=True), " ", r"\frac{{{}}}{{{}}}", "{}")

    def sympy(self) -> Any:
        """The exact sympy number."""
        import sympy

        ratio = sympy.Rational(self.fraction.numerator, self.fraction.denominator)
        return ratio if self.is_rational else ratio * _bases()[self.symbol].sympy(sympy)

    def _parts(self, latex: bool) -> tuple[str, list[str], list[str]]:
        """Sign, factors above the line, factors below it."""
        n, m = abs(self.fraction.numerator), self.fraction.denominator
        above, below = [str(n)], [str(m)]
        if not self.is_rational:
            base = _bases()[self.symbol]
            above.append(base.latex_above if latex else base.above)
            below.append(base.latex_below if latex else base.below)
        sign = "-" if self.fraction < 0 else ""
        return sign, [f for f in above if f not in ("", "1")], [f for f in below if f not in ("", "1")]


def known_numbers() -> list[tuple[str, float]]:
    """The bases, other than 1, that a fitted constant may be a multiple of: (symbol, float).

    No two have a simple ratio.
    """
    return [(symbol, KnownNumber(Fraction(1), symbol).value) for symbol in _RECOGNISED]


@lru_cache(maxsize=4096)
def known_number(value: float) -> KnownNumber | None:
    """The simple multiple of a base that this float stands for, if there is one.

    A whole number or a simple fraction must be met exactly, an irrational number to two units in the last place;
    its numerator and denominator are at most 1000. That a float of another origin is among these has a chance of 1e-8.
    """
    ratio = simple_fraction(value)
    if ratio is not None:
        return KnownNumber(ratio)
    if not math.isfinite(value):
        return None
    found = []
    for symbol, base in _bases().items():
        quotient = value / float(base.exact)
        if not 1 / (2 * _LARGEST_DENOMINATOR) < abs(quotient) < 2 * _LARGEST_NUMERATOR:
            continue
        ratio = Fraction(quotient).limit_denominator(_LARGEST_DENOMINATOR)
        near = abs(ratio.numerator) <= _LARGEST_NUMERATOR and abs(float(ratio) - quotient) <= 1e-15 * abs(
            quotient
        )
        if near and abs(float(ratio * base.exact) - value) <= _NEIGHBOURS * math.ulp(value):
            found.append(KnownNumber(ratio, symbol))
    return min(found, key=lambda k: abs(k.fraction.numerator) + k.fraction.denominator, default=None)


def simple_fraction(value: float) -> Fraction | None:
    """The fraction with a denominator up to 1000 whose nearest float is ``value``, if there is one."""
    if not math.isfinite(value) or abs(value) > _LARGEST_WHOLE:
        return None
    ratio = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    return ratio if float(ratio) == value else None


def exact_fraction(value: float) -> Fraction:
    """The simple fraction, or else the decimal fraction that the shortest text of the float denotes.

    6.62607015e-34 is meant as 662607015/10^42, not as the binary fraction next to it.
    """
    simple = simple_fraction(value)
    return Fraction(repr(value)) if simple is None else simple


def decimal_text(value: float, digits: int | None = None) -> str:
    """A float with a decimal point or an exponent, which reads back exactly if ``digits`` is None."""
    text = repr(float(value)) if digits is None else f"{value:.{digits}g}"
    return text if any(c in text for c in ".en") else f"{text}.0"  # the n of inf and nan


# -- the bases -----------------------------------------------------------------------------------------------

_PI_DIGITS = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803"
_RECOGNISED = ("pi", "pi**2", "1/pi", "sqrt(pi)", "1/sqrt(2*pi)", "sqrt(2)", "sqrt(3)", "exp(1)", "log(2)")
_ROOTS = (2, 3, 5, 6, 10)
_LOGARITHMS = (2, 10)


@cache
def _bases() -> dict[str, _Base]:
    return {base.symbol: base for base in _all_bases()}


def _all_bases() -> Iterator[_Base]:
    """Powers of pi, roots, Euler's number and logarithms, each above and below the line."""
    exact = Context(prec=60)
    pi = Decimal(_PI_DIGITS)
    for k in (1, 2, 3, 4, 5):
        text, latex = ("pi", r"\pi") if k == 1 else (f"pi**{k}", rf"\pi^{{{k}}}")
        yield from _both(text, latex, exact.power(pi, k), partial(_power_of_pi, k))
    yield from _both("sqrt(pi)", r"\sqrt{\pi}", exact.sqrt(pi), lambda sp: sp.sqrt(sp.pi))
    root = exact.sqrt(exact.multiply(pi, Decimal(2)))
    yield from _both("sqrt(2*pi)", r"\sqrt{2 \pi}", root, lambda sp: sp.sqrt(2 * sp.pi))
    for n in _ROOTS:
        root = exact.sqrt(Decimal(n))
        yield from _both(f"sqrt({n})", rf"\sqrt{{{n}}}", root, partial(_function_of, "sqrt", n))
    for n, latex in ((1, "e"), (-1, "e^{-1}")):
        number = Fraction(exact.exp(Decimal(n)))
        yield _Base(f"exp({n})", "", latex, "", number, partial(_function_of, "exp", n))
    for n in _LOGARITHMS:
        logarithm = exact.ln(Decimal(n))
        yield from _both(f"log({n})", rf"\ln\left({n}\right)", logarithm, partial(_function_of, "log", n))


def _power_of_pi(k: int, sp: Any) -> Any:
    return sp.pi**k


def _function_of(name: str, n: int, sp: Any) -> Any:
    return getattr(sp, name)(n)


def _both(text: str, latex: str, number: Decimal, sympy: Callable[[Any], Any]) -> Iterator[_Base]:
    exact = Fraction(number)
    yield _Base(text, "", latex, "", exact, sympy)
    yield _Base("", text, "", latex, 1 / exact, lambda sp: 1 / sympy(sp))


def _joined(sign: str, above: list[str], below: list[str], times: str, ratio: str, several_below: str) -> str:
    top = times.join(above) or "1"
    if not below:
        return sign + top
    bottom = times.join(below)
    return sign + ratio.format(top, several_below.format(bottom) if len(below) > 1 else bottom)
