"""Terms without effect are dropped, and functions used where they are straight are written as the line that they are.

``1.29e-115 + exp(x)``, ``x - x``, a feature of 1e-17 beside 6110: such parts change no prediction by one part in 10^9,
but cost a reader's trust. ``-782666*sin(4.39e-06*x)`` is a line in disguise: sin has no curvature there. What takes
their place is fitted again and must be as good.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.engines.rounding import sample, tolerance
from balmer.expressions import Expression, apply, constant, literal
from balmer.expressions.literals import simple_fraction
from balmer.expressions.operators import OPERATORS_BY_CODE
from balmer.search.prune import merged
from balmer.search.refine import Refined, refit, units_hold

__all__ = ["effective", "null_law"]

Floats = NDArray[np.float64]

_AS_GOOD = 1e-6  # relative increase of the loss that nobody sees
_AS_GOOD_A_LINE = 1e-4  # and less than which no longer law must gain on a front
_STRAIGHT = 1e-2  # of the range of a function, its largest distance from a line
_ONE_ROOM = 1e-3  # of the largest value, a range in which it may as well be a number
_ALGEBRAIC = frozenset({"add", "sub", "mul", "div", "neg", "abs", "min", "max"})


def null_law(problem: Problem) -> list[Expression]:
    """The law that no feature matters: one constant, in a list; empty where the search space does not admit it."""
    law = constant(float(np.average(problem.y, weights=problem.square_weights)))
    return [law] if problem.space.admits(law) and units_hold(law, problem) else []


def effective(refined: Refined, problem: Problem) -> Refined:
    """A fitted formula without the parts that have no effect on these rows; itself where there are none."""
    cost = problem.space.complexity
    rows = sample(len(problem.y))
    X = problem.X[:, rows]
    while True:
        now = refined.expression
        values, allowed = now.evaluate(X), tolerance(now, problem, rows)
        for candidate, slack in sorted(
            _simpler(now, X, values, allowed), key=lambda found: cost.of(found[0])
        ):
            if cost.of(candidate) >= cost.of(now) or candidate.n_constants > now.n_constants:
                continue
            if not problem.space.admits(candidate) or not units_hold(candidate, problem):
                continue
            fitted = refit(candidate, problem, refined.origin)
            if fitted.loss <= refined.loss * (1 + slack) + problem.noise_floor:
                refined = fitted
                break
        else:
            return refined


def _simpler(
    expression: Expression, X: Floats, values: Floats, allowed: Floats
) -> Iterator[tuple[Expression, float]]:
    """Formulas with one part less, or one function straightened, and by how much their loss may be larger."""

    def same(candidate: Expression) -> bool:
        with np.errstate(all="ignore"):
            return bool(np.all(np.abs(candidate.evaluate(X) - values) <= allowed))

    seen = {expression}
    for root, start, part, inside in _parts(expression, X):
        for other in _in_its_place(part, inside):
            whole = _replaced(expression, start, root, other)
            if whole in seen or not same(whole):
                continue
            seen.add(whole)
            for candidate in {whole: None, merged(whole): None}:
                yield candidate, _AS_GOOD
        for line in _lines(part, X, inside):
            candidate = merged(_replaced(expression, start, root, line))
            if candidate not in seen:
                seen.add(candidate)
                yield candidate, _AS_GOOD if same(candidate) else _AS_GOOD_A_LINE


def _parts(expression: Expression, X: Floats) -> Iterator[tuple[int, int, Expression, Floats]]:
    """Every part that an operator makes: its last node and its first, itself, and its values."""
    for root, op in enumerate(expression.ops):
        if int(op) in OPERATORS_BY_CODE:
            part = expression.subtree(root)
            yield root, expression.subtree_start(root), part, part.evaluate(X)


def _in_its_place(part: Expression, values: Floats) -> Iterator[Expression]:
    """Its operands, and if it hardly varies the number that it is."""
    yield from part.children()
    if not np.all(np.isfinite(values)):
        return
    if part.variables and np.ptp(values) <= _ONE_ROOM * np.max(np.abs(values)):
        mean = float(np.mean(values))
        exact = float(f"{mean:.12g}")
        named = not part.n_constants and simple_fraction(exact) is not None
        yield literal(exact) if named else constant(mean)


def _lines(part: Expression, X: Floats, values: Floats) -> Iterator[Expression]:
    """b u, and a + b u, for a function of u that is nearly straight over these rows."""
    operands = [child for child in part.children() if child.variables]
    name = OPERATORS_BY_CODE[int(part.ops[-1])].name
    if name in _ALGEBRAIC or len(operands) != 1 or (len(part.children()) > 1 and name != "pow"):
        return
    u = operands[0].evaluate(X)
    if not (np.all(np.isfinite(u)) and np.all(np.isfinite(values))) or np.ptp(u) == 0.0:
        return
    size = float(np.max(np.abs(values)))
    if size == 0.0:
        return
    slope = float(np.sum(u * values) / np.sum(u * u)) if np.any(u) else 0.0
    if np.max(np.abs(values - slope * u)) <= _STRAIGHT * np.ptp(values):
        yield apply("mul", constant(slope), operands[0])
    middle, mean = float(np.mean(u)), float(np.mean(values))
    spread = (u - middle) / np.ptp(u)
    slope = float(np.sum(spread * (values - mean)) / np.sum(spread**2)) / float(np.ptp(u))
    if np.max(np.abs(values - mean - slope * (u - middle))) <= _STRAIGHT * np.ptp(values):
        yield apply("add", constant(mean - slope * middle), apply("mul", constant(slope), operands[0]))


def _replaced(expression: Expression, start: int, root: int, part: Expression) -> Expression:
    return Expression(
        np.concatenate([expression.ops[:start], part.ops, expression.ops[root + 1 :]]),
        np.concatenate([expression.args[:start], part.args, expression.args[root + 1 :]]),
        np.concatenate([expression.values[:start], part.values, expression.values[root + 1 :]]),
    )
