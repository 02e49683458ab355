"""Divide and conquer: findings of structure become smaller problems, whose formulas become formulas of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Budget, Engine, Finding, Problem, Progress
from balmer.engines.base import OnProgress
from balmer.expressions import Expression, apply
from balmer.search.enumeration import small_formulas
from balmer.search.power_law import power_laws
from balmer.search.purse import Purse
from balmer.search.reductions import OUTER, Reduced, invariant, monomial, on_features, with_inner
from balmer.search.refine import Refined, distinct, refine, refit

if TYPE_CHECKING:
    from balmer.engines.embedded.probing import Surrogates

__all__ = ["Attempt", "Plan", "search_structure"]

Floats = NDArray[np.float64]

_DEPTH = 3  # reductions of reductions
_EXACT = 1e-9  # residual, in parts of the target's spread, of a formula that leaves nothing to be found
_PART = 3e-3  # the same of a part that a surrogate has separated, and knows no better
_KEPT = 4  # formulas of a smaller problem that are tried in the larger one
_SHARE = 0.5  # of what is left, for the next search
_FEWEST_ROWS = 20
_SYMMETRIES = ("difference", "sum", "ratio", "product", "radius", "hyperbolic")


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


def search_structure(
    problem: Problem, engine: Engine, budget: Budget, *, seed: int, on_progress: OnProgress | None = None
) -> Plan:
    """Probe a problem and search the smaller problems that its structure allows.

    Variables that do not matter are left out, and pairs that act through one invariant (x - y, x/y, x*y**2, ...)
    become one variable: on the same rows, without any surrogate. A sum or a product is separated: a surrogate gives one
    part as a table of its own, and what a formula for it leaves of the target is the other part. For F(target) = g + h
    common F are tried. A group that acts through one function is looked for in a slice. Each smaller problem is treated
    likewise; formulas are fitted again as wholes. A finding that is wrong costs time, and no formula.

    Parameters
    ----------
    budget : for all searches together, in seconds or evaluations; probes are counted in seconds.
    """
    search = _Search(engine, seed, Purse(budget), on_progress)
    findings: list[Finding] = []
    formulas: list[Expression] = []
    attempts: list[Attempt] = []
    try:
        findings = search.probe(problem, "probing for structure")
        search.reduce(problem, findings, 0, _EXACT, formulas, attempts)
    except KeyboardInterrupt:
        search.purse.interrupted = True
    best = search.rank(problem, formulas)
    solved = bool(best) and _is_solved(best[0], problem, _EXACT)
    ways = tuple((r.expression, "structure") for r in best)
    purse = search.purse
    return Plan(tuple(findings), tuple(attempts), ways, solved, purse.spent, purse.interrupted)


@dataclass
class _Search:
    """The recursion, with what all its levels share."""

    engine: Engine
    seed: int
    purse: Purse
    on_progress: OnProgress | None

    def probe(self, problem: Problem, label: str) -> list[Finding]:
        if len(problem.X) < 2 or len(problem.y) < _FEWEST_ROWS:
            return []
        return self.engine.probe(problem, seed=self.seed, on_progress=self._watch(label))

    def solve(
        self, problem: Problem, label: str, depth: int, tolerance: float, *, evolve: bool = True
    ) -> tuple[list[Expression], Attempt]:
        """The best formulas of a smaller problem: small ones, those of its own structure, those of the engine."""
        self._watch(label)(Progress(label))
        formulas = [*power_laws(problem), *small_formulas(problem)]
        children: list[Attempt] = []
        best = self.rank(problem, formulas)
        if not self.done(best, problem, tolerance) and depth < _DEPTH:
            self.reduce(problem, self.probe(problem, label), depth, tolerance, formulas, children)
            best = self.rank(problem, formulas)
        if evolve and not self.done(best, problem, tolerance):
            target = tolerance**2 * problem.variance
            found = self.engine.evolve(
                problem,
                self.purse.budget(_SHARE, target),
                seed=self.seed,
                start=[r.expression for r in best if problem.space.admits(r.expression)],
                on_progress=self._watch(label),
            )
            self.purse.pay(found)
            best = self.rank(problem, [*formulas, *(c.expression for c in found.archive)])
        outcome = _outcome(best, problem, tolerance)
        return [r.expression for r in best], Attempt(label, outcome, tuple(children))

    def reduce(
        self,
        problem: Problem,
        findings: Sequence[Finding],
        depth: int,
        tolerance: float,
        formulas: list[Expression],
        attempts: list[Attempt],
    ) -> None:
        """Try what the findings allow, the surest first, until a formula leaves nothing to be found."""
        names = problem.dataset.feature_names
        found = [f for f in findings if f.verdict]
        if not found:
            return
        place = {name: i for i, name in enumerate(names)}
        steps = _Steps(self, problem, found, place, depth, tolerance)
        for step in (steps.merged, steps.separated, steps.undone, steps.inner):
            for new, attempt in step():
                formulas += new
                attempts.append(attempt)
                if self.done(self.rank(problem, formulas), problem, tolerance):
                    return

    def rank(self, problem: Problem, formulas: Sequence[Expression]) -> list[Refined]:
        """The best formulas with fitted constants, the shortest description first."""
        known = [e for e, _ in distinct((e, "") for e in formulas)]
        fitted = [refit(e, problem, "structure") for e in known if e.n_constants < min(len(problem.y), 24)]
        finite = sorted((r for r in fitted if np.isfinite(r.length)), key=lambda r: r.length)
        return finite[:_KEPT]

    def done(self, best: Sequence[Refined], problem: Problem, tolerance: float) -> bool:
        return self.purse.empty or any(_is_solved(r, problem, tolerance) for r in best)

    def _watch(self, label: str) -> Callable[[Progress], bool]:
        """Reports of a smaller search: its front is not one of the user's target and is not shown."""

        def report(progress: Progress) -> bool:
            if self.on_progress is not None and self.on_progress(self.purse.progress(label, progress)):
                self.purse.interrupted = True
            return self.purse.empty

        return report


