"""What both engines do alike before and after a search: check what is asked, choose rows, keep what is undominated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.base import Candidate
from balmer.engines.problem import Budget, Problem
from balmer.errors import ConfigError
from balmer.expressions import Expression

__all__ = [
    "Patience",
    "check_range",
    "check_request",
    "check_settings",
    "digest",
    "rows_searched",
    "undominated",
]

_WORTHWHILE = 1e-4  # relative decrease of the loss that counts as better

Floats = NDArray[np.float64]


def check_settings(engine: Any, least: Mapping[str, int], threads: int | None) -> None:
    """See that an engine's numbers make sense.

    Parameters
    ----------
    least : the smallest value of each setting, by name.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    for option, bound in least.items():
        if getattr(engine, option) < bound:
            raise ConfigError(
                f"{option} = {getattr(engine, option)}: a whole number from {bound} is accepted"
            )
    if threads is not None and threads < 1:
        raise ConfigError(f"threads = {threads}: a whole number from 1 is accepted")


def check_request(problem: Problem, budget: Budget, start: Sequence[Expression]) -> None:
    """See that a search has an end and begins inside its space.

    Raises
    ------
    ConfigError
        If the budget has no end, or a formula of `start` is outside the search space or dimensionally wrong.
    """
    if budget.seconds is None and budget.evaluations is None:
        raise ConfigError("a search needs a budget: give seconds, evaluations, or both")
    for expression in start:
        reason = problem.space.refuses(expression)
        if reason:
            raise ConfigError(
                f"the start formula {expression.text(problem.dataset.feature_names)} is outside the search space: "
                f"{reason}"
            )
        report = problem.dimension_report(expression) if problem.check_units else None
        if report is not None and not report:
            raise ConfigError(
                f"the start formula {expression.text(problem.dataset.feature_names)} is dimensionally wrong: "
                f"{report.reason}; mend it, or set units = 'ignore'"
            )


def rows_searched(problem: Problem, max_rows: int, seed: int) -> tuple[Floats, Floats, Floats, bool]:
    """Columns, target and weights of the rows searched on (`Problem.columns`), and whether these are all.

    Of larger tables a random sample of `max_rows` is drawn, its weights scaled to the same loss.
    """
    n = len(problem.y)
    if n <= max_rows:
        return problem.columns, problem.y, problem.weights, True
    rows = np.sort(np.random.default_rng([seed, n]).choice(n, max_rows, replace=False))
    weights = problem.weights[rows]
    return (
        np.ascontiguousarray(problem.columns[:, rows]),
        problem.y[rows],
        weights * (problem.weights.sum() / weights.sum()),
        False,
    )


def check_range(problem: Problem, real: Any, *arrays: Floats) -> None:
    """See that numbers of a table are numbers in another precision too.

    Raises
    ------
    ConfigError
        If one is too large.
    """
    largest = float(np.finfo(real).max)
    for array in arrays:
        if np.abs(array).max(initial=0.0) > largest:
            raise ConfigError(
                f"precision = 'float32': the table '{problem.dataset.name}' has numbers above {largest:.1g}, or "
                f"weights (as 1/sigma^2); choose other units, or 'float64'"
            )


def undominated(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other beats in complexity, number of constants and loss together."""
    kept = []
    for c in candidates:
        k = c.expression.n_constants
        if np.isfinite(c.loss) and not any(
            o.complexity <= c.complexity
            and o.expression.n_constants <= k
            and o.loss <= c.loss
            and (o.complexity, o.expression.n_constants, o.loss) != (c.complexity, k, c.loss)
            for o in candidates
        ):
            kept.append(c)
    return kept


class Patience:
    """Watches whether a front still improves.

    Parameters
    ----------
    most : evaluations that may pass without an improvement; None for no end.
    """

    def __init__(self, most: int | None) -> None:
        self._most = np.inf if most is None else most
        self._best: tuple[Candidate, ...] = ()
        self._since = 0

    def is_over(self, front: Sequence[Candidate], evaluations: int) -> bool:
        """Note the front as it is after that many evaluations; whether it has been the same for too long."""
        if any(self._is_better(candidate) for candidate in front):
            self._best, self._since = tuple(front), evaluations
        return evaluations - self._since >= self._most

    def _is_better(self, candidate: Candidate) -> bool:
        as_simple = (known.loss for known in self._best if known.complexity <= candidate.complexity)
        return candidate.loss < min(as_simple, default=np.inf) * (1 - _WORTHWHILE)


def digest(problem: Problem) -> NDArray[np.uint8]:
    """Fingerprint of all that a search is asked, 32 bytes."""
    asked = f"{problem.dataset.fingerprint} {problem.space!r} {problem.objective!r}"
    return np.frombuffer(hashlib.sha256(asked.encode()).digest(), np.uint8)
