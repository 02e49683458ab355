"""Evolution and divide and conquer on one budget: the engine first, then the structure, then the engine with both."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from balmer.engines import Budget, Candidate, Engine, Evolution, Problem, Progress, pareto
from balmer.engines.base import OnProgress, State
from balmer.errors import ConfigError
from balmer.expressions import Expression, express_in
from balmer.search.plan import Plan
from balmer.search.refine import refit, units_hold
from balmer.search.structure import search_structure

__all__ = ["evolve_with_structure"]

_FIRST, _STRUCTURE = 0.4, 0.35  # parts of the budget for the first evolution and, at most, for the structure
_WORTH_SECONDS, _WORTH_EVALUATIONS = 20.0, 2_000_000


def evolve_with_structure(
    engine: Engine,
    problem: Problem,
    budget: Budget,
    *,
    seed: int,
    start: Sequence[Expression],
    state: State | None,
    structure: bool | None,
    on_progress: OnProgress | None,
) -> tuple[Evolution, Plan | None]:
    """Evolve, and where that has not solved the problem search the smaller ones that its structure allows.

    Parameters
    ----------
    structure : whether to; None is with more than one feature and a budget of at least 20 s, or of as many
        evaluations as that takes.

    Returns
    -------
    The evolution, with what the structure gave in its archive, and the plan; None if there was none.
    """
    if structure and problem.objective.loss != "squared":
        raise ConfigError(
            "structure = True needs the squared loss, with which the tests of structure are made"
        )
    wanted = _is_worthwhile(problem, budget) if structure is None else structure
    if not wanted:
        whole = engine.evolve(problem, budget, seed=seed, start=start, state=state, on_progress=on_progress)
        return whole, None
    first = engine.evolve(
        problem, _part(budget, _FIRST), seed=seed, start=start, state=state, on_progress=on_progress
    )
    if first.stopped in ("target", "interrupted", "patience"):
        return first, None
    begin = time.perf_counter()

    def report(inner: Progress) -> bool | None:
        if on_progress is None:
            return None
        fraction = _FIRST + _STRUCTURE * (inner.fraction or 0.0)
        return on_progress(
            Progress(
                inner.stage,
                first.evaluations + inner.evaluations,
                first.seconds + inner.seconds,
                fraction,
                first.front,
            )
        )

    plan = search_structure(problem, engine, _part(budget, _STRUCTURE), seed=seed, on_progress=report)
    found = _candidates(plan, problem)
    merged = replace(
        first,
        archive=(*first.archive, *found),
        front=pareto((*first.front, *found)),
        evaluations=first.evaluations + plan.evaluations,
        seconds=first.seconds + time.perf_counter() - begin,
    )
    if plan.interrupted:
        return replace(merged, stopped="interrupted"), plan
    goal = budget.target_loss or 0.0
    if any(c.loss <= goal or problem.is_exact(c.expression, c.loss) for c in found):
        return replace(merged, stopped="target"), plan
    rest = _rest(budget, merged)
    if rest is None:
        return merged, plan
    last = engine.evolve(
        problem,
        rest,
        seed=seed,
        start=[c.expression for c in found],
        state=first.state,
        on_progress=on_progress,
    )
    archive = (*last.archive, *found)
    return (
        replace(
            last,
            archive=archive,
            front=pareto(archive),
            evaluations=merged.evaluations + last.evaluations,
            node_evaluations=merged.node_evaluations + last.node_evaluations,
            seconds=merged.seconds + last.seconds,
        ),
        plan,
    )


def _is_worthwhile(problem: Problem, budget: Budget) -> bool:
    if len(problem.X) < 2 or problem.objective.loss != "squared":
        return False
    if budget.seconds is not None:
        return budget.seconds >= _WORTH_SECONDS
    return (budget.evaluations or 0) >= _WORTH_EVALUATIONS


def _part(budget: Budget, share: float) -> Budget:
    seconds = None if budget.seconds is None else share * budget.seconds
    evaluations = None if budget.evaluations is None else math.ceil(share * budget.evaluations)
    return budget.model_copy(update={"seconds": seconds, "evaluations": evaluations})


def _rest(budget: Budget, spent: Evolution) -> Budget | None:
    """What is left of a budget; None if nothing is."""
    seconds = None if budget.seconds is None else budget.seconds - spent.seconds
    evaluations = None if budget.evaluations is None else budget.evaluations - spent.evaluations
    if (seconds is not None and seconds <= 0) or (evaluations is not None and evaluations <= 0):
        return None
    return budget.model_copy(update={"seconds": seconds, "evaluations": evaluations})


def _candidates(plan: Plan, problem: Problem) -> list[Candidate]:
    """The formulas of a plan that the search space admits, with their losses on all rows."""
    found = []
    for formula, _ in plan.formulas:
        expression = express_in(formula, problem.space.allowed)
        if expression is None or not problem.space.admits(expression) or not units_hold(expression, problem):
            continue
        fitted = refit(expression, problem, "structure")
        if math.isfinite(fitted.loss):
            complexity = problem.space.complexity.of(fitted.expression)
            found.append(Candidate(fitted.expression, fitted.loss, complexity))
    return found
