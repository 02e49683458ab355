"""Divide and conquer: findings of structure become smaller problems, whose formulas become formulas of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from balmer.data import Dataset
from balmer.engines import Budget, Engine, Finding, Problem, Progress
from balmer.engines.base import OnProgress
from balmer.expressions import Expression, apply, variable
from balmer.search.buckingham import reductions
from balmer.search.enumeration import small_formulas
from balmer.search.plan import Attempt, Plan
from balmer.search.power_law import power_laws
from balmer.search.prune import pruned
from balmer.search.purse import Purse
from balmer.search.reductions import (
    OUTER,
    SYMMETRIES,
    Reduced,
    free_of_gauge,
    innermost,
    invariant,
    monomial,
    power,
)
from balmer.search.refine import Refined, distinct, refine, refit, structure, units_hold

if TYPE_CHECKING:
    from balmer.engines.embedded.probing import Surrogates

__all__ = ["search_structure"]

Floats = NDArray[np.float64]

_DEPTH = 3  # reductions of reductions
_EXACT = 1e-9  # residual, in parts of the target's spread, of a formula that leaves nothing to be found
_PART = 3e-3  # the same of a part that a surrogate has separated, and knows no better
_LENIENCE = 1.05  # times the noise: as little as any formula can be seen to leave
_KEPT = 4  # formulas of a smaller problem that are tried in the larger one
_SHARE = 0.5  # of what is left, for the next search
_AS_GOOD = 10.0  # losses by which formulas that leave rounding errors may differ
_FEWEST_ROWS, _ROWS = 20, 2048


def search_structure(
    problem: Problem, engine: Engine, budget: Budget, *, seed: int, on_progress: OnProgress | None = None
) -> Plan:
    """Probe a problem and search the smaller problems that its structure allows.

    Variables that do not matter are left out, and pairs that act through one invariant (x - y, x/y, x*y**2, ...)
    become one variable: on the same rows, without any surrogate; so do pairs in which the target is homogeneous. A sum
    or a product is separated: a surrogate gives one part as a table of its own, and what a formula for it leaves of the
    target is the other part. For F(target) = g + h common F are tried. A group that acts through one function is looked
    for in a slice. Each smaller problem is treated likewise; formulas are fitted again as wholes. A finding that is
    wrong costs time, and no formula.

    Parameters
    ----------
    budget : for all searches together, in seconds or evaluations; probes are counted in seconds.
    """
    _compiled()
    search = _Search(engine, seed, Purse(budget), on_progress)
    root = _thinned(problem, seed)
    problem = root.problem
    findings: list[Finding] = []
    formulas: list[Expression] = []
    attempts: list[Attempt] = []
    # What is taken apart has the rounding of the table, which its parts do not show.
    exact = max(
        _EXACT, float(np.sqrt(problem.noise_floor / problem.variance)) if problem.variance > 0 else 0.0
    )
    tolerance = exact
    try:
        findings = search.probe(root, "probes")
        if findings:
            noise = _surrogates(problem, seed).noise
            tolerance = _LENIENCE * noise if noise > _PART else exact
            search.reduce(root, findings, 0, tolerance, formulas, attempts)
    except KeyboardInterrupt:
        search.purse.interrupted = True
    best = search.rank(problem, formulas, tolerance)
    solved = any(_is_solved(r, problem, _EXACT) for r in best)
    ways = []
    for r in best:
        way = search.ways[structure(r.expression)]
        if _is_solved(r, problem, _EXACT):  # the engine stops at the first such formula, however long it is
            as_good = _AS_GOOD * min(r.loss, _EXACT**2 * problem.variance)
            r = pruned(r, problem, max(as_good, problem.noise_floor))
        ways.append((r.expression, way))
    return Plan(
        tuple(findings), tuple(attempts), tuple(ways), solved, search.purse.spent, search.purse.interrupted
    )


@dataclass
class _Search:
    """The recursion, with what all its levels share."""

    engine: Engine
    seed: int
    purse: Purse
    on_progress: OnProgress | None
    ways: dict[tuple[bytes, bytes, bytes], str] = field(default_factory=dict)  # by the structure of a formula

    def probe(self, node: Reduced, label: str) -> list[Finding]:
        if len(node.problem.X) < 2 or len(node.problem.y) < _FEWEST_ROWS:
            return []
        return self.engine.probe(node.problem, seed=self.seed, on_progress=self._watch(label))

    def solve(
        self, node: Reduced, label: str, depth: int, tolerance: float, *, evolve: bool = True
    ) -> tuple[list[Expression], Attempt]:
        """The best formulas of a smaller problem: small ones, those of its own structure, those of the engine."""
        problem = node.problem
        self._watch(label)(Progress(label))
        formulas = [*power_laws(problem), *small_formulas(problem)]
        children: list[Attempt] = []
        best = self.rank(problem, formulas, tolerance)
        if not self.done(best, problem, tolerance) and depth < _DEPTH:
            self.reduce(node, self.probe(node, label), depth, tolerance, formulas, children)
            best = self.rank(problem, formulas, tolerance)
        if evolve and not self.done(best, problem, tolerance):
            found = self.engine.evolve(
                problem,
                self.purse.budget(_SHARE, tolerance**2 * problem.variance),
                seed=self.seed,
                start=[r.expression for r in best if _may_start(r.expression, problem)],
                on_progress=self._watch(label),
            )
            self.purse.pay(found)
            best = self.rank(problem, [*formulas, *(c.expression for c in found.archive)], tolerance)
        outcome = _outcome(best, node, tolerance)
        return [r.expression for r in best], Attempt(label, outcome, tuple(children))

    def reduce(
        self,
        node: Reduced,
        findings: Sequence[Finding],
        depth: int,
        tolerance: float,
        formulas: list[Expression],
        attempts: list[Attempt],
    ) -> None:
        """Try what the findings allow, the surest first, until a formula leaves nothing to be found."""
        steps = _Steps(self, node, [f for f in findings if f.verdict], depth, tolerance)
        for step in (steps.grouped, steps.merged, steps.scaled, steps.separated, steps.undone, steps.inner):
            for new, attempt in step():
                formulas += new
                attempts.append(attempt)
                if depth == 0:
                    for e in new:
                        self.ways.setdefault(structure(e), f"structure: {attempt.what}")
                if self.done(self.rank(node.problem, formulas, tolerance), node.problem, tolerance):
                    return

    def rank(self, problem: Problem, formulas: Sequence[Expression], tolerance: float) -> list[Refined]:
        """The best formulas with fitted constants: the simplest that leave nothing, then by description length."""
        known = [e for e, _ in distinct((e, "") for e in formulas)]
        fitted = [refit(e, problem, "structure") for e in known if e.n_constants < len(problem.y)]

        def order(r: Refined) -> tuple[bool, float, float]:
            if _is_solved(r, problem, tolerance):
                return False, problem.space.complexity.of(r.expression), r.loss
            return True, r.length, r.loss

        return sorted((r for r in fitted if np.isfinite(r.length)), key=order)[:_KEPT]

    def done(self, best: Sequence[Refined], problem: Problem, tolerance: float) -> bool:
        """Whether nothing is left to be found, or to find it with."""
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
    node: Reduced
    found: Sequence[Finding]
    depth: int
    tolerance: float

    def _of(self, *kinds: str) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
        """Findings of these kinds with their features by place, the surest first."""
        place = {name: i for i, name in enumerate(self.node.problem.dataset.feature_names)}
        chosen = sorted((f for f in self.found if f.kind in kinds), key=lambda f: f.statistic)
        return [
            (f.kind, tuple(place[v] for v in f.variables), tuple(place[v] for v in f.rest)) for f in chosen
        ]

    def _splits(self, *kinds: str) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
        """Those with the smallest group first, which comes second in each."""
        ordered = [(kind, A, B) if len(A) >= len(B) else (kind, B, A) for kind, A, B in self._of(*kinds)]
        return sorted(ordered, key=lambda split: len(split[2]))

    def _child(self, child: Reduced, label: str, tolerance: float) -> tuple[list[Expression], Attempt]:
        formulas, attempt = self.search.solve(child, label, self.depth + 1, tolerance)
        return [child.whole(e) for e in formulas], attempt

    def merged(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """Variables that do not matter left out, and pairs with an invariant made one, all at once."""
        X, node = self.node.problem.X, self.node
        dropped = {group[0] for _, group, _ in self._of("irrelevant")}
        if len(dropped) >= len(X):
            return
        groups: dict[tuple[int, ...], Expression] = {}
        used = set(dropped)
        for kind, (i, j), _ in self._of(*SYMMETRIES):
            if not used & {i, j}:
                groups[i, j] = invariant(kind, i, j, X)
                used |= {i, j}
        for _, pair, _ in self._of("compositional"):
            if len(pair) == 2 and not used & set(pair):
                exponent = self.surrogates.power(*pair)
                if exponent is not None:
                    groups[pair] = monomial(*pair, exponent)
                    used |= set(pair)
        if used:
            said = [node.text(e) for e in groups.values()]
            said += [f"without {node.said(i)}" for i in sorted(dropped)]
            yield self._child(node.with_inner(groups, dropped), ", ".join(said), self.tolerance)

    def grouped(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """S g(dimensionless groups), where there are units: fewer variables, and nothing lost."""
        if self.depth:
            return
        for child, scale in reductions(self.node.problem):
            slope = 1 / (scale.evaluate(self.node.problem.X) * np.ones(len(self.node.problem.y)))
            tolerance = _carried(self.tolerance, self.node.problem, child.problem, slope)
            groups = ", ".join(map(child.said, range(len(child.inner))))
            formulas, attempt = self.search.solve(
                child, f"{self.node.text(scale)} * g({groups})", self.depth + 1, tolerance
            )
            yield [apply("mul", scale, child.whole(e)) for e in formulas], attempt

    def scaled(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """y^p G(x/y, others): the target over a power of one feature, with a ratio in the place of two."""
        node, y = self.node, self.node.problem.y
        for i, j in combinations(range(len(node.inner)), 2):
            degree = self.surrogates.degree(i, j)
            if degree is None:
                continue
            scale = power(variable(j), degree)
            slope = 1 / scale.evaluate(node.problem.X)
            own, features = node.problem.units[j], range(len(node.inner))
            unit = node.problem.units[-1]
            unit = None if own is None or unit is None else unit / own**degree
            bent = node.on_features(features, y * slope, unit=unit, steepness=slope)
            child = bent.with_inner({(i, j): apply("div", variable(i), variable(j))})
            tolerance = _carried(self.tolerance, node.problem, child.problem, slope)
            label = f"{node.text(scale)} * g({', '.join(map(child.said, range(len(child.inner))))})"
            formulas, attempt = self.search.solve(child, label, self.depth + 1, tolerance)
            yield [apply("mul", scale, child.whole(e)) for e in formulas], attempt
            return

    def separated(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """Sums and products."""
        for kind in ("additive", "multiplicative"):
            for _, large, small in self._splits(kind)[:2]:
                yield self._split(self.node, kind, large, small, self.tolerance)

    def undone(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """F(target) = g + h: common F are tried, and undone."""
        y = self.node.problem.y
        known = {(large, small) for _, large, small in self._splits("additive", "multiplicative")}
        for _, large, small in self._splits("generalised_additive"):
            if (large, small) in known:
                continue
            for outer in OUTER:
                if not outer.domain(y):
                    continue
                with np.errstate(all="ignore"):
                    target, slope = outer.forward(y), outer.slope(y)
                rows = self.surrogates.rows
                if not self.surrogates.is_sum(target[rows], slope[rows], large, small):
                    continue
                features = range(len(self.node.inner))
                bent = self.node.on_features(features, target, unit=None, steepness=slope)
                tolerance = _carried(self.tolerance, self.node.problem, bent.problem, slope)
                formulas, attempt = self._split(bent, "additive", large, small, tolerance)
                undone = [apply(outer.undo, e) for e in formulas]
                yield undone, replace(attempt, what=f"{outer.name} of the target, {attempt.what}")
                return

    def inner(self) -> Iterator[tuple[list[Expression], Attempt]]:
        """g(h(S), others): h from a slice of the surrogate at fixed others."""
        node, taken = self.node, {frozenset(group) for _, group, _ in self._of(*SYMMETRIES)}
        for _, S, _ in sorted(self._of("compositional"), key=lambda s: len(s[1])):
            if frozenset(S) in taken:
                continue
            surrogates = self.surrogates
            cut = node.on_features(S, surrogates.slice(S), unit=None, rows=surrogates.rows)
            formulas, attempt = self._child(cut, f"a slice in {node.said(*S)}", _PART)
            for u in innermost(formulas, S):
                if surrogates.acts_through(S, u.evaluate(node.problem.X[:, surrogates.rows])):
                    whole, tried = self._child(node.with_inner({S: u}), node.text(u), self.tolerance)
                    yield whole, replace(attempt, children=(*attempt.children, tried))
                    return
            yield [], attempt

    def _split(
        self, node: Reduced, kind: str, large: tuple[int, ...], small: tuple[int, ...], tolerance: float
    ) -> tuple[list[Expression], Attempt]:
        """One part as the surrogate has it, then what its formulas leave of the target."""
        search, problem, product = self.search, node.problem, kind == "multiplicative"
        surrogates = self.surrogates if node is self.node else _surrogates(problem, search.seed)
        parts = (surrogates.factors if product else surrogates.summands)(large, small)
        unit = None if product else problem.units[-1]
        first = node.on_features(small, parts[1], unit=unit, rows=surrogates.rows)
        label = f"the part of {node.said(*small)}"
        formulas, attempt = search.solve(first, label, self.depth + 1, max(_PART, tolerance / 3))
        children, wholes = [attempt], []
        best: list[Refined] = []
        tried_forms: list[Floats] = []
        for own in _exact(formulas, first.problem):
            h = first.whole(own)
            values = h.evaluate(problem.X)
            with np.errstate(all="ignore"):
                rest = problem.y / values if product else problem.y - values
                slope = 1 / values if product else np.ones(len(values))
            form = free_of_gauge(values, product)
            if (
                not np.all(np.isfinite(rest))
                or np.ptp(rest) == 0
                or any(np.allclose(form, t) for t in tried_forms)
            ):
                continue
            tried_forms.append(form)
            second = node.on_features(large, rest, unit=unit, steepness=slope)
            wanted = _carried(tolerance, problem, second.problem, slope)
            label = f"the rest without {node.text(h)}"
            found, tried = search.solve(second, label, self.depth + 1, wanted, evolve=len(tried_forms) == 1)
            children.append(tried)
            wholes += [apply("mul" if product else "add", h, second.whole(g)) for g in found]
            best = search.rank(problem, wholes, tolerance)
            if search.done(best, problem, tolerance):
                break
        sign = " * " if product else " + "
        what = sign.join(f"g({node.said(*group)})" for group in (large, small))
        return [r.expression for r in best], Attempt(what, _outcome(best, node, tolerance), tuple(children))

    @cached_property
    def surrogates(self) -> Surrogates:
        """Of the problem."""
        return _surrogates(self.node.problem, self.search.seed)


@cache
def _compiled() -> None:
    """What the first use compiles is not taken from the user's time."""
    x = np.linspace(1.0, 2.0, 24).reshape(2, 12)
    names = {"x": x[0], "y": x[1]}
    _surrogates(Problem(Dataset.from_arrays(names, x[0] * x[1], target="f")), 0).factors((0,), (1,))


