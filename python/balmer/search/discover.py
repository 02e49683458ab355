"""`discover`: from a table to a ranked front of laws."""

from __future__ import annotations

import math
import platform
import time as clock
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from balmer.data import Bounds, Dataset
from balmer.engines import (
    Budget,
    Candidate,
    Engine,
    Evolution,
    Finding,
    Objective,
    Problem,
    Progress,
    SearchSpace,
    pareto,
)
from balmer.engines.base import OnProgress, State, Stopped
from balmer.errors import ConfigError, EngineError
from balmer.expressions import Expression, express_in, parse
from balmer.kernels import losses
from balmer.search.aliases import lowest
from balmer.search.assess import assess
from balmer.search.buckingham import reduced_formulas
from balmer.search.campaign import evolve_with_structure
from balmer.search.choice import chosen_engine, problem_of, seed_of
from balmer.search.effect import effective, null_law
from balmer.search.enumeration import small_formulas
from balmer.search.front import Front
from balmer.search.law import Law
from balmer.search.noise import growth_of_noise
from balmer.search.periodic import periodic_laws
from balmer.search.plan import Plan
from balmer.search.power_law import power_laws
from balmer.search.probe import table_of
from balmer.search.prune import shortened
from balmer.search.quadrants import without_phases
from balmer.search.refine import Refined, distinct, law_of, refine, refit, tidied, units_hold
from balmer.search.refine import structure as skeleton
from balmer.search.selection import Score
from balmer.search.stable import stable_front
from balmer.units import Unit

__all__ = ["Discovery", "discover"]

DEFAULT_SECONDS = 60.0
_WHOLE_EFFORT = 10.0  # seconds of budget from which the enumeration is a small part
_EVALUATIONS_FOR_THAT = 200_000
_LEAST_EFFORT = 0.02
_REFINEMENT = 0.15  # of the seconds at most are kept for refits and simplification
_LONGEST_REFINEMENT = 6.0  # seconds
GROWING = 1e-3  # probability below which noise of one size is not believed
_FAR = 30.0  # nats of description length by which a law is out of the question


@dataclass(frozen=True, eq=False, repr=False)
class Discovery:
    """What a search found.

    Attributes
    ----------
    front : the laws.
    problem : what was asked.
    provenance : versions, engine, seed, budget, hash of the data, work done.
    stopped : which end of the budget was reached, or ``"interrupted"``.
    state : from which the engine can go on.
    findings : what was seen of the target's structure; of a function, to its rounding.
    plan : what was made of it, as a tree; None where the structure was not searched.
    notices : what to think of, a sentence each: those of the Problem, then those of the laws found.
    """

    front: Front
    problem: Problem
    provenance: dict[str, Any]
    stopped: Stopped
    state: State = field(repr=False)
    findings: tuple[Finding, ...] = ()
    plan: Plan | None = None
    notices: tuple[str, ...] = ()

    @property
    def best(self) -> Law:
        """The chosen law: the smallest description length.

        Raises
        ------
        EngineError
            If nothing was found.
        """
        if not len(self.front):
            raise EngineError(
                "no formula of this search space has a finite value in every row"
                + (" and the right units" if self.problem.check_units else "")
            )
        return self.front.best

    @property
    def notice(self) -> str:
        """Why units cannot match, a sentence; empty where they can, if only by a constant that carries one."""
        return self.problem.notice or ("" if len(self.front) else self.problem.mismatch)

    def __repr__(self) -> str:
        work = self.provenance
        notes = [self.best.carried and f"In the chosen law {self.best.carried}."] if len(self.front) else []
        notes += [self.best.reading and f"Formulas take {self.best.reading}."] if len(self.front) else []
        notes += [f"Note: {notice}." for notice in (self.notice, *self.notices) if notice]
        said = "".join(f"\n{note}" for note in notes if note)
        return (
            f"{self.front!r}{said}\n({work['evaluations']:,} evaluations in {work['seconds']:.1f} s, "
            f"engine {work['engine']}, seed {work['seed']}, stopped: {self.stopped})"
        )

    def _repr_html_(self) -> str:
        return self.front._repr_html_()


