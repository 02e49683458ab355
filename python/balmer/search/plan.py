"""What divide and conquer did: the findings, a tree of what was tried and what came of it, the formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from balmer.engines import Finding
from balmer.expressions import Expression

__all__ = ["Attempt", "Plan"]


@dataclass(frozen=True)
class Attempt:
    """One step of a plan: what was tried on which findings, what came of it, and the steps within it."""

    what: str
    outcome: str
    children: tuple[Attempt, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as indented text."""
        yield f"{'  ' * depth}{self.what}: {self.outcome}"
        for child in self.children:
            yield from child.lines(depth + 1)


@dataclass(frozen=True, eq=False)
class Plan:
    """What divide and conquer did.

    Attributes
    ----------
    findings : on the problem itself.
    attempts : what was made of them.
    formulas : the best, each with the way it was found.
    solved : whether one leaves nothing to be found.
    evaluations : spent by the engine.
    """

    findings: tuple[Finding, ...]
    attempts: tuple[Attempt, ...]
    formulas: tuple[tuple[Expression, str], ...]
    solved: bool
    evaluations: int
    interrupted: bool = False

    def __str__(self) -> str:
        return "\n".join(line for attempt in self.attempts for line in attempt.lines())