@dataclass
class _Steps:
    """The ways to make a problem smaller, each an iterator of formulas for it and what was tried."""

    search: _Search
    problem: Problem
    found: Sequence[Finding]
    place: dict[str, int]
    depth: int
    tolerance: float

    def _of(self, *kinds: str) -> list[tuple[Finding, tuple[int, ...], tuple[int, ...]]]:
        chosen = sorted((f for f in self.found if f.kind in kinds), key=lambda f: f.statistic)
        return [
            (f, tuple(self.place[v] for v in f.variables), tuple(self.place[v] for v in f.rest))
            for f in chosen
        ]

    def _child(
        self, child: Reduced, label: str, *, tolerance: float | None = None, evolve: bool = True
    ) -> tuple[list[Expression], Attempt]:
        wanted = self.tolerance if tolerance is None else tolerance
        formulas, attempt = self.search.solve(child.problem, label, self.depth + 1, wanted, evolve=evolve)
        return [child.whole(e) for e in formulas], attempt

    def merged(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """Variables that do not matter left out, and pairs with an invariant made one, all at once."""
        names, X = self.problem.dataset.feature_names, self.problem.X
        dropped = {group[0] for _, group, _ in self._of("irrelevant")}
        if len(dropped) >= len(X):
            return
        groups: dict[tuple[int, ...], Expression] = {}
        used = set(dropped)
        for f, (i, j), _ in self._of(*_SYMMETRIES):
            if not used & {i, j}:
                groups[i, j] = invariant(f.kind, i, j, X)
                used |= {i, j}
        for _, pair, _ in self._of("compositional"):
            if len(pair) == 2 and not used & set(pair):
                power = self.surrogates.power(*pair)
                if power is not None:
                    groups[pair] = monomial(*pair, power)
                    used |= set(pair)
        if not used:
            return
        child = with_inner(self.problem, groups, dropped)
        said = [e.text(names) for e in groups.values()]
        said += [f"without {names[i]}" for i in sorted(dropped)]
        yield self._child(child, ", ".join(said))

    def separated(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """Sums and products; of several splits those with the smallest group."""
        for kind in ("additive", "multiplicative"):
            splits = self._of(kind)
            for f, A, B in sorted(splits, key=lambda s: min(len(s[1]), len(s[2])))[:2]:
                yield self._split(kind, A, B, self.problem, str(f).rsplit(":", 1)[0])

    def undone(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """F(target) = g + h: common F are tried, and undone."""
        y, rows = self.problem.y, self.surrogates.rows
        splits = self._of("generalised_additive")
        known = {(A, B) for _, A, B in self._of("additive", "multiplicative")}
        for f, A, B in sorted(splits, key=lambda s: min(len(s[1]), len(s[2]))):
            if (A, B) in known:
                continue
            for outer in OUTER:
                if not outer.domain(y):
                    continue
                with np.errstate(all="ignore"):
                    target, slope = outer.forward(y), outer.slope(y)
                if not self.surrogates.is_sum(target[rows], slope[rows], A, B):
                    continue
                features = range(len(self.problem.X))
                bent = on_features(self.problem, features, target, unit=None, steepness=slope)
                label = f"{outer.name} of the target: {str(f).rsplit(':', 1)[0]}"
                formulas, attempt = self._split("additive", A, B, bent.problem, label)
                yield [apply(outer.undo, e) for e in formulas], attempt
                return

    def inner(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """g(h(S), others): h from a slice of the surrogate at fixed others."""
        names = self.problem.dataset.feature_names
        taken = {frozenset(g) for _, g, _ in self._of(*_SYMMETRIES)}
        for f, S, _ in sorted(self._of("compositional"), key=lambda s: len(s[1])):
            if frozenset(S) in taken:
                continue
            surrogates = self.surrogates
            slice_of = on_features(self.problem, S, surrogates.slice(S), unit=None, rows=surrogates.rows)
            label = f"a slice in {', '.join(f.variables)}"
            formulas, attempt = self._child(slice_of, label, tolerance=_PART)
            for u in _innermost(formulas, S):
                if surrogates.acts_through(S, u.evaluate(self.problem.X[:, surrogates.rows])):
                    child = with_inner(self.problem, {S: u})
                    whole, tried = self._child(child, u.text(names, digits=4))
                    yield whole, Attempt(attempt.what, attempt.outcome, (*attempt.children, tried))
                    return
            yield [], attempt

    def _split(
        self, kind: str, A: tuple[int, ...], B: tuple[int, ...], problem: Problem, label: str
    ) -> tuple[list[Expression], Attempt]:
        """One part as the surrogate has it, then what its formulas leave of the target."""
        search, product = self.search, kind == "multiplicative"
        small, large = (A, B) if len(A) < len(B) else (B, A)
        surrogates = self.surrogates if problem is self.problem else _surrogates(problem, search.seed)
        parts = (surrogates.factors if product else surrogates.summands)(large, small)
        unit = None if product else problem.dataset.target.unit
        first = on_features(problem, small, parts[1], unit=unit, rows=surrogates.rows)
        names = problem.dataset.feature_names
        said = ", ".join(names[i] for i in small)
        formulas, attempt = search.solve(first.problem, f"the part of {said}", self.depth + 1, _PART)
        children, wholes = [attempt], []
        best: list[Refined] = []
        for number, own in enumerate(_exact(formulas, first.problem)):
            h = first.whole(own)
            values = h.evaluate(problem.X)
            with np.errstate(all="ignore"):
                rest = problem.y / values if product else problem.y - values
                steepness = 1 / values if product else None
            if not np.all(np.isfinite(rest)) or np.ptp(rest) == 0:
                continue
            second = on_features(problem, large, rest, unit=unit, steepness=steepness)
            said = f"the rest without {h.text(names, digits=4)}"
            found, tried = search.solve(second.problem, said, self.depth + 1, _PART / 3, evolve=number == 0)
            children.append(tried)
            wholes += [apply("mul" if product else "add", h, second.whole(g)) for g in found]
            best = search.rank(problem, wholes)
            if search.done(best, problem, self.tolerance):
                break
        outcome = _outcome(best, problem, self.tolerance)
        return [r.expression for r in best], Attempt(label, outcome, tuple(children))

    @cached_property
    def surrogates(self) -> Surrogates:
        """Of the problem."""
        return _surrogates(self.problem, self.search.seed)


def _surrogates(problem: Problem, seed: int) -> Surrogates:
    from balmer.engines.embedded.probing import Surrogates

    return Surrogates(problem, seed)


def _exact(formulas: Sequence[Expression], problem: Problem) -> list[Expression]:
    """The formulas with their simple numbers recognised, and as they are."""
    snapped = [refine(refit(e, problem, ""), problem)[-1].expression for e in formulas[:2]]
    return [e for e, _ in distinct((e, "") for e in [*snapped, *formulas])][:_KEPT]


def _innermost(formulas: Sequence[Expression], S: Sequence[int]) -> list[Expression]:
    """The shortest parts of formulas in which all of the features S occur."""
    parts = [e.subtree(root) for e in formulas for root in range(len(e))]
    through = sorted((p for p in parts if set(p.variables) == set(S)), key=len)
    return [e for e, _ in distinct((e, "") for e in through)][:_KEPT]


def _is_solved(refined: Refined, problem: Problem, tolerance: float) -> bool:
    return refined.loss <= max(tolerance**2 * problem.variance, problem.noise_floor)


def _outcome(best: Sequence[Refined], problem: Problem, tolerance: float) -> str:
    if not best:
        return "no formula"
    solved = [r for r in best if _is_solved(r, problem, tolerance)]
    chosen = (solved or list(best))[0]
    text = chosen.expression.text(problem.dataset.feature_names, digits=4)
    left = np.sqrt(chosen.loss / problem.variance) if problem.variance > 0 else 0.0
    return f"{'solved' if solved else 'best'}: {text}, leaving {left:.1e} of the spread"