def _thinned(problem: Problem, seed: int) -> Reduced:
    """The problem on a sample of its rows where there are many."""
    root, n = Reduced.root(problem), len(problem.y)
    if n <= _ROWS:
        return root
    rows = np.sort(np.random.default_rng([seed, n]).choice(n, _ROWS, replace=False))
    unit = problem.units[-1]
    return root.on_features(range(len(problem.X)), problem.y[rows], unit=unit, rows=rows)


def _surrogates(problem: Problem, seed: int) -> Surrogates:
    from balmer.engines.embedded.probing import Surrogates

    return Surrogates(problem, seed)


def _exact(formulas: Sequence[Expression], problem: Problem) -> list[Expression]:
    """The formulas with their simple numbers recognised, and as they are."""
    snapped = [refine(refit(e, problem, ""), problem)[-1].expression for e in formulas[:2]]
    return [e for e, _ in distinct((e, "") for e in [*snapped, *formulas])][:_KEPT]


def _is_solved(refined: Refined, problem: Problem, tolerance: float) -> bool:
    left = refined.loss
    return left <= tolerance**2 * problem.variance or problem.is_exact(refined.expression, left)


def _carried(tolerance: float, before: Problem, after: Problem, steepness: Floats) -> float:
    """A tolerance, in parts of the target's spread, for a target that is a function of the first."""
    # Weights fall with the steepness squared: in their mean every row's error counts as one of ordinary steepness.
    typical = 1 / np.average(1 / np.maximum(steepness**2, 1e-300), weights=before.weights)
    return float(tolerance * np.sqrt(before.variance / before.weights.sum() * typical / after.variance))


def _may_start(expression: Expression, problem: Problem) -> bool:
    return problem.space.admits(expression) and units_hold(expression, problem)


def _outcome(best: Sequence[Refined], node: Reduced, tolerance: float) -> str:
    if not best:
        return "no formula"
    chosen, problem = best[0], node.problem
    left = np.sqrt(chosen.loss / problem.variance) if problem.variance > 0 else 0.0
    word = "found" if _is_solved(chosen, problem, tolerance) else "best"
    return f"{word} {node.text(chosen.expression)}, leaving {left:.1e} of the spread"
