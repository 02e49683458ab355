"""The dimensions that formulas of a table may have, as small numbers: 0 is a pure number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import lcm

from balmer.engines import Problem
from balmer.expressions import Expression, check_dimensions
from balmer.expressions.operators import UnitRule
from balmer.units import BASE, Dimension

__all__ = ["PURE", "Dimensions"]

PURE = 0
_MOST = 64  # dimensions; what has others is seldom part of a law, and sorting by dimension is what costs then
_REACH = 2  # exponents up to so many times the largest of a column

Vector = tuple[int, ...]


class Dimensions:
    """Gives every dimension a number, as long as it is simple; without units everything is pure.

    Attributes
    ----------
    features : the numbers of the features' dimensions.
    target : the number of the target's.
    """

    def __init__(self, problem: Problem) -> None:
        self._vectors: list[Vector] = []
        self._numbers: dict[Vector, int] = {}
        self._known: dict[tuple[object, ...], int] = {}
        columns: tuple[Dimension, ...] = ()
        if problem.check_units and problem.dimensions is not None:
            columns = problem.dimensions
        exponents = [e for d in columns for e in d.exponents]
        self._scale = 2 * lcm(*(e.denominator for e in exponents)) if exponents else 1
        self._largest = _REACH * max((abs(int(e * self._scale)) for e in exponents), default=0)
        self._intern((0,) * len(BASE))
        numbers = [self._intern(tuple(int(e * self._scale) for e in d.exponents)) for d in columns]
        n = problem.dataset.n_features
        self.features = numbers[:-1] if numbers else [PURE] * n
        self.target = numbers[-1] if numbers else PURE

    def __len__(self) -> int:
        return len(self._vectors)

    def power(self, a: int, exponent: Fraction) -> int:
        """Of a power, -1 if that is not simple."""
        return self._cached((exponent, a), lambda: [e * exponent for e in self._vectors[a]])

    def product(self, a: int, b: int, sign: int = 1) -> int:
        """Of a product, or with -1 a quotient; -1 if that is not simple."""
        first, second = self._vectors[a], self._vectors[b]
        return self._cached((sign, a, b), lambda: [p + sign * q for p, q in zip(first, second, strict=True)])

    def result(self, rule: UnitRule | None, power: Fraction, body: Expression, a: int, b: int) -> int:
        """Of an operator's value, -1 if the operands must not stand together or it is not simple.

        Parameters
        ----------
        rule, power, body : of the operator; without a rule the body is asked.
        a, b : numbers of the dimensions of the operands; b is a where there is one only.
        """
        match rule:
            case UnitRule.SAME:
                return a if a == b else -1
            case UnitRule.PRODUCT:
                return self.product(a, b)
            case UnitRule.QUOTIENT:
                return self.product(a, b, -1)
            case UnitRule.POWER:
                return self.power(a, power)
            case UnitRule.PURE | UnitRule.POW:
                return PURE if a == b == PURE else -1
        if a == b == PURE and len(self) == 1:
            return PURE
        key = (body, a, b)
        if key not in self._known:
            report = check_dimensions(body, [self._dimension(a), self._dimension(b)])
            exponents = report.dimension.exponents if report.dimension is not None else None
            self._known[key] = -1 if exponents is None else self._number([e * self._scale for e in exponents])
        return self._known[key]

    def _cached(self, key: tuple[object, ...], make: Callable[[], Sequence[Fraction | int]]) -> int:
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self._number(make())
        return number

    def _number(self, exponents: Sequence[Fraction | int]) -> int:
        if any(e.denominator != 1 for e in exponents):
            return -1
        vector = tuple(int(e) for e in exponents)
        if max(map(abs, vector)) > self._largest:
            return -1
        if vector not in self._numbers and len(self) >= _MOST:
            return -1
        return self._intern(vector)

    def _intern(self, vector: Vector) -> int:
        if vector not in self._numbers:
            self._numbers[vector] = len(self._vectors)
            self._vectors.append(vector)
        return self._numbers[vector]

    def _dimension(self, number: int) -> Dimension:
        exponents = (Fraction(e, self._scale) for e in self._vectors[number])
        return Dimension.from_mapping(dict(zip(BASE, exponents, strict=True)))
