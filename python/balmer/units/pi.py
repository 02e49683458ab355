"""Buckingham's theorem in exact arithmetic: dimensionless groups, and powers that make a wanted dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from balmer.units.dimension import BASE, Dimension

__all__ = ["pi_groups", "solve_powers"]


def pi_groups(dimensions: Sequence[Dimension]) -> list[tuple[int, ...]]:
    """Return the independent dimensionless products of powers of the given quantities.

    Parameters
    ----------
    dimensions : sequence of Dimension, length n
        The dimensions of the n quantities.

    Returns
    -------
    list of tuple of int
        Each of length n: the powers of one group. Together they are a basis, over the rationals, of all
        powers whose product is dimensionless: n minus the rank of the dimensional matrix of them. Each has
        greatest common divisor 1 and a positive first nonzero entry; entries are small, simple groups first.

    References
    ----------
    E. Buckingham, "On physically similar systems", Phys. Rev. 4, 345 (1914).
    """
    n = len(dimensions)
    rows, pivots = _reduced(_matrix(dimensions))
    basis = []
    for free in (j for j in range(n) if j not in pivots):
        vector = [Fraction(int(j == free)) for j in range(n)]
        for row, pivot in zip(rows, pivots, strict=False):
            vector[pivot] = -row[free]
        basis.append(_primitive(vector))
    return sorted(_shortened(basis), key=lambda group: (_size(group), [-power for power in group]))


def solve_powers(target: Dimension, dimensions: Sequence[Dimension]) -> tuple[Fraction, ...] | None:
    """Find powers p with ``prod(dimensions[i] ** p[i]) == target``, exactly.

    Parameters
    ----------
    target : Dimension
        The dimension to be made.
    dimensions : sequence of Dimension, length n
        What it may be made of.

    Returns
    -------
    tuple of Fraction, length n, or None
        None if it cannot be made. Where many solutions exist, the one in which only the first independent
        dimensions take part; the others differ from it by products of the `pi_groups`.
    """
    n = len(dimensions)
    rows, pivots = _reduced(_matrix([*dimensions, target]))
    if n in pivots:  # the target is independent of the others
        return None
    powers = [Fraction(0)] * n
    for row, pivot in zip(rows, pivots, strict=False):
        powers[pivot] = row[n]
    return tuple(powers)


def _matrix(dimensions: Sequence[Dimension]) -> list[list[Fraction]]:
    """Return the dimensional matrix: a row for each base quantity, a column for each dimension."""
    return [[dimension.exponents[i] for dimension in dimensions] for i in range(len(BASE))]


def _reduced(rows: list[list[Fraction]]) -> tuple[list[list[Fraction]], list[int]]:
    """Return the reduced row echelon form and the columns of its pivots (Gauss-Jordan over the rationals)."""
    pivots: list[int] = []
    for column in range(len(rows[0])):
        top = len(pivots)
        found = next((i for i in range(top, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[top], rows[found] = rows[found], rows[top]
        pivot = rows[top][column]
        rows[top] = [entry / pivot for entry in rows[top]]
        for i, row in enumerate(rows):
            if i != top and row[column]:
                factor = row[column]
                rows[i] = [a - factor * b for a, b in zip(row, rows[top], strict=True)]
        pivots.append(column)
        if len(pivots) == len(rows):
            break
    return rows, pivots


def _primitive(vector: Sequence[Fraction | int]) -> tuple[int, ...]:
    """Return the integer multiple with greatest common divisor 1 and a positive first nonzero entry."""
    exact = [Fraction(entry) for entry in vector]
    common = math.lcm(*(entry.denominator for entry in exact))
    whole = [int(entry * common) for entry in exact]
    divisor = math.gcd(*whole)
    if next(entry for entry in whole if entry) < 0:
        divisor = -divisor
    return tuple(entry // divisor for entry in whole)


def _shortened(basis: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Replace vectors by shorter combinations of two, while there are any: the span stays the same."""
    basis = list(basis)
    improved = True
    while improved:
        improved = False
        for i, vector in enumerate(basis):
            for j, other in enumerate(basis):
                if i == j:
                    continue
                for times in (-2, -1, 1, 2):
                    shorter = _primitive([a + times * b for a, b in zip(vector, other, strict=True)])
                    if _size(shorter) < _size(basis[i]):
                        basis[i] = vector = shorter
                        improved = True
    return basis


def _size(vector: Sequence[int]) -> tuple[int, int]:
    return sum(abs(entry) for entry in vector), max(abs(entry) for entry in vector)
