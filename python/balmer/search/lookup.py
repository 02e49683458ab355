"""Look-ups in a table of formulas: which h gives z = a h + b, or z = C h^p g^q x^i y^j ... with features x, y ...

See `balmer.kernels.signatures` for how; what is found there on a few rows is confirmed here on all key rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, apply, constant, literal, variable
from balmer.expressions.operators import OPERATORS
from balmer.kernels.signatures import Index, fill, look_up, project
from balmer.search.powers import product_of_powers
from balmer.search.table import FormulaTable

__all__ = ["LINEAR_ROWS", "Lookup", "Shifts"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LINEAR_ROWS = 4  # key rows that z = a h + b is looked up by
_HITS = 64  # that one call may have
_POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)  # of g
_SIMPLE = tuple(Fraction(d) for d in (1, 2, 3))  # denominators of the other powers
_LARGEST_POWER = 12
_FLAT = 1e-5  # relative spread below which the digits of a formula do not suffice
_CLOSE = 1e-7  # relative agreement on all key rows


@dataclass(frozen=True)
class Shifts:
    """Residues of products g^q by which rests are divided, shape (n, 3); the first is none at all, with place -1."""

    residues: Floats
    places: Places
    powers: Floats

    def factors(self, m: int) -> list[tuple[int, float]]:
        """The g and q of a shift."""
        return [(int(self.places[m]), float(self.powers[m]))] if self.places[m] >= 0 else []


class Lookup:
    """The indices of a table.

    Parameters
    ----------
    table : of all small formulas.
    logs : features without zeros, of which products are made.

    Attributes
    ----------
    product_rows : how many of the key rows products are looked up by; 0 where there are too few rows for it.
    """

    def __init__(self, table: FormulaTable, logs: Sequence[int]) -> None:
        self.table, self.logs = table, list(logs)
        self._differences = np.hstack([-np.ones((3, 1)), np.eye(3)])
        self._linear, _ = _index(table.values, self._differences, False)
        matrix = _power_law_residues(table.X[self.logs])
        self.product_rows = 0 if matrix is None else matrix.shape[1]
        if matrix is not None:
            self._matrix = matrix
            self._product, self._distinct = _index(table.values, matrix, True)

    @property
    def distinct(self) -> Places:
        """Places of the formulas that differ by more than a power law, ascending."""
        return self._distinct if self.product_rows else np.arange(0)

    def shifts(self, most: int) -> Shifts:
        """By g^q for the first `most` distinct formulas g."""
        first = self.distinct[:most]
        none = np.zeros((1, 3))
        if not len(first):
            return Shifts(none, np.full(1, -1), np.zeros(1))
        powers = np.array(_POWERS)
        shifted = (self._product.residues[first][:, None, :] * powers[:, None]).reshape(-1, 3)
        return Shifts(
            np.ascontiguousarray(np.vstack([none, shifted])),
            np.append(-1, np.repeat(first, len(powers))),
            np.append(0.0, np.tile(powers, len(first))),
        )

    def linear(self, z: Floats) -> Places:
        """Candidates for a h + b, shape (n_hits, 3): number of the rest, 0, place of h.

        z : float64 array, shape (n, LINEAR_ROWS), the rests on the first key rows.
        """
        residues = np.empty((len(z), 3))
        project(np.ascontiguousarray(z), self._differences, False, residues)
        return _look_up(self._linear, residues, np.zeros((1, 3)), False)

    def product(self, z: Floats, shifts: Shifts) -> Places:
        """Candidates for products, shape (n_hits, 3): number of the rest, of the shift, place of h or -1.

        z : float64 array, shape (n, product_rows), the rests on the first key rows.
        """
        return _look_up(self._product, self._residues(z), shifts.residues, True)

    def triple_product(self, z: Floats, shifts: Shifts) -> Places:
        """Candidates for products with two shifts, shape (n_hits, 3): number of both shifts, place of h.

        z : float64 array, shape (1, product_rows).
        """
        rests = np.ascontiguousarray(self._residues(z) - shifts.residues)
        return _look_up(self._product, rests, shifts.residues, False)

    def _residues(self, z: Floats) -> Floats:
        residues = np.empty((len(z), 3))
        project(np.ascontiguousarray(z), self._matrix, True, residues)
        return residues

    def as_linear(self, z: Floats, place: int) -> Expression | None:
        """a h + b that equals z, shape (ROWS,), on all key rows."""
        h = self.table.values[place]
        i, j = int(np.argmin(h)), int(np.argmax(h))
        if not h[j] - h[i] > _FLAT * np.abs(h).max():
            return None
        a = (z[j] - z[i]) / (h[j] - h[i])
        b = z[i] - a * h[i]
        scale = np.abs(z) + abs(b)
        if not np.all(np.abs(a * h + b - z) <= _CLOSE * scale):
            return None
        formula = self.table.expression(place)
        if abs(a - 1.0) > _CLOSE:
            formula = apply("mul", constant(a), formula)
        return formula if abs(b) <= _CLOSE * np.abs(z).max() else apply("add", formula, constant(b))

    def as_product(self, z: Floats, place: int, factors: Sequence[tuple[int, float]]) -> Expression | None:
        """C h^p x^i y^j ... and the factors g^q, equal to z, shape (ROWS,), on all key rows, with simple powers."""
        X, values = self.table.X[self.logs], self.table.values
        bases, powers = [], []
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(np.abs(z))
            columns = [np.ones_like(log), *np.log(np.abs(X))]
            for g, q in factors:
                log = log - q * np.log(np.abs(values[g]))
                bases.append(self._positive(g))
                powers.append(Fraction(q))
            if place >= 0:
                columns.append(np.log(np.abs(values[place])))
        design = np.array(columns).T
        if not (np.isfinite(log).all() and np.isfinite(design).all()):
            return None  # a factor vanishes in a row, if not in those that it was found by
        solution = np.linalg.lstsq(design, log, rcond=None)[0]
        if not np.all(np.abs(design @ solution - log) <= _CLOSE):
            return None
        fractions = [_simple(p) for p in solution[1:]]
        if any(p is None for p in fractions):
            return None
        exact = [p for p in fractions if p is not None]
        last = [self._positive(place)] if place >= 0 else []
        bases = [*(variable(i) for i in self.logs), *last, *bases]
        powers = exact + powers
        factor = float(np.exp(solution[0]))
        plain = product_of_powers(None, bases, powers)
        with np.errstate(all="ignore"):
            ratio = z / plain.evaluate(self.table.X)
        if not np.all(np.abs(np.abs(ratio) - factor) <= 1e-6 * factor) or np.any(ratio[0] * ratio < 0):
            return None
        if abs(ratio[0] - 1.0) <= _CLOSE:
            return plain
        return product_of_powers(float(ratio[0]), bases, powers)

    def _positive(self, place: int) -> Expression:
        """The formula at a place, or its negative if that is what has roots."""
        formula = self.table.expression(place)
        if not np.all(self.table.values[place] < 0):
            return formula
        if formula.ops[-1] == OPERATORS["sub"].code:
            a, b = formula.children()
            return apply("sub", b, a)
        return apply("mul", literal(-1.0), formula)


def _look_up(index: Index, residues: Floats, shifts: Floats, vanishing: bool) -> Places:
    hits = np.empty((_HITS, 3), np.int64)
    n = look_up(index, residues, shifts, vanishing, hits)
    return hits[:n]


def _simple(power: float) -> Fraction | None:
    for denominator in _SIMPLE:
        nearest = Fraction(round(power * denominator)) / denominator
        if abs(power - float(nearest)) <= 1e-5 and abs(nearest) <= _LARGEST_POWER:
            return nearest
    return None


def _power_law_residues(X: Floats) -> Floats | None:
    """The matrix whose product with log|z| on the first rows vanishes for every power law; None without the rows."""
    basis = np.vstack([np.ones(X.shape[1]), np.log(np.abs(X))])
    p = len(basis)
    if p + 3 > X.shape[1] or len(np.unique(basis[:, : p + 3], axis=1).T) < p + 3:
        return None
    try:
        inverse = np.linalg.inv(basis[:, :p])
    except np.linalg.LinAlgError:
        return None
    coefficients = inverse @ basis[:, p : p + 3]
    if np.abs(coefficients).max() > 1e3:
        return None  # rows that hardly differ
    return np.ascontiguousarray(np.hstack([-coefficients.T, np.eye(3)]))


def _index(values: Floats, matrix: Floats, logarithm: bool) -> tuple[Index, Places]:
    """An index of all formulas, and the places of those in it."""
    n = len(values)
    residues = np.empty((n, 3))
    project(np.ascontiguousarray(values[:, : matrix.shape[1]]), matrix, logarithm, residues)
    slots = 1 << (2 * n).bit_length()
    index = Index(
        residues, np.empty(slots, np.uint64), np.full(slots, -1, np.int32), np.zeros(slots // 8, np.uint64)
    )
    fill(index)
    return index, np.sort(index.places[index.places >= 0]).astype(np.int64)
