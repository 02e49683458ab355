"""Meeting in the middle: the target is taken apart step by step, and each rest is looked up among all small formulas.

A step subtracts, adds, divides by or multiplies with a small formula; what is left is seen through a view (square,
logarithm ...). A rest is looked up as a h + b with any formula h of the table, and as a product of powers: see
`balmer.search.lookup`. A look-up costs nanoseconds however many formulas there are, but needs data that are exact to
about nine digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, apply
from balmer.search.lookup import LINEAR_ROWS, Lookup, Shifts
from balmer.search.pieces import Pieces
from balmer.search.table import FormulaTable
from balmer.search.table_dimensions import PURE
from balmer.search.views import IDENTITY, View

__all__ = ["Meeting"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Undo = Callable[[Expression], Expression]

_RESTS = 1_500_000  # that are looked up after one step, and in each way to take two
_MONOMIALS = 2000  # power laws that a step may take off
_FEW = 24  # formulas of each of two steps
_SHIFTED = 2  # formulas that divide a rest before it is looked up as a product
_TRIPLE = 300  # formulas of which two divide the target
_OUTWEIGHED = 1e4  # a term larger than so many times the rest leaves nothing of its digits
_AGREES = 1e-6  # relative agreement with the target on the key rows
_CHUNK = 1 << 17  # rests at a time


@dataclass(frozen=True)
class _Step:
    """An operation with a small formula g, and the operation that undoes it."""

    name: str
    of: Callable[[Any, Any], Any]
    inverse: str
    g_first: bool = False

    def undo(self, rest: Expression, g: Expression) -> Expression:
        return apply(self.inverse, g, rest) if self.g_first else apply(self.inverse, rest, g)


_STEPS = (
    _Step("sub", np.subtract, "add"),
    _Step("add", np.add, "sub"),
    _Step("taken from", lambda z, g: g - z, "sub", True),
    _Step("div", np.divide, "mul"),
    _Step("mul", np.multiply, "div"),
)
_TERMS = tuple(step for step in _STEPS if step.inverse in ("add", "sub"))
_FACTORS = tuple(step for step in _STEPS if step not in _TERMS)


@dataclass(frozen=True)
class _Rests:
    """What is left of the target: values (n, ROWS), dimensions (-1: unknown), and how the target is made of each."""

    values: Floats
    dimensions: Places
    undo: Sequence[Undo]


class Meeting:
    """Look-ups of a target, shallow ones first.

    Parameters
    ----------
    table : of all small formulas.
    y : float64 array, shape (ROWS,): the target on the table's rows.
    logs : features without zeros, of which products are made.
    views : those that may be used.
    effort : scales the number of look-ups.

    Attributes
    ----------
    looked_up : rests so far, each with all its shifts.
    """

    def __init__(
        self, table: FormulaTable, y: Floats, logs: Sequence[int], views: Sequence[View], effort: float
    ) -> None:
        self.table, self.y, self.views, self.effort = table, y, views, effort
        self.lookup = Lookup(table, logs)
        self.looked_up = 0
        self._logs = logs
        self.pieces: Pieces
        self._after = _dimension_maps(table, views)

    def stages(self) -> Iterator[list[Expression]]:
        """Formulas that agree with the target on the key rows."""
        whole = _Rests(self.y[None], np.array([self.table.dimensions.target]), [lambda e: e])
        yield self._at_once(whole)
        self.pieces = Pieces.of(self.table, self._logs, _MONOMIALS)
        self._after = _dimension_maps(self.table, self.views)  # products may have brought new dimensions
        seen = self._viewed(whole, self.views)
        none, some = self.lookup.shifts(0), self.lookup.shifts(_SHIFTED)
        many = _alternating(np.arange(self.table.n), self.pieces.monomials)
        few = np.arange(min(self.table.n, int(_FEW * max(self.effort, 1.0) ** 0.5)))
        most = self._affordable(len(seen.values), len(self.views))
        yield self._after_a_step(seen, _STEPS, many[:most], some, self.views)
        # Two steps: a factor and a term, with much choice for the one or the other; or any two.
        powers = self._viewed(whole, [v for v in self.views if v.power in (1, -1, 2, -2)])
        leaves = np.arange(len(self.table.leaves))
        inner = [v for v in self.views if v.power is not None or v.name in ("log", "exp")]
        # Through most views most rests have no value somewhere: twice as many are begun as can be afforded.
        most = 2 * self._affordable(len(powers.values) * len(_FACTORS), len(leaves) * len(inner))
        factors = _alternating(self.lookup.distinct, self.pieces.monomials)[:most]
        divided = self._stepped(powers, _FACTORS, factors, [IDENTITY])
        yield self._after_a_step(divided, _TERMS, leaves, none, inner)
        scaled = self._stepped(self._viewed(whole, [IDENTITY]), _FACTORS, few, [IDENTITY])
        most = self._affordable(len(scaled.values), len(inner))
        yield self._after_a_step(scaled, _TERMS, many[:most], none, inner)
        pairs = self._stepped(seen, _STEPS, few, inner)
        most = self._affordable(len(pairs.values), len(self.views))
        yield self._after_a_step(pairs, _STEPS, few[:most], none, self.views)

    def _affordable(self, rests: int, others: int) -> int:
        """How many formulas a step may try on so many rests, with so many other choices."""
        return max(1, int(_RESTS * self.effort / (max(rests, 1) * len(_TERMS) * max(others, 1))))

    def _at_once(self, whole: _Rests) -> list[Expression]:
        """The target itself through every view, divided by every formula of the table where it is a product."""
        found: list[Expression] = []
        for view in self.views:
            seen = self._viewed(whole, [view])
            if not len(seen.values):
                continue
            z, undo = seen.values[0], seen.undo[0]
            for _, _, place in self.lookup.linear(z[None, :LINEAR_ROWS]):
                found += self._made(self.lookup.as_linear(z, place), undo)
            self.looked_up += 1
            first = z[None, : self.lookup.product_rows]
            if self.lookup.product_rows and (view is IDENTITY or view.power is None):
                shifts = self.lookup.shifts(self.table.n if view is IDENTITY else self.table.n // 10)
                for _, m, place in self.lookup.product(first, shifts):
                    found += self._made(self.lookup.as_product(z, place, shifts.factors(m)), undo)
                self.looked_up += len(shifts.places)
            if self.lookup.product_rows and view is IDENTITY and not found:
                shifts = self.lookup.shifts(int(_TRIPLE * self.effort**0.5))
                for k, m, place in self.lookup.triple_product(first, shifts):
                    factors = shifts.factors(k) + shifts.factors(m)
                    found += self._made(self.lookup.as_product(z, place, factors), undo)
                self.looked_up += len(shifts.places) ** 2
        return found

    def _after_a_step(
        self, rests: _Rests, steps: Sequence[_Step], peeled: Places, shifts: Shifts, views: Sequence[View]
    ) -> list[Expression]:
        """The rests after one more step, looked up through these views."""
        found: list[Expression] = []
        n_rows = max(LINEAR_ROWS, self.lookup.product_rows)
        for step, s, g in self._steps(rests, steps, peeled):
            with np.errstate(all="ignore"):
                w = step.of(rests.values[s, :n_rows], self.pieces.values[g, :n_rows])
            for view in views:
                if step.g_first and not view.low >= 0.0:
                    continue  # only views of what is positive tell a difference from its negative
                keep = np.flatnonzero(
                    self._allowed(step, view, rests.dimensions[s], self.pieces.dimensions[g])
                )
                if not len(keep):
                    continue
                z = view.of(w[keep, :LINEAR_ROWS])
                hits: list[tuple[int, int, Any]] = [
                    (k, place, None) for k, _, place in self.lookup.linear(z).tolist()
                ]
                self.looked_up += len(keep)
                # A product is one through every view that is a power, and was one before a factor was taken out.
                additive = step.name not in ("mul", "div")
                if self.lookup.product_rows and (view.power is None or (view is IDENTITY and additive)):
                    z = view.of(w[keep, : self.lookup.product_rows])
                    triples = self.lookup.product(z, shifts).tolist()
                    hits += [(k, place, shifts.factors(m)) for k, m, place in triples]
                    self.looked_up += len(keep) * len(shifts.places)
                for k, place, shift in hits:
                    i, j = int(s[keep[k]]), int(g[keep[k]])
                    with np.errstate(all="ignore"):
                        rest = view.of(step.of(rests.values[i], self.pieces.values[j]))
                    if np.isfinite(rest).all():
                        core = (
                            self.lookup.as_linear(rest, place)
                            if shift is None
                            else self.lookup.as_product(rest, place, shift)
                        )
                        found += self._made(
                            core, _then(view.back, _then(self._undone(step, j), rests.undo[i]))
                        )
        return found

    # -- rests -----------------------------------------------------------------------------------------------

    def _viewed(self, rests: _Rests, views: Sequence[View]) -> _Rests:
        """Each rest through each view."""
        values, dimensions, undo = [], [], []
        for view in views:
            for z, dimension, back in zip(rests.values, rests.dimensions, rests.undo, strict=True):
                seen = view.of(z)
                after = self._after[view.name][dimension]
                if np.isfinite(seen).all() and after != _FORBIDDEN:
                    values.append(seen)
                    dimensions.append(after)
                    undo.append(_then(view.back, back))
        return _rests(values, dimensions, undo, self.table)

    def _stepped(
        self, rests: _Rests, steps: Sequence[_Step], peeled: Places, views: Sequence[View]
    ) -> _Rests:
        """What is left after a step with each formula, seen through each view; of equal ones the first."""
        values, dimensions, undo = [], [], []
        for step, s, g in self._steps(rests, steps, peeled):
            with np.errstate(all="ignore"):
                w = step.of(rests.values[s], self.pieces.values[g])
            for view in views:
                z = view.of(w)
                good = np.isfinite(z).all(axis=1) & (np.ptp(z, axis=1) > 1e-9 * np.abs(z).max(axis=1))
                good &= self._allowed(step, view, rests.dimensions[s], self.pieces.dimensions[g])
                after = self._after[view.name][
                    self._after[step.name][rests.dimensions[s], self.pieces.dimensions[g]]
                ]
                for k in np.flatnonzero(good):
                    values.append(z[k])
                    dimensions.append(after[k])
                    undo.append(_then(view.back, _then(self._undone(step, int(g[k])), rests.undo[s[k]])))
        every = _rests(values, dimensions, undo, self.table)
        mantissa, exponent = np.frexp(every.values[:, :LINEAR_ROWS])
        keys = np.round(mantissa * 2**33) + exponent * 2.0**36
        first = np.sort(np.unique(keys, axis=0, return_index=True)[1])
        return _Rests(every.values[first], every.dimensions[first], [every.undo[k] for k in first])

    def _steps(
        self, rests: _Rests, steps: Sequence[_Step], peeled: Places
    ) -> Iterator[tuple[_Step, Places, Places]]:
        """Pairs of a rest and a formula for every kind of step, in portions."""
        sizes = np.abs(self.pieces.values).max(axis=1)
        per = max(1, _CHUNK // max(1, len(peeled)))
        for step in steps:
            for first in range(0, len(rests.values), per):
                which = np.arange(first, min(first + per, len(rests.values)))
                s, g = np.repeat(which, len(peeled)), np.tile(peeled, len(which))
                if step in _TERMS:
                    same = rests.dimensions[s] == self.pieces.dimensions[g]
                    same &= sizes[g] <= _OUTWEIGHED * np.abs(rests.values[s]).max(axis=1)
                    s, g = s[same], g[same]
                elif step.name == "div":  # of a power law the inverse is one too
                    s, g = s[g < self.table.n], g[g < self.table.n]
                if len(s):
                    yield step, s, g

    def _made(self, core: Expression | None, undo: Undo) -> list[Expression]:
        """The formula of the target, if there is one and it agrees."""
        if core is None:
            return []
        made = undo(core)
        off = np.abs(made.evaluate(self.table.X) - self.y)
        return [made] if np.all(off <= _AGREES * np.abs(self.y)) else []

    def _undone(self, step: _Step, place: int) -> Undo:
        return lambda rest: step.undo(rest, self.pieces.expression(place))

    def _allowed(self, step: _Step, view: View, a: Places, b: Places) -> NDArray[np.bool_]:
        allowed: NDArray[np.bool_] = self._after[view.name][self._after[step.name][a, b]] != _FORBIDDEN
        return allowed


def _alternating(a: Places, b: Places) -> Places:
    """One of each in turn, then the rest."""
    n = min(len(a), len(b))
    return np.concatenate([np.column_stack([a[:n], b[:n]]).ravel(), a[n:], b[n:]])


_UNKNOWN, _FORBIDDEN = -1, -2


def _dimension_maps(table: FormulaTable, views: Sequence[View]) -> dict[str, Places]:
    """Dimension after each view, by dimension, and after each step, by that of the rest and of g.

    The last entry along an axis is for an unknown dimension.
    """
    known = table.dimensions
    n = len(known)
    maps: dict[str, Places] = {}
    for step in _STEPS:
        after = np.full((n + 1, n + 1), _UNKNOWN)
        for a in range(n):
            for b in range(n):
                if step.inverse in ("add", "sub"):
                    after[a, b] = a
                else:
                    after[a, b] = known.product(a, b, 1 if step.name == "mul" else -1)
        maps[step.name] = after
    size = len(known) + 1  # the products have brought new ones
    for name, after in maps.items():
        larger = np.full((size, size), _UNKNOWN)
        larger[:n, :n] = after[:n, :n]
        maps[name] = larger
    for view in views:
        seen = np.full(size, _FORBIDDEN if view.power is None else _UNKNOWN)
        for a in range(size - 1):
            if view.power is None:
                seen[a] = PURE if a == PURE else _FORBIDDEN
            else:
                after_power = known.power(a, view.power)
                seen[a] = after_power if after_power < size - 1 else _UNKNOWN
        maps[view.name] = seen
    return maps


def _rests(values: list[Floats], dimensions: list[Any], undo: list[Undo], table: FormulaTable) -> _Rests:
    shape = (-1, table.X.shape[1])
    return _Rests(np.array(values).reshape(shape), np.array(dimensions, np.int64), undo)


def _then(first: Undo, second: Undo) -> Undo:
    return lambda e: second(first(e))
