"""The state of all islands: made, saved as plain arrays, restored, and read out as candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from balmer.engines.base import Candidate, State
from balmer.engines.common import digest
from balmer.engines.embedded.types import Island
from balmer.engines.problem import Problem
from balmer.errors import EngineError
from balmer.expressions import Expression

__all__ = ["candidates_of", "enter", "migrate", "new_islands", "restore", "save"]

_SEEN = 1 << 15  # structures an island remembers
_MIGRANTS = 4  # members that an island takes from its neighbour, and as many from the best of all


def new_islands(problem: Problem, n_islands: int, population: int, seed: int) -> list[Island]:
    """Empty islands, each with a random stream of its own."""
    space = problem.space
    C, L = space.max_complexity + 1, space.max_complexity
    H = C * (space.max_constants + 1)
    islands = []
    for stream in np.random.SeedSequence(seed).spawn(n_islands):
        islands.append(
            Island(
                ops=np.zeros((population, L), np.int16),
                args=np.zeros((population, L), np.int16),
                values=np.zeros((population, L)),
                size=np.zeros(population, np.int64),
                complexity=np.zeros(population, np.int64),
                loss=np.full(population, np.inf),
                birth=np.zeros(population, np.int64),
                best_ops=np.zeros((H, L), np.int16),
                best_args=np.zeros((H, L), np.int16),
                best_values=np.zeros((H, L)),
                best_size=np.zeros(H, np.int64),
                best_loss=np.full(H, np.inf),
                frequency=np.zeros(C),
                seen=np.zeros(_SEEN, np.uint64),
                tries=np.zeros(_SEEN, np.int64),
                stream=stream.generate_state(4, np.uint64).astype(np.uint64),
                counters=np.zeros(3, np.int64),
            )
        )
    return islands


def save(islands: Sequence[Island], problem: Problem, seed: int, epoch: int) -> State:
    """All islands as named arrays with a leading island axis; nothing in it needs pickle."""
    state = {name: np.stack([getattr(island, name) for island in islands]) for name in Island._fields}
    return state | {"seed": np.array(seed), "epoch": np.array(epoch), "problem": digest(problem)}


def restore(state: State, problem: Problem, blank: Sequence[Island]) -> list[Island]:
    """Islands from a saved state.

    Raises
    ------
    EngineError
        If the state belongs to another problem or to other settings, of which `blank` shows the shapes.
    """
    if not np.array_equal(state.get("problem", np.zeros(0)), digest(problem)):
        raise EngineError(
            "the saved state belongs to another search: the data, the space or the objective differ"
        )
    for name in Island._fields:
        wanted = (len(blank), *getattr(blank[0], name).shape)
        if name not in state or state[name].shape != wanted:
            raise EngineError(
                "the saved state belongs to another search: the number or size of its islands differs"
            )
    return [Island(*(np.array(state[name][i]) for name in Island._fields)) for i in range(len(blank))]


def enter(island: Island, place: int, expression: Expression, loss: float, complexity: int) -> None:
    """Put a formula into the population at that place, and into the hall of fame if it is the best of its kind."""
    n = len(expression)
    island.size[place], island.complexity[place], island.loss[place] = n, complexity, loss
    island.ops[place, :n], island.args[place, :n] = expression.ops, expression.args
    island.values[place, :n] = expression.values
    h = complexity * (len(island.best_size) // len(island.frequency)) + expression.n_constants
    if loss < island.best_loss[h]:
        island.best_size[h], island.best_loss[h] = n, loss
        island.best_ops[h, :n], island.best_args[h, :n] = expression.ops, expression.args
        island.best_values[h, :n] = expression.values


def migrate(islands: Sequence[Island]) -> None:
    """Every island takes members from its neighbour and from the best of all islands, in place of some of its own."""
    population = len(islands[0].size)
    rng = np.random.Generator(np.random.PCG64(islands[0].stream.copy()))
    best = _best(islands)
    previous = [_members(island) for island in islands]
    for i, island in enumerate(islands):
        neighbour = previous[i - 1]
        arrivals = (
            [neighbour[int(j)] for j in rng.integers(0, len(neighbour), _MIGRANTS)] if neighbour else []
        )
        arrivals += [best[int(j)] for j in rng.integers(0, len(best), _MIGRANTS)] if best else []
        for place, (ops, args, values, size, complexity, loss) in zip(
            rng.permutation(population), arrivals, strict=False
        ):
            island.ops[place], island.args[place], island.values[place] = ops, args, values
            island.size[place], island.complexity[place], island.loss[place] = size, complexity, loss
            island.birth[place] = island.counters[2]


_Member = tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.float64], int, int, float]


def _members(island: Island) -> list[_Member]:
    alive = np.flatnonzero(island.size)
    return [
        (
            island.ops[i].copy(),
            island.args[i].copy(),
            island.values[i].copy(),
            int(island.size[i]),
            int(island.complexity[i]),
            float(island.loss[i]),
        )
        for i in alive
    ]


def _best(islands: Sequence[Island]) -> list[_Member]:
    losses = np.stack([island.best_loss for island in islands])
    winner = losses.argmin(axis=0)
    constants = len(islands[0].best_size) // len(islands[0].frequency)
    found: list[_Member] = []
    for h in np.flatnonzero(np.isfinite(losses.min(axis=0))):
        island = islands[winner[h]]
        found.append(
            (
                island.best_ops[h].copy(),
                island.best_args[h].copy(),
                island.best_values[h].copy(),
                int(island.best_size[h]),
                int(h) // constants,
                float(island.best_loss[h]),
            )
        )
    return found


def candidates_of(islands: Iterable[Island]) -> list[Candidate]:
    """The best of all islands for each complexity and number of constants, with the loss on the rows searched."""
    return [
        Candidate(Expression(ops[:n], args[:n], values[:n]), loss, complexity)
        for ops, args, values, n, complexity, loss in _best(list(islands))
    ]
