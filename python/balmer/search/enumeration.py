"""All small formulas, distinct by value: cheap, complete, and good seeds for the evolution; often the law itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression, apply, constant, express_in
from balmer.kernels import fit
from balmer.kernels.enumerate import ROWS, SCREENED, screen
from balmer.search.meet import Meeting
from balmer.search.refine import structure, units_hold
from balmer.search.table import FormulaTable, key_rows
from balmer.search.views import IDENTITY, View, views

__all__ = ["small_formulas"]

Floats = NDArray[np.float64]

_FORMULAS = 250_000  # in the table
_MEETING = 0.05  # effort from which the target is taken apart
_SCREENED = 12  # formulas of each size and way to fit that are looked at on more rows
_INSIDE = 0.7  # of the rows, where a view must have a value
_PER_VIEW = 4  # of them through the same view at most
_SAMPLE = 250  # rows of that look
_ROWS = 4000  # rows of the last look; a search fits to all of them in the end
_PER_COMPLEXITY = 2
_RETURNED = 48
_HITS = 60  # of the look-ups that are fitted
_EXACT = 1e-20  # loss over mean square of the target that only float64 separates from 0
_UNHEARD = 1e-16  # part of the norm of the target
_NEAR = 1e-9  # relative rounding of a target with which nothing is found by look-ups
_DIGITS = 7  # a target written with fewer is no exact value


@dataclass(frozen=True)
class _Found:
    expression: Expression
    loss: float
    complexity: int


def small_formulas(
    problem: Problem, effort: float = 1.0, on_found: Callable[[list[Expression]], bool] | None = None
) -> list[Expression]:
    """The best small formulas f and T(a f + b), with fitted a and b and an operator T; often the law itself.

    All formulas up to a size are made and screened (`FormulaTable`). If the data have enough digits and none is exact,
    the target is taken apart until the pieces are found in the table (`Meeting`). A number of formulas, never the
    clock, bounds the work.

    Parameters
    ----------
    effort : scales the work; 1 is a second or two.
    on_found : called with what the first tenth of a second or two has found; returning True ends the work.

    Returns
    -------
    A few dozen formulas of the search space, their constants fitted, the best two of each complexity; if one is exact
    in float64, none that is more complex.
    """
    limit = max(_EXACT * float(np.sum(problem.square_weights * problem.y**2)), problem.noise_floor)
    exact = _has_digits(problem)
    everywhere = np.arange(len(problem.y))
    pools = [everywhere]
    # Where the target is nothing beside its size elsewhere, a part of the law may have overflowed: formulas are made
    # of values on rows where it has not, too.
    heard = _heard(problem)
    if ROWS <= len(heard) < len(everywhere):
        pools.append(heard)
    found: list[_Found] = []
    for stage in (_MEETING, effort) if effort > _MEETING else (effort,):  # what is simple is found at once
        for pool in pools:
            found += _with_effort(problem, stage, limit, exact, pool)
            front = _front(found, limit)
            if any(f.loss <= limit for f in found):
                return front
        if stage < effort and on_found is not None and on_found(front):
            return front
    return front


def _heard(problem: Problem) -> NDArray[np.int64]:
    """The rows whose target is more than rounding beside the others."""
    size = np.sqrt(problem.square_weights) * np.abs(problem.y)
    return np.flatnonzero(size > _UNHEARD * np.sqrt(np.sum(size**2)))


def _with_effort(
    problem: Problem, effort: float, limit: float, exact: bool, pool: NDArray[np.int64]
) -> list[_Found]:
    """One table and its look-ups, on rows of the pool; `exact` tells whether the target may be taken apart."""
    logs = [i for i, x in enumerate(problem.X) if np.all(x != 0) and np.ptp(x) > 0][: ROWS - 4]
    rows = key_rows(problem, logs, pool)
    table = FormulaTable.build(problem, rows, max(1000, int(_FORMULAS * effort)))
    seen = views(problem.space.allowed)
    # Noise may carry a few values out of the domain.
    usable = [v for v in seen if np.mean(np.isfinite(v.of(problem.y[rows]))) >= _INSIDE]
    found = _fitted(
        _best(_fitted(_screened(table, problem, rows, usable), problem, _SAMPLE), 4), problem, _ROWS
    )
    if effort >= _MEETING and exact:
        for stage in Meeting(table, problem.y[rows], logs, seen, effort).stages():
            hits = sorted(_admitted(stage, problem), key=problem.space.complexity.of)[:_HITS]
            found += _fitted(hits, problem, _ROWS)
            if any(f.loss <= limit for f in found):
                break
    return found


def _screened(
    table: FormulaTable, problem: Problem, rows: NDArray[np.int64], seen: Sequence[View]
) -> list[Expression]:
    """The formulas that fit best on the key rows, as f, a f or a f + b through a view."""
    y, w = problem.y[rows], problem.square_weights[rows]
    with np.errstate(all="ignore"):
        targets = np.array([view.of(y) for view in seen])
        weights = np.array([w / view.derivative(y) ** 2 for view in seen])
    outside = ~(np.isfinite(targets) & np.isfinite(weights))
    targets[outside] = weights[outside] = 0.0
    losses = np.empty((len(seen), SCREENED, table.n))
    screen(table.values, targets, weights, losses)
    losses[[k for k, view in enumerate(seen) if view is not IDENTITY], 0] = np.inf  # T(f) is in the table
    losses[:, :, table.store.number[: table.n]] = np.inf
    found = []
    for size in sorted({group.size for group in table.groups}):
        groups = [group for group in table.groups if group.size == size]
        start, stop = groups[0].start, groups[-1].stop
        if stop == start:
            continue
        for way in range(SCREENED):
            part = losses[:, way, start:stop]
            best = np.argpartition(part, min(_PER_VIEW, stop - start - 1), axis=1)[:, :_PER_VIEW]
            pairs = [(float(part[v, k]), v, int(k)) for v in range(len(seen)) for k in best[v]]
            for loss, v, k in sorted(pairs)[:_SCREENED]:
                if np.isfinite(loss):
                    found.append(_written(table, start + k, way, seen[v], targets[v], weights[v]))
    return _admitted(found, problem)


def _written(table: FormulaTable, place: int, way: int, view: View, y: Floats, w: Floats) -> Expression:
    """The formula of the target, with the best a and b on the key rows."""
    f, expression = table.values[place], table.expression(place)
    if way == 1:
        size = np.max(np.abs(f))  # whose square may overflow
        a = np.sum(w * (f / size) * y) / np.sum(w * (f / size) ** 2) / size
        expression = apply("mul", constant(a), expression)
    elif way == 2:
        mean_f, mean_y = np.average(f, weights=w), np.average(y, weights=w)
        size = np.max(np.abs(f - mean_f))
        a = np.sum(w * ((f - mean_f) / size) * (y - mean_y)) / np.sum(w * ((f - mean_f) / size) ** 2) / size
        expression = apply("add", constant(mean_y - a * mean_f), apply("mul", constant(a), expression))
    return view.back(expression)


def _admitted(formulas: Iterable[Expression], problem: Problem) -> list[Expression]:
    """Those that are, or can be rewritten to be, of the search space; each structure once."""
    kept: dict[tuple[bytes, bytes, bytes], Expression] = {}
    for formula in formulas:
        expression = express_in(formula, problem.space.allowed)
        if (
            expression is not None
            and expression.variables
            and problem.space.admits(expression)
            and units_hold(expression, problem)
        ):
            kept.setdefault(structure(expression), expression)
    return list(kept.values())


def _fitted(formulas: Iterable[Expression], problem: Problem, most: int) -> list[_Found]:
    """Fitted on a sample of at most so many rows; those with no value somewhere are left out."""
    n = len(problem.y)
    rows = np.arange(n) if n <= most else np.sort(np.random.default_rng(1).choice(n, most, replace=False))
    X = np.ascontiguousarray(problem.X[:, rows])
    weights = problem.square_weights[rows] * (
        problem.square_weights.sum() / problem.square_weights[rows].sum()
    )
    found = []
    for formula in formulas:
        result = fit(formula, X, problem.y[rows], weights, max_steps=50)
        if np.isfinite(result.loss):
            found.append(_Found(result.expression, result.loss, problem.space.complexity.of(formula)))
    return found


def _best(found: Sequence[_Found], many: int) -> list[Expression]:
    """The best of each complexity; of those with one loss, which are one formula in two spellings, the first."""
    return [f.expression for f in _chosen(found, many)]


def _chosen(found: Sequence[_Found], many: int) -> list[_Found]:
    chosen: list[_Found] = []
    for complexity in sorted({f.complexity for f in found}):
        level = sorted((f for f in found if f.complexity == complexity), key=lambda f: f.loss)
        distinct: dict[str, _Found] = {}
        for f in level:
            distinct.setdefault(f"{f.loss:.6e}", f)
        chosen += list(distinct.values())[:many]
    return chosen


def _front(found: Sequence[_Found], limit: float) -> list[Expression]:
    """The best two of each complexity, up to the first that is exact."""
    exact = min((f.complexity for f in found if f.loss <= limit), default=None)
    if exact is not None:
        found = [f for f in found if f.complexity <= exact]
    chosen = _chosen(found, _PER_COMPLEXITY)
    # Of many the ones with the least loss, wherever they stand: the last complexities matter most to the evolution.
    kept = set(map(id, sorted(chosen, key=lambda f: f.loss)[:_RETURNED]))
    return [f.expression for f in chosen if id(f) in kept]


def _has_digits(problem: Problem) -> bool:
    """Whether the target may be exact: no uncertainties, and more digits than a measurement has."""
    if problem.dataset.sigma is not None or np.any(problem.measure.half_units > _NEAR * np.abs(problem.y)):
        return False
    # As the table has it: per cent make digits of their own on the way to fractions.
    sample = problem.given_y[:: max(1, len(problem.y) // 50)]
    return any(float(f"{v:.{_DIGITS - 1}e}") != v for v in sample.tolist())
