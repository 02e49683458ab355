"""The state of all islands: made, saved as plain arrays, restored, and read out as candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from balmer.engines.base import Candidate, State
from balmer.engines.common import digest
from balmer.engines.embedded.types import Island
from balmer.engines.problem import Problem
from balmer.errors import EngineError
from balmer.expressions import Expression

__all__ = ["candidates_of", "enter", "migrate", "new_islands", "restore", "save", "share_fame"]

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
                scale=np.tile([0.0, 1.0], (population, 1)),
                loss=np.full(population, np.inf),
                birth=np.zeros(population, np.int64),
                best_ops=np.zeros((H, L), np.int16),
                best_args=np.zeros((H, L), np.int16),
                best_values=np.zeros((H, L)),
                best_size=np.zeros(H, np.int64),
                best_loss=np.full(H, np.inf),
                best_sample=np.full(H, np.inf),
                frequency=np.zeros(C),
                seen=np.zeros(_SEEN, np.uint64),
                tries=np.zeros(_SEEN, np.int64),
                stream=stream.generate_state(4, np.uint64).astype(np.uint64),
                counters=np.zeros(3, np.int64),
            )
        )
    return islands


def save(
    islands: Sequence[Island], problem: Problem, seed: int, epoch: int, since: int, rows: int, stale: int
) -> State:
    """All islands as named arrays with a leading island axis; nothing in it needs pickle."""
    state = {name: np.stack([getattr(island, name) for island in islands]) for name in Island._fields}
    numbers = {
        "seed": np.array(seed),
        "epoch": np.array(epoch),
        "rows": np.array(rows),
        "stale": np.array(stale),
        "since": np.array(since),
    }
    return state | numbers | {"problem": digest(problem)}


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
    island.scale[place] = 0.0, 1.0
    h = complexity * (len(island.best_size) // len(island.frequency)) + expression.n_constants
    if loss < island.best_loss[h]:
        island.best_size[h], island.best_loss[h], island.best_sample[h] = n, loss, loss
        island.best_ops[h, :n], island.best_args[h, :n] = expression.ops, expression.args
        island.best_values[h, :n] = expression.values


def migrate(islands: Sequence[Island]) -> None:
    """Every island takes members from its neighbour and from the best of all islands, in place of some of its own."""
    population = len(islands[0].size)
    rng = np.random.Generator(np.random.PCG64(islands[0].stream.copy()))
    best = [_celebrity(island, h) for island, h in _best(islands)]
    previous = []
    for island in islands:
        alive = np.flatnonzero(island.size)
        chosen = alive[rng.integers(0, len(alive), _MIGRANTS)] if len(alive) else alive
        previous.append([_member(island, int(i)) for i in chosen])
    for k, island in enumerate(islands):
        arrivals = previous[k - 1] + [
            best[int(j)] for j in rng.integers(0, max(len(best), 1), _MIGRANTS * bool(best))
        ]
        for place, member in zip(rng.permutation(population), arrivals, strict=False):
            for name, value in member.items():
                getattr(island, name)[place] = value
            island.birth[place] = island.counters[2]


def share_fame(islands: Sequence[Island]) -> None:
    """Give every island the best of all in each place of its hall of fame: nobody polishes what is no news."""
    losses = np.stack([island.best_loss for island in islands])
    winner = losses.argmin(axis=0)
    for name in ("best_ops", "best_args", "best_values", "best_size", "best_sample", "best_loss"):
        every = np.stack([getattr(island, name) for island in islands])
        best = every[winner, np.arange(len(winner))]
        for island in islands:
            getattr(island, name)[:] = best


def _member(island: Island, i: int) -> dict[str, Any]:
    """A copy of a member of the population, by field."""
    return {
        name: np.array(getattr(island, name)[i])
        for name in ("ops", "args", "values", "size", "complexity", "loss", "scale")
    }


def _celebrity(island: Island, h: int) -> dict[str, Any]:
    """A formula of the hall of fame as a member of a population."""
    constants = len(island.best_size) // len(island.frequency)
    return {
        "ops": island.best_ops[h].copy(),
        "args": island.best_args[h].copy(),
        "values": island.best_values[h].copy(),
        "size": island.best_size[h],
        "complexity": h // constants,
        "loss": island.best_sample[h],
        "scale": np.array([0.0, 1.0]),
    }


def _best(islands: Sequence[Island]) -> list[tuple[Island, int]]:
    """For every place of the hall of fame the island that holds the best there, and the place."""
    losses = np.stack([island.best_loss for island in islands])
    winner = losses.argmin(axis=0)
    return [(islands[winner[h]], int(h)) for h in np.flatnonzero(np.isfinite(losses.min(axis=0)))]


def candidates_of(islands: Iterable[Island]) -> list[Candidate]:
    """The best of all islands for each complexity and number of constants, with the loss on all rows searched."""
    found = []
    for island, h in _best(list(islands)):
        n, constants = island.best_size[h], len(island.best_size) // len(island.frequency)
        expression = Expression(island.best_ops[h, :n], island.best_args[h, :n], island.best_values[h, :n])
        found.append(Candidate(expression, float(island.best_loss[h]), h // constants))
    return found