def discover(
    data: Dataset | Problem | Callable[..., Any],
    box: Mapping[str, Bounds] | None = None,
    *,
    rows: int | None = None,
    target_unit: str | Unit | None = None,
    time: float | str | None = None,
    evaluations: int | None = None,
    target_loss: float | None = None,
    patience: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    engine: str | Engine = "auto",
    precision: str | None = None,
    operators: str | Sequence[str] | None = None,
    space: SearchSpace | None = None,
    objective: Objective | None = None,
    noise: str | None = None,
    exact_numbers: bool | None = None,
    start: Sequence[Expression | str] = (),
    state: State | None = None,
    structure: bool | None = None,
    on_progress: OnProgress | None = None,
) -> Discovery:
    """Find the laws that give the target from the features.

    Power laws are fitted in the logarithms, small formulas are enumerated, and the engine evolves larger ones from
    there; where structure is found, the smaller problems that it allows are searched too, and what they give joins the
    evolution. The constants of the best of all are refitted on all rows, whole numbers among them recognised, and the
    formulas that no simpler one beats are returned.

    Parameters
    ----------
    data : a Dataset, a whole Problem (then without operators, space and objective), or a function of numbers: a table
        of its values is drawn and its structure is tested, see `balmer.probe`.
    box : of a function: (low, high) or (low, high, unit) of each variable.
    rows : of a function: how many points are drawn, 1000 by default.
    target_unit : of a function: the unit of its values; without one, units are checked as far as those of the box say.
    time, evaluations, target_loss, patience : the Budget; 60 s if neither time nor evaluations is given.
    seed : one seed and a budget in evaluations give one front, on any number of threads.
    threads : of the engine; None takes every core.
    engine : ``"auto"``, ``"embedded"``, ``"julia"``, or an engine; ``"auto"`` is Julia where that is set up
        (``balmer julia install``) and knows the loss and precision, else the embedded engine. The provenance says which
        it was.
    precision : of the search, ``"float64"`` (the default) or ``"float32"``, which the embedded engine knows; the laws
        are fitted and judged in float64.
    operators : names or symbols, as in ``"+ - * / sqrt"``; a short way to SearchSpace(operators=...).
    space, objective : see `SearchSpace` and `Objective`.
    noise, exact_numbers : short ways to Objective(noise=..., exact_numbers=...).
    start : formulas, or texts in terms of the columns, from which the search begins; angles in radians and per cent as
        fractions, as laws are written.
    state : of an earlier Discovery of the same problem, from which the evolution goes on.
    structure : whether the target is probed for structure and smaller problems are searched that it allows; None is
        where there is more than one feature, at least 20 s, and the first evolution leaves something to be found.
    on_progress : called with a `Progress` at least twice a second; returning True ends the search.

    Raises
    ------
    ConfigError, DataError, UnitError, EngineError
        With one sentence that says what to mend.

    Notes
    -----
    Ctrl-C ends the search and returns what was found, with ``stopped == "interrupted"``.
    """
    begin = clock.perf_counter()
    seed = seed_of(seed)
    table, function = table_of(data, box, rows, seed, target_unit)
    problem = problem_of(table, operators, space, objective, noise=noise, exact_numbers=exact_numbers)
    if time is None and evaluations is None:
        time = DEFAULT_SECONDS
    limits = {"seconds": time, "evaluations": evaluations, "target_loss": target_loss, "patience": patience}
    budget = Budget.read(limits)
    chosen = chosen_engine(engine, threads, precision, problem)
    candidates = [(e, "start") for e in _start(start, problem)]
    findings = function(chosen, seed) if function else []
    interrupted = False

    def report(found: Sequence[Expression]) -> bool:
        # Where nobody looks, large tables need not be gone through.
        return on_progress is not None and _report(
            on_progress, "small formulas", front=_judged(found, problem)
        )

    try:
        interrupted = _report(on_progress, "power laws")
        candidates += [(e, "power law") for e in power_laws(problem) if units_hold(e, problem)]
        interrupted |= report([e for e, _ in candidates])
        if not interrupted:
            candidates += [(e, "enumeration") for e in small_formulas(problem, _effort(budget), report)]
            if problem.check_units and not _is_exact([e for e, _ in candidates], problem):
                candidates += [
                    (e, "dimensionless groups") for e in reduced_formulas(problem, _effort(budget))
                ]
            if not _is_exact([e for e, _ in candidates], problem):
                candidates += [(e, "periodogram") for e in periodic_laws(problem)]
            interrupted = report([e for e, _ in candidates])
    except KeyboardInterrupt:
        interrupted = True
    candidates = distinct(candidates)
    evolution, plan = evolve_with_structure(
        chosen,
        problem,
        _rest(budget, float("inf") if interrupted else clock.perf_counter() - begin),
        seed=seed,
        start=[e for e, _ in candidates],
        state=state,
        structure=False if interrupted else structure,
        on_progress=on_progress,
    )
    if plan is not None:
        findings = findings or list(plan.findings)
        candidates += plan.formulas
    _report(on_progress, "refit", 1.0)
    until = float("inf") if budget.seconds is None else clock.perf_counter() + _reserve(budget.seconds)
    front, impatient, growing = _front(candidates, evolution, problem, threads, until)
    provenance = {
        "balmer": version("balmer"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engine": chosen.name,
        "seed": seed,
        "budget": budget.model_dump(exclude_none=True),
        "data": problem.dataset.fingerprint,
        "evaluations": evolution.evaluations,
        "node_evaluations": evolution.node_evaluations,
        "seconds": clock.perf_counter() - begin,
    }
    stopped: Stopped = "interrupted" if interrupted or impatient else evolution.stopped
    notices = [*problem.notices, *([_growth(growing)] if growing < GROWING else [])]
    return Discovery(
        front, problem, provenance, stopped, evolution.state, tuple(findings), plan, tuple(notices)
    )


def _start(start: Sequence[Expression | str], problem: Problem) -> list[Expression]:
    names, space = problem.dataset.feature_names, problem.space
    expressions = []
    for given in start:
        expression = (
            parse(given, names, operators=space.custom_operators) if isinstance(given, str) else given
        )
        if any(i >= problem.dataset.n_features for i in expression.variables):
            raise ConfigError(
                f"the start formula {expression.text()} speaks of more features than the data have"
            )
        expressions.append(express_in(expression, space.allowed) or expression)
    return expressions


def _front(
    candidates: Sequence[tuple[Expression, str]],
    evolution: Evolution,
    problem: Problem,
    threads: int | None,
    until: float,
) -> tuple[Front, bool, float]:
    """Refit what may be on the front and refine what is.

    Returns
    -------
    The front, whether the user interrupted, and the probability that noise of one size looks like what is left.

    Refinement begins with the best and ends at `until` of the clock, so that a budget in seconds holds for the whole;
    what has not had its turn is shown as it was found.
    """
    origins = {skeleton(e): origin for e, origin in candidates}
    archive = [(c.expression, origins.get(skeleton(c.expression), "evolution")) for c in evolution.archive]
    archive += [(e, "constant") for e in null_law(problem)]
    with ThreadPoolExecutor(threads) as pool:  # the fits are compiled and run without the GIL
        refined = list(pool.map(lambda found: refit(found[0], problem, found[1]), archive))
    # As many constants as rows pass through every point and say nothing.
    rows = len(problem.y)
    refined = [r for r in refined if r.loss < float("inf") and r.expression.n_constants < rows]
    interrupted = False

    def each(
        found: Sequence[Refined],
        improve: Callable[[Refined], list[Refined]],
        rest: Callable[[Refined], Refined] = lambda r: r,
    ) -> list[Refined]:
        """What improves the laws, those that may be chosen first; the rest as it was found."""
        nonlocal interrupted
        found = sorted(found, key=lambda r: r.length)
        worth = _worth_refining(found, problem)
        better: list[Refined] = []
        # Not in threads: sympy keeps state of its own between calls.
        for r in found:
            try:
                skipped = interrupted or clock.perf_counter() > until or not worth(r)
                better += [rest(r)] if skipped else improve(r)
            except KeyboardInterrupt:  # no more patience
                interrupted = True
                better.append(r)
        return better

    better = each(
        stable_front(refined, problem, _front_of),
        lambda r: _improved(r, problem),
        lambda r: tidied(lowest(effective(r, problem), problem), problem),
    )
    scored, growing = _scoring(better, problem)
    better = stable_front([scored(r) for r in better], problem, _front_of)
    nearly = min((r.length for r in better), default=0.0) + _FAR
    better = each(better, lambda r: assess(r, problem, scored) if r.length <= nearly else [r])
    laws = [law_of(r, problem) for r in stable_front(better, problem, _front_of)]
    right = [law for law in laws if law.units_hold is not False or not problem.check_units]
    front = Front.of([law for law in right if problem.space.admits(law.expression)])
    return front, interrupted, growing


def _scoring(found: Sequence[Refined], problem: Problem) -> tuple[Callable[[Refined], Refined], float]:
    """By what laws are chosen, and the probability that noise of one size looks like this.

    Where residuals grow with the prediction, the description length of noise of one size is that of a few rows, and
    terms that describe their noise would be chosen. Where noise relative to the prediction describes the best law
    better, all laws are chosen by that; they stay as they were fitted.
    """
    best = min(found, key=lambda r: r.length, default=None)
    if best is None or problem.objective.noise != "constant":
        return lambda r: r, 1.0
    chance = growth_of_noise(best.expression, problem)
    if chance >= GROWING:
        return lambda r: r, 1.0
    relative = replace(problem, objective=problem.objective.model_copy(update={"noise": "relative"}))
    # From a mean square of relative residuals to one of residuals.
    assert relative.row_scale is not None
    shift = float(np.sum(relative.square_weights * relative.row_scale**2 * np.log(relative.row_scale)))

    def scored(r: Refined) -> Refined:
        score = refit(r.expression, relative, r.origin).score
        length = score.description_length + problem.n_effective * shift
        two = 2 * problem.n_effective * shift
        return replace(r, score=Score(length, score.bic + two, score.aic + two))

    return (scored if scored(best).length < best.length else lambda r: r), chance


def _improved(found: Refined, problem: Problem) -> list[Refined]:
    """A fitted formula without what it does not need, in its simplest spellings; each of them is a law."""
    laws = [lowest(r, problem) for r in refine(shortened(effective(found, problem), problem), problem)]
    still = [s for r in laws for s in without_phases(r, problem)]
    return laws + [lowest(r, problem) for s in still for r in refine(s, problem)]


def _worth_refining(found: Sequence[Refined], problem: Problem) -> Callable[[Refined], bool]:
    """Tells the laws that may be chosen, or are simpler than the one that would be, from those that describe noise."""
    cost = problem.space.complexity
    if not found:
        return lambda r: False
    longest = found[0].length + _FAR
    simple = cost.of(found[0].expression)
    return lambda r: r.length <= longest or cost.of(r.expression) <= simple


def _front_of(refined: Sequence[Refined], problem: Problem) -> list[Refined]:
    """The best few of each complexity that no simpler one beats; `Front.of` has the last word."""
    cost = problem.space.complexity
    by_complexity: dict[int, list[Refined]] = {}
    for r in refined:
        by_complexity.setdefault(cost.of(r.expression), []).append(r)
    kept: list[Refined] = []
    bound, shortest = float("inf"), float("inf")
    for complexity in sorted(by_complexity):
        level = sorted(
            (r for r in by_complexity[complexity] if r.loss < bound or r.length < shortest),
            key=lambda r: round(r.length, 6),
        )
        kept += level[:2]
        shortest = min(shortest, *(r.length for r in by_complexity[complexity]))
        bound = min(bound, *(r.loss for r in by_complexity[complexity]))
        if any(problem.is_exact(r.expression, r.loss) for r in by_complexity[complexity]):
            break  # what is exact cannot be beaten, only spelt at greater length
    return kept


def _effort(budget: Budget) -> float:
    """How much of the enumeration a budget is worth; by what is asked, not by the clock, so that it can be repeated."""
    seconds = math.inf if budget.seconds is None else budget.seconds
    evaluations = math.inf if budget.evaluations is None else budget.evaluations
    worth = min(seconds / _WHOLE_EFFORT, evaluations / _EVALUATIONS_FOR_THAT)
    return min(1.0, max(_LEAST_EFFORT, worth))


def _report(
    on_progress: OnProgress | None,
    stage: str,
    fraction: float | None = None,
    front: tuple[Candidate, ...] = (),
) -> bool:
    """Tell the user; whether the user wants an end."""
    return on_progress is not None and bool(on_progress(Progress(stage, fraction=fraction, front=front)))


def _growth(chance: float) -> str:
    return (
        f"the residuals grow with the prediction (Breusch-Pagan p = {chance:.1g}): noise = 'relative' fits such data, "
        f"or give the uncertainties"
    )


def _is_exact(formulas: Sequence[Expression], problem: Problem) -> bool:
    return any(problem.is_exact(c.expression, c.loss) for c in _judged(formulas, problem))


def _judged(formulas: Sequence[Expression], problem: Problem) -> tuple[Candidate, ...]:
    """Those that no simpler one beats, with the constants that they have."""
    formulas = [e for e in formulas if units_hold(e, problem)]
    found = losses(formulas, problem.columns, problem.y, problem.weights, loss=problem.loss)
    cost = problem.space.complexity
    return pareto(Candidate(e, float(loss), cost.of(e)) for e, loss in zip(formulas, found, strict=True))


def _reserve(seconds: float) -> float:
    """Of a budget in seconds, what is kept for refits and simplification."""
    return min(_REFINEMENT * seconds, _LONGEST_REFINEMENT)


def _rest(budget: Budget, spent: float) -> Budget:
    """What is left of a budget for the engine."""
    if budget.seconds is None and math.isfinite(spent):
        return budget
    seconds = (budget.seconds or 0.0) - spent
    return budget.model_copy(update={"seconds": max(seconds - _reserve(budget.seconds or 0.0), 1e-9)})
