"""No law of rounding noise on the front: its simplest spelling takes its place, or the law goes.

What a formula is, and what a computer makes of it, differ where terms cancel (`balmer.engines.rounding`). Spelt without
the part that is 0 on paper, it is a law like any other, and has to compete as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from balmer.engines import Problem
from balmer.engines.rounding import is_stable, sample
from balmer.expressions import Expression, precisely, simplify
from balmer.search.refine import Refined, refit, units_hold

__all__ = ["stable_front"]

_ROWS = 24  # on which a simpler spelling must be the same in exact arithmetic


def stable_front(
    refined: Sequence[Refined],
    problem: Problem,
    front_of: Callable[[Sequence[Refined], Problem], list[Refined]],
) -> list[Refined]:
    """The front of fitted formulas once those of rounding noise are gone or spelt as what they are.

    Only what would stand on the front is looked at, until all that does is stable.
    """
    left = list(refined)
    stable: set[Expression] = set()
    while True:
        front = front_of(left, problem)
        noise = []
        for r in front:
            if r.expression in stable:
                continue
            if is_stable(r.expression, problem):
                stable.add(r.expression)
            else:
                noise.append(r)
        if not noise:
            return front
        gone = {r.expression for r in noise}
        left = [r for r in left if r.expression not in gone]
        left += [s for r in noise for s in _respelt(r, problem) if s.expression not in gone]


def _respelt(refined: Refined, problem: Problem) -> list[Refined]:
    """The formula in its simplest spelling, fitted again; nothing where that is no other or no better."""
    rows = sample(len(problem.y))[:: max(1, min(len(problem.y), 1000) // _ROWS)]
    X = problem.X[:, rows]
    simple = simplify(
        refined.expression,
        X,
        complexity=problem.space.complexity,
        allowed=problem.space.allowed,
        accept=lambda e: bool(e.variables) and problem.space.admits(e) and units_hold(e, problem),
        values=precisely(refined.expression, X),
    )
    if simple == refined.expression:
        return []
    fitted = refit(simple, problem, refined.origin)
    usable = np.isfinite(fitted.loss) and is_stable(fitted.expression, problem)
    return [fitted] if usable else []
