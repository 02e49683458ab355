"""A budget that several searches share: how much is left, and what each may take."""

from __future__ import annotations

import math
import time

from balmer.engines import Budget, Evolution, Progress

__all__ = ["Purse"]

_LEAST_SECONDS, _LEAST_EVALUATIONS = 0.05, 200


class Purse:
    """What is left of a budget. The clock counts only where the budget has seconds.

    Attributes
    ----------
    spent : evaluations paid so far.
    interrupted : whether the user has asked for an end.
    """

    def __init__(self, budget: Budget) -> None:
        self._begin, self._seconds = time.perf_counter(), budget.seconds
        self._evaluations = budget.evaluations
        self.spent = 0
        self.interrupted = False

    @property
    def empty(self) -> bool:
        """Whether no further search should begin."""
        return self.interrupted or self._part_spent >= 1

    def budget(self, share: float, target_loss: float) -> Budget:
        """That share of what is left."""
        seconds = evaluations = None
        if self._seconds is not None:
            left = self._seconds - (time.perf_counter() - self._begin)
            seconds = max(share * left, _LEAST_SECONDS)
        if self._evaluations is not None:
            evaluations = max(math.ceil(share * (self._evaluations - self.spent)), _LEAST_EVALUATIONS)
        return Budget(seconds=seconds, evaluations=evaluations, target_loss=target_loss)

    def pay(self, evolution: Evolution) -> None:
        """What a search has taken."""
        self.spent += evolution.evaluations
        # A search that is told to end because nothing is left was not interrupted by the user.
        self.interrupted |= evolution.stopped == "interrupted" and self._part_spent < 1

    def progress(self, label: str, inner: Progress) -> Progress:
        """A report of one of the searches as one of all: its own front says nothing of the user's target."""
        evaluations = self.spent + inner.evaluations
        seconds = time.perf_counter() - self._begin
        return Progress(f"structure: {label}", evaluations, seconds, min(self._part_spent, 1.0))

    @property
    def _part_spent(self) -> float:
        parts = [0.0]
        if self._seconds is not None:
            parts.append((time.perf_counter() - self._begin) / self._seconds)
        if self._evaluations is not None:
            parts.append(self.spent / self._evaluations)
        return max(parts)
