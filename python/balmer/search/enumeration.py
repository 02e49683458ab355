"""All small formulas, distinct by value: cheap, complete, and good seeds for the evolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression, apply, constant, literal, variable
from balmer.expressions.operators import OPERATORS
from balmer.search.refine import units_hold

__all__ = ["small_formulas"]

_PROBES = 64  # rows on which values are compared and formulas judged
_MAX_NODES = 6
_MAX_FORMULAS = 60_000
_KEPT_PER_SIZE = 4


@dataclass
class _Level:
    """Formulas of one size: their values on the probe rows, and how each was built."""

    values: NDArray[np.float64]  # (n_formulas, n_probes)
    built: list[tuple[str, tuple[tuple[int, int], ...]]]  # operator and (size, place) of its operands


def small_formulas(problem: Problem) -> list[Expression]:
    """The best small formulas f, and a f, a + b f with fitted a and b, on a sample of the rows.

    Formulas of the features and the literals 1 and 2 are built size by size; of those with equal values on the
    probe rows only the first is kept. The number of formulas, not the clock, bounds the work.
    """
    rng = np.random.default_rng(0)
    n = len(problem.y)
    rows = np.sort(rng.choice(n, min(_PROBES, n), replace=False)) if n > _PROBES else np.arange(n)
    levels = _enumerate(problem, np.ascontiguousarray(problem.X[:, rows]))
    y, w = problem.y[rows], problem.square_weights[rows]
    found: list[Expression] = []
    for size, level in levels.items():
        for losses, wrap in _fits(level.values, y, w, problem):
            taken = 0
            for place in np.argsort(losses, kind="stable")[: 8 * _KEPT_PER_SIZE]:
                if taken == _KEPT_PER_SIZE or not np.isfinite(losses[place]):
                    break
                inner = _expression(levels, size, int(place))
                if not inner.variables:
                    continue
                expression = wrap(inner, int(place))
                if (
                    expression is not None
                    and problem.space.admits(expression)
                    and units_hold(expression, problem)
                ):
                    found.append(expression)
                    taken += 1
    return found


def _enumerate(problem: Problem, X: NDArray[np.float64]) -> dict[int, _Level]:
    space = problem.space
    # Powers of arbitrary formulas are many and seldom laws; squares, roots and the evolution cover the rest.
    chosen = [OPERATORS[name] for name in space.operators if name != "pow"]
    leaves = np.vstack([X, np.ones((1, X.shape[1])), np.full((1, X.shape[1]), 2.0)])
    levels = {1: _Level(leaves, [("", ((0, i),)) for i in range(len(leaves))])}
    seen = {hash(key.tobytes()) for key in _keys(leaves)}
    total = len(leaves)
    for size in range(2, _MAX_NODES + 1):
        blocks: list[NDArray[np.float64]] = []
        built: list[tuple[str, tuple[tuple[int, int], ...]]] = []
        for op in chosen:
            splits = [(size - 1,)] if op.arity == 1 else [(i, size - 1 - i) for i in range(1, size - 1)]
            for split in splits:
                if any(s not in levels for s in split) or (op.commutative and split[0] < split[-1]):
                    continue
                operands = [levels[s] for s in split]
                count = int(np.prod([len(o.values) for o in operands]))
                if total + count > _MAX_FORMULAS or count == 0:
                    continue
                total += count
                with np.errstate(all="ignore"):
                    if op.arity == 1:
                        values = op.numpy(operands[0].values)
                    else:
                        a, b = operands
                        values = op.numpy(a.values[:, None], b.values[None, :]).reshape(count, -1)
                places = np.indices([len(o.values) for o in operands]).reshape(len(operands), -1)
                good = np.isfinite(values).all(axis=1) & (np.abs(values).max(axis=1) < 1e150)
                for k, key in zip(np.flatnonzero(good), _keys(values[good]), strict=True):
                    word = hash(key.tobytes())
                    if word not in seen:
                        seen.add(word)
                        blocks.append(values[k])
                        built.append(
                            (op.name, tuple((s, int(p[k])) for s, p in zip(split, places, strict=True)))
                        )
        if blocks:
            levels[size] = _Level(np.array(blocks), built)
    return levels


def _keys(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values to 10 digits as integers, for comparison by bytes."""
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(values)
    return np.round(mantissa * 2**33).astype(np.int64) * 4096 + exponent


_Wrap = Callable[[Expression, int], Expression | None]


def _fits(
    values: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], problem: Problem
) -> tuple[tuple[NDArray[np.float64], _Wrap], ...]:
    """Losses of f, a f and a + b f over all formulas of a level, each with the way to write the formula."""
    with np.errstate(all="ignore"):
        residual = values - y
        plain = (w * residual**2).sum(axis=1)
        fy, ff = (w * values * y).sum(axis=1), (w * values**2).sum(axis=1)
        a = fy / ff
        scaled = (w * (a[:, None] * values - y) ** 2).sum(axis=1)
        mean_y, mean_f = np.average(y, weights=w), np.average(values, axis=1, weights=w)
        centred = values - mean_f[:, None]
        spread = (w * centred**2).sum(axis=1)
        slope = (w * centred * (y - mean_y)).sum(axis=1) / spread
        slope[spread <= 1e-24 * ff] = np.nan
        offset = mean_y - slope * mean_f
        linear = (w * (offset[:, None] + slope[:, None] * values - y) ** 2).sum(axis=1)
    allowed = problem.space.allowed

    def times(inner: Expression, place: int) -> Expression | None:
        return apply("mul", constant(a[place]), inner) if "mul" in allowed else None

    def plus(inner: Expression, place: int) -> Expression | None:
        if not {"mul", "add"} <= allowed:
            return None
        return apply("add", constant(offset[place]), apply("mul", constant(slope[place]), inner))

    return (plain, lambda inner, _: inner), (scaled, times), (linear, plus)


def _expression(levels: dict[int, _Level], size: int, place: int) -> Expression:
    name, operands = levels[size].built[place]
    if size == 1:
        n_features = len(levels[1].values) - 2
        return variable(place) if place < n_features else literal(float(place - n_features + 1))
    return apply(name, *(_expression(levels, s, p) for s, p in operands))
