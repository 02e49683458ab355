"""What is taken off a target: the first formulas of a table, and power laws with small whole exponents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import pi

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, apply, literal, variable
from balmer.search.powers import product_of_powers
from balmer.search.table import FormulaTable

__all__ = ["Pieces"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_DEGREE = 6  # sum of the sizes of the exponents
_WITH_FACTOR = 3  # of those that also come with the factors
_FACTORS = (0.5, 2.0, 2 * pi, 0.5 / pi, 4 * pi, 0.25 / pi)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Formulas by number: those of a table, and behind them products of features.

    Attributes
    ----------
    values : float64 array, shape (n, ROWS).
    dimensions : number of the dimension of each.
    n_table : the first so many stand in the table at the same place.
    """

    table: FormulaTable
    values: Floats
    dimensions: Places
    n_table: int
    features: tuple[int, ...]
    exponents: tuple[tuple[int, ...], ...]
    factors: tuple[float, ...]

    @classmethod
    def of(cls, table: FormulaTable, features: Sequence[int], monomials: int) -> Pieces:
        """All formulas of a table, and so many products of these features, the simple ones first."""
        found: list[tuple[tuple[int, ...], float, Floats, int]] = []
        known = table.dimensions
        for exponents in islice(_exponents(len(features), _DEGREE), monomials):
            values = np.ones(table.X.shape[1])
            dimension = 0
            for i, e in zip(features, exponents, strict=True):
                values = values * table.X[i] ** e
                power = known.power(known.features[i], Fraction(e)) if dimension >= 0 else -1
                dimension = known.product(dimension, power) if power >= 0 else -1
            degree = sum(map(abs, exponents))
            factors = (1.0, *_FACTORS) if degree <= _WITH_FACTOR else (1.0,)
            found += [(exponents, c, c * values, dimension) for c in factors if degree > 1 or c != 1.0]
        found = [f for f in found if np.isfinite(f[2]).all()]
        dimensions = np.empty(table.n, np.int64)
        for group in table.groups:
            dimensions[group.start : group.stop] = group.dimension
        return cls(
            table,
            np.vstack([table.values, *(f[2][None] for f in found)]),
            np.append(dimensions, np.array([f[3] for f in found], np.int64)),
            table.n,
            tuple(features),
            tuple(f[0] for f in found),
            tuple(f[1] for f in found),
        )

    @property
    def monomials(self) -> Places:
        """Numbers of the products."""
        return np.arange(self.n_table, len(self.values))

    def expression(self, number: int) -> Expression:
        """The formula of a number."""
        k = number - self.n_table
        if k < 0:
            return self.table.expression(number)
        bases = [variable(i) for i in self.features]
        product = product_of_powers(None, bases, [Fraction(e) for e in self.exponents[k]])
        factor = self.factors[k]
        return product if factor == 1.0 else apply("mul", literal(factor), product)


def _exponents(n: int, degree: int) -> Iterator[tuple[int, ...]]:
    """All whole exponents of n features, those of small degree first."""
    for total in range(1, degree + 1):
        yield from _of_degree(n, total)


def _of_degree(n: int, total: int) -> Iterator[tuple[int, ...]]:
    if n == 0:
        if total == 0:
            yield ()
        return
    for first in range(-total, total + 1):
        for rest in _of_degree(n - 1, total - abs(first)):
            yield (first, *rest)
