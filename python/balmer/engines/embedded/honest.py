"""Laws of rounding noise are taken out of the halls of fame, and what they had displaced is put back.

Such a law fits what nothing honest can: it would end the search as exact, hold the place of the honest law of its size,
and leave descendants. Only what stands on the front is looked at, between epochs, so that the evolution itself pays
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.base import Candidate, pareto
from balmer.engines.embedded.state import candidates_of
from balmer.engines.embedded.types import Island
from balmer.engines.problem import Problem
from balmer.engines.rounding import is_stable
from balmer.expressions import Expression, apply, constant
from balmer.kernels import losses

__all__ = ["Honesty"]

_FAME = ("best_ops", "best_args", "best_values", "best_size", "best_loss", "best_sample")
_BETTER = 0.999  # part of the best honest loss below which a member is looked at
_LOOKED_AT = 32  # of them in an epoch


class Honesty:
    """Keeps the halls of fame free of laws of rounding noise, from one epoch to the next."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known: dict[Expression, bool] = {}
        self._before: dict[str, NDArray[Any]] = {}

    def front(self, islands: Sequence[Island]) -> tuple[Candidate, ...]:
        """The front of all islands once what stands there by rounding is gone from them."""
        problem, emptied = self._problem, set[int]()
        while True:
            front = pareto(candidates_of(islands))
            noise = [c for c in front if not self._is_stable(c.expression)]
            if not noise:
                break
            for candidate in noise:
                place = _place(candidate, problem)
                _set_free(islands, place, {} if place in emptied else self._before)
                emptied.add(place)
        if emptied:
            self._purge(islands)
            front = pareto(candidates_of(islands))
        return front

    def note(self, islands: Sequence[Island]) -> None:
        """Remember the halls of fame as they are, to put back what a law of noise displaces in the next epoch."""
        winner = np.stack([island.best_loss for island in islands]).argmin(axis=0)
        places = np.arange(len(winner))
        self._before = {
            name: np.stack([getattr(island, name) for island in islands])[winner, places] for name in _FAME
        }

    def _is_stable(self, expression: Expression) -> bool:
        if expression not in self._known:
            self._known[expression] = is_stable(expression, self._problem)
        return self._known[expression]

    def _purge(self, islands: Sequence[Island]) -> None:
        """Empty the places of members that beat all fame by rounding; those that do so by right enter it."""
        problem = self._problem
        seen: dict[Expression, bool] = {}
        for island, i in _outstanding(islands, problem):
            n = int(island.size[i])
            inner = Expression(island.ops[i, :n], island.args[i, :n], island.values[i, :n])
            a, b = (float(v) for v in island.scale[i])
            if inner not in seen:
                if len(seen) >= _LOOKED_AT:
                    break
                whole = apply("mul", constant(b), inner) if b != 1.0 else inner
                whole = apply("add", constant(a), whole) if a != 0.0 else whole
                seen[inner] = is_stable(whole, problem)
                if seen[inner] and problem.space.admits(whole):
                    _offer(islands, whole, problem)
            if not seen[inner]:
                island.size[i], island.loss[i] = 0, np.inf


def _outstanding(islands: Sequence[Island], problem: Problem) -> Iterator[tuple[Island, int]]:
    """Members better than anything in the halls of fame that costs as much, the best first."""
    constants = len(islands[0].best_size) // len(islands[0].frequency)
    fame = np.stack([island.best_sample for island in islands]).min(axis=0).reshape(-1, constants).min(axis=1)
    best = np.minimum.accumulate(fame)
    extra = 2 * problem.space.complexity.constant + 2  # of a + b f
    found = []
    for place, island in enumerate(islands):
        bound = best[np.minimum(island.complexity + extra, len(best) - 1)]
        for i in np.flatnonzero((island.size > 0) & (island.loss < _BETTER * bound)):
            found.append((float(island.loss[i]), place, int(i)))
    for _, place, member in sorted(found):
        yield islands[place], member


def _place(candidate: Candidate, problem: Problem) -> int:
    return candidate.complexity * (problem.space.max_constants + 1) + candidate.expression.n_constants


def _set_free(islands: Sequence[Island], place: int, before: dict[str, NDArray[Any]]) -> None:
    """Give a place in all halls of fame to whom it belonged before, or to nobody."""
    for island in islands:
        if before:
            for name in _FAME:
                getattr(island, name)[place] = before[name][place]
        else:
            island.best_size[place] = 0
            island.best_loss[place] = island.best_sample[place] = np.inf


def _offer(islands: Sequence[Island], expression: Expression, problem: Problem) -> None:
    """Enter a formula into all halls of fame if it is better than what stands there."""
    (loss,) = losses([expression], problem.columns, problem.y, problem.weights, loss=problem.loss)
    candidate = Candidate(expression, float(loss), problem.space.complexity.of(expression))
    place, n = _place(candidate, problem), len(expression)
    for island in islands:
        if n <= island.best_ops.shape[1] and loss < island.best_loss[place]:
            island.best_size[place], island.best_loss[place], island.best_sample[place] = n, loss, loss
            island.best_ops[place, :n], island.best_args[place, :n] = expression.ops, expression.args
            island.best_values[place, :n] = expression.values
