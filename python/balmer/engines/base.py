"""The contract of an engine: what it takes, what it gives back, how it reports and stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from balmer.engines.finding import Finding
from balmer.engines.problem import Budget, Problem
from balmer.expressions import Expression

__all__ = [
    "Candidate",
    "Engine",
    "Evolution",
    "OnProgress",
    "Progress",
    "State",
    "Stopped",
    "pareto",
]

Stopped = Literal["evaluations", "seconds", "target", "patience", "interrupted"]
State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Candidate:
    """A formula with its loss on all rows and its complexity."""

    expression: Expression
    loss: float
    complexity: int


@dataclass(frozen=True)
class Progress:
    """How far a search is."""

    stage: str
    evaluations: int = 0
    seconds: float = 0.0
    fraction: float | None = None
    front: tuple[Candidate, ...] = ()


OnProgress = Callable[[Progress], bool | None]
"""Called at least twice a second; returning True ends the search, and what was found is kept."""


@dataclass(frozen=True)
class Evolution:
    """What `Engine.evolve` gives back.

    Attributes
    ----------
    front : candidates that no simpler one beats, by ascending complexity and descending loss.
    archive : the front and further good candidates with fewer constants than those of the front.
    state : arrays from which `evolve(state=...)` goes on.
    evaluations : passes of a formula over the rows searched on.
    node_evaluations : nodes times rows of all those passes.
    stopped : which end of the budget was reached, or that the user interrupted.
    """

    front: tuple[Candidate, ...]
    archive: tuple[Candidate, ...]
    state: State = field(repr=False)
    evaluations: int
    node_evaluations: int
    seconds: float
    stopped: Stopped


class Engine(Protocol):
    """Evolves expressions for a Problem, and probes it for structure."""

    @property
    def name(self) -> str:
        """``"embedded"`` or ``"julia"``."""
        ...

    def evolve(
        self,
        problem: Problem,
        budget: Budget,
        *,
        seed: int,
        start: Sequence[Expression] = (),
        state: State | None = None,
        on_progress: OnProgress | None = None,
    ) -> Evolution:
        """Search until the budget is spent.

        Parameters
        ----------
        seed : one seed and a budget in evaluations give one front, on any number of threads.
        start : formulas to begin with, beside random ones.
        state : of an earlier Evolution of the same problem, to go on from.
        on_progress : see `OnProgress`.

        Notes
        -----
        Ctrl-C ends the search, keeps what was found and says so in `Evolution.stopped`.
        """
        ...

    def probe(self, problem: Problem, *, seed: int, on_progress: OnProgress | None = None) -> list[Finding]:
        """Test which structure the target has in its features.

        Returns
        -------
        A Finding for every hypothesis tested, those that fail too; none where there is one feature.

        Raises
        ------
        DataError
            If there are fewer than 20 rows of positive weight.

        Notes
        -----
        Ctrl-C ends the probe and keeps what was found.
        """
        ...

    def probe_function(
        self, function: Callable[..., Any], box: Mapping[str, tuple[float, float]], *, seed: int = 0
    ) -> list[Finding]:
        """Test which structure a function has in a box, to its rounding.

        Parameters
        ----------
        function : of as many numbers as the box has names; what it raises is raised.
        box : lower and upper bound of each variable.

        Raises
        ------
        ConfigError
            If the box is none.
        """
        ...


def pareto(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those with a finite loss that no candidate of at most their complexity equals or beats, simplest first."""
    front: list[Candidate] = []
    usable = (c for c in candidates if np.isfinite(c.loss))
    for candidate in sorted(usable, key=lambda c: (c.complexity, c.loss, c.expression.n_constants)):
        if not front or candidate.loss < front[-1].loss:
            front.append(candidate)
    return tuple(front)
