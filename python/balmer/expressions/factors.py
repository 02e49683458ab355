"""What a product is made of: a number, powers and exponentials,

    number * u1**p1 * u2**p2 * ... * exp(q1*v1 + q2*v2 + ...),

with exponents p that are exact (fractions) or fitted (floats).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from balmer.expressions.expression import Expression, literal
from balmer.expressions.literals import known_number, simple_fraction
from balmer.expressions.operators import CONSTANT, VARIABLE

__all__ = [
    "POWERS",
    "Exponent",
    "Keep",
    "Product",
    "as_number",
    "exponent_of",
    "finite",
    "merged",
    "number_of",
]

Exponent = Fraction | float  # exact, or fitted

POWERS = {"square": Fraction(2), "cube": Fraction(3), "sqrt": Fraction(1, 2), "inv": Fraction(-1)}


class Keep(Exception):
    """The region cannot be written with what is allowed, or in numbers that a float holds: it stays as it is."""


@dataclass
class Product:
    """What a product is made of."""

    free: float | None = None  # product of the free constants
    exact: list[float] = field(default_factory=list)
    powers: dict[Expression, Exponent] = field(default_factory=dict)
    exponentials: list[tuple[Exponent, Expression]] = field(default_factory=list)

    def times(self, other: Product) -> Product:
        free = (
            self.free if other.free is None else other.free if self.free is None else self.free * other.free
        )
        powers = dict(self.powers)
        for base, power in other.powers.items():
            powers[base] = powers.get(base, Fraction(0)) + power
        return Product(
            free,
            self.exact + other.exact,
            {base: p for base, p in powers.items() if isinstance(p, float) or p},
            self.exponentials + other.exponentials,
        )

    @property
    def value(self) -> float:
        """The number in front."""
        return math.prod(self.exact) * (1.0 if self.free is None else self.free)

    @property
    def bare(self) -> Product:
        """Without its number."""
        return Product(None, [], self.powers, self.exponentials)


def exponent_of(name: str, operands: Sequence[Expression]) -> Exponent | None:
    """The power to which an operator raises its first operand, where that is a number."""
    if name == "cbrt":
        return Fraction(1, 3)
    if name != "pow":
        return POWERS.get(name)
    exponent = operands[1]
    if len(exponent) != 1 or exponent.ops[0] == VARIABLE:
        return None
    value = float(exponent.values[0])
    return value if exponent.ops[0] == CONSTANT else simple_fraction(value)


def number_of(value: Fraction | float) -> Expression:
    return literal(float(value))


def as_number(power: Exponent) -> Product:
    return Product(free=power) if isinstance(power, float) else Product(exact=[float(power)])


def merged(values: Iterable[float]) -> list[float]:
    """Exact numbers multiplied as long as the product has a name; at least one number."""
    signs = 1.0
    parts: list[float] = []
    for value in values:
        signs *= math.copysign(1.0, value)
        parts.append(abs(value))
    found: list[float] = []
    for value in sorted(parts, key=lambda v: (known_number(v) is None, simple_fraction(v) is None, v)):
        for k, other in enumerate(found):
            product = known_number(other * value)
            if product is not None or None in (known_number(value), known_number(other)):
                found[k] = other * value if product is None else product.value
                break
        else:
            found.append(value)
    rest = [v for v in found if v != 1.0] or [1.0]
    return [signs * finite(rest[0]), *map(finite, rest[1:])]


def finite(value: Any) -> float:
    if isinstance(value, complex) or not math.isfinite(value) or (value == 0.0):
        raise Keep
    return float(value)
