"""Look-ups in a table of formulas: which h gives z = a h + b, or z = C h^p g^q x^i y^j ... with features x, y ...

See `balmer.kernels.signatures` for how; what is found there on a few rows is confirmed here on all key rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, apply, constant, variable
from balmer.kernels.signatures import Index, fill, look_up, project
from balmer.search.powers import product_of_powers
from balmer.search.table import FormulaTable

__all__ = ["LINEAR_ROWS", "Lookup"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LINEAR_ROWS = 4  # key rows that z = a h + b is looked up by
_HITS = 64  # that one call may have
_POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)  # of g
_SIMPLE = tuple(Fraction(d) for d in (1, 2, 3))  # denominators of the other powers
_LARGEST_POWER = 12
_CLOSE = 1e-7  # relative agreement on all key rows


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
        self.shifts_none = np.zeros((1, 3)), [(-1, 0.0)]

    def shifts(self, most: int) -> tuple[Floats, list[tuple[int, float]]]:
        """Residues of g^q for the first `most` formulas g that differ by more than a power law, after none at all."""
        rows, names = self.shifts_none
        if not self.product_rows or most == 0:
            return rows, names
        first = self._distinct[:most]
        powers = np.array(_POWERS)
        shifted = (self._product.residues[first][:, None, :] * powers[:, None]).reshape(-1, 3)
        more = [(int(g), float(q)) for g in first for q in _POWERS]
        return np.ascontiguousarray(np.vstack([rows, shifted])), names + more

    def linear(self, z: Floats) -> Places:
        """Candidates for a h + b, shape (n_hits, 3): number of the rest, 0, place of h.

        z : float64 array, shape (n, LINEAR_ROWS), the rests on the first key rows.
        """
        residues = np.empty((len(z), 3))
        project(np.ascontiguousarray(z), self._differences, False, residues)
        return _look_up(self._linear, residues, np.zeros((1, 3)), False)

    def product(self, z: Floats, shifts: Floats) -> Places:
        """Candidates for products, shape (n_hits, 3): number of the rest, of the shift, place of h or -1.

        z : float64 array, shape (n, product_rows), the rests on the first key rows.
        """
        residues = np.empty((len(z), 3))
        project(np.ascontiguousarray(z), self._matrix, True, residues)
        return _look_up(self._product, residues, shifts, True)

    def as_linear(self, z: Floats, place: int) -> Expression | None:
        """a h + b that equals z, shape (ROWS,), on all key rows."""
        h = self.table.values[place]
        i, j = int(np.argmin(h)), int(np.argmax(h))
        a = (z[j] - z[i]) / (h[j] - h[i])
        b = z[i] - a * h[i]
        scale = np.abs(z) + abs(b)
        if not np.all(np.abs(a * h + b - z) <= _CLOSE * scale):
            return None
        formula = self.table.expression(place)
        if abs(a - 1.0) > _CLOSE:
            formula = apply("mul", constant(a), formula)
        return formula if abs(b) <= _CLOSE * np.abs(z).max() else apply("add", formula, constant(b))

    def as_product(self, z: Floats, place: int, g: int, q: float) -> Expression | None:
        """C h^p g^q x^i y^j ... that equals z, shape (ROWS,), on all key rows, with simple powers."""
        X, values = self.table.X[self.logs], self.table.values
        log = np.log(np.abs(z))
        columns = [np.ones_like(log), *np.log(np.abs(X))]
        bases, powers = [], []
        if g >= 0:
            log = log - q * np.log(np.abs(values[g]))
            bases.append(self.table.expression(g))
            powers.append(Fraction(q))
        if place >= 0:
            columns.append(np.log(np.abs(values[place])))
        design = np.array(columns).T
        solution = np.linalg.lstsq(design, log, rcond=None)[0]
        if not np.all(np.abs(design @ solution - log) <= _CLOSE):
            return None
        fractions = [_simple(p) for p in solution[1:]]
        if any(p is None for p in fractions):
            return None
        exact = [p for p in fractions if p is not None]
        bases = [variable(i) for i in self.logs] + ([self.table.expression(place)] if place >= 0 else []) + bases
        powers = exact + powers
        factor = float(np.exp(solution[0]))
        plain = product_of_powers(None, bases, powers)
        ratio = z / plain.evaluate(self.table.X)
        if not np.all(np.abs(np.abs(ratio) - factor) <= 1e-6 * factor) or np.any(ratio[0] * ratio < 0):
            return None
        if abs(ratio[0] - 1.0) <= _CLOSE:
            return plain
        return product_of_powers(float(ratio[0]), bases, powers)


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
        residues, np.empty(slots, np.uint64), np.full(slots, -1, np.int32), np.zeros(slots // 4, np.uint64)
    )
    fill(index)
    return index, np.sort(index.places[index.places >= 0]).astype(np.int64)
