"""The embedded engine: islands of evolving populations in compiled code, on threads, needing only pip."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.base import Candidate, Evolution, OnProgress, Progress, State, Stopped, pareto
from balmer.engines.common import (
    Patience,
    check_range,
    check_request,
    check_settings,
    rows_searched,
    undominated,
)
from balmer.engines.embedded.honest import Honesty
from balmer.engines.embedded.island import EXTRA_NODES, linked, new_scratch, reassess, run_island
from balmer.engines.embedded.library import LIBRARY_ROWS, fill, new_library
from balmer.engines.embedded.rules import rules_for
from balmer.engines.embedded.state import (
    candidates_of,
    enter,
    migrate,
    new_islands,
    restore,
    save,
    share_fame,
)
from balmer.engines.embedded.types import Island, Library, Scratch
from balmer.engines.embedded.warm import begin_to_compile
from balmer.engines.finding import Finding
from balmer.engines.problem import Budget, Problem
from balmer.errors import ConfigError
from balmer.expressions import Expression
from balmer.kernels import fit, losses
from balmer.kernels.fitting import minimiser
from balmer.kernels.program import Table, pack

__all__ = ["EmbeddedEngine"]

Floats = NDArray[np.float64]

_FIRST_EPOCH = 250  # evaluations of each island
_NEWS = 0.99  # by how much a loss on the front must fall for an epoch not to be stale
_STALE = 4  # such epochs in a row, after which twice as many rows are seen
_LONGEST = 24  # epochs on the same rows: of noise there is always something to describe better
_REALS = {"float64": np.float64, "float32": np.float32}
_SINGLE = 3e-7  # relative residual that float32 cannot tell from zero
_POLL = 0.2  # seconds between looks at the clock, the keyboard and the progress bar


@dataclass(frozen=True)
class EmbeddedEngine:
    """Evolution in numba.

    Attributes
    ----------
    threads : worker threads; None takes every core. The front does not depend on it.
    islands, population : how many populations there are, and of how many formulas.
    sample : rows on which candidates are compared at first: twice as many whenever the front has come to a halt.
    max_rows : rows searched on at most; of larger tables a random sample is drawn, and the front is judged on all rows.
    tournament, crossover, repair, parsimony, fit_steps : of the evolution; see `island.py`.
    precision : ``"float32"`` searches in single precision, which is faster on large tables; losses and constants
        of what is found are then those of float64.
    """

    threads: int | None = None
    islands: int = 16
    population: int = 64
    sample: int = 128
    max_rows: int = 2048
    tournament: int = 5
    crossover: float = 0.2
    repair: float = 0.3
    parsimony: float = 20.0
    fit_steps: int = 8
    precision: str = "float64"
    name: str = "embedded"

    def __post_init__(self) -> None:
        least = {"islands": 1, "population": 2, "tournament": 1, "sample": 8, "max_rows": 8, "fit_steps": 1}
        check_settings(self, least, self.threads)
        if self.precision not in _REALS:
            raise ConfigError(f"precision = {self.precision!r}: accepted are {', '.join(map(repr, _REALS))}")

    def warm_up(self) -> None:
        """Where nothing is compiled yet, begin to compile the evolution beside what comes before it."""
        begin_to_compile()

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
        """Search until the budget is spent; see `balmer.engines.base.Engine.evolve`.

        Raises
        ------
        ConfigError
            If the budget has no end, or a formula of `start` is outside the search space.
        """
        check_request(problem, budget, start)
        if problem.objective.units == "penalise":
            raise ConfigError(
                "units = 'penalise' is not known to the embedded engine: set 'forbid' or 'ignore', or engine = 'julia'"
            )
        return _Search(self, problem, budget, seed, start, state, on_progress).run()

    def probe(self, problem: Problem, *, seed: int, on_progress: OnProgress | None = None) -> list[Finding]:
        """Test which structure the target has in its features; see `balmer.engines.base.Engine.probe`.

        Raises
        ------
        DataError
            If there are fewer than 20 rows of positive weight.
        """
        from balmer.engines.embedded.probing import probe_data

        threads = self.threads or os.cpu_count() or 1
        return probe_data(problem, seed=seed, threads=threads, on_progress=on_progress)

    def probe_function(
        self, function: Callable[..., Any], box: Mapping[str, tuple[float, float]], *, seed: int = 0
    ) -> list[Finding]:
        """Test which structure a function has in a box, to its rounding; see `balmer.engines.base.Engine`.

        Raises
        ------
        ConfigError
            If the box is none, the function does not fit it, or the function is not finite in it. What the function
            itself raises is raised.
        """
        from balmer.engines.embedded.probing import probe_function

        return probe_function(function, box, seed=seed)


class _Search:
    """One call of `evolve`."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        problem: Problem,
        budget: Budget,
        seed: int,
        start: Sequence[Expression],
        state: State | None,
        on_progress: OnProgress | None,
    ) -> None:
        self.problem, self.budget, self.seed, self.on_progress = problem, budget, seed, on_progress
        self.begin, self.deadline = time.perf_counter(), np.inf
        self.stop = np.zeros(1, np.uint8)
        self.floor = problem.noise_floor
        if engine.precision == "float32":
            self.floor = problem.measure.noise_floor(_SINGLE)
        self.stopped: Stopped | None = None
        self.patience = Patience(budget.patience)
        self.engine, self.start, self.state = engine, start, state
        self.threads = engine.threads or os.cpu_count() or 1
        self.seed = seed if state is None else int(state["seed"])
        self.islands: list[Island] = []
        self.front: tuple[Candidate, ...] = ()
        self.honesty = Honesty(problem)
        self.spent_before = 0

    def run(self) -> Evolution:
        """Epochs of parallel evolution with migration between them."""
        with ThreadPoolExecutor(self.threads) as pool:
            self._watch({pool.submit(self._prepare)}, "preparing kernels (the first run compiles them)")
            self.begin = time.perf_counter()  # what the first run compiles is not taken from the user's time
            if self.budget.seconds is not None:
                self.deadline = self.begin + self.budget.seconds
            self.spent_before = self._evaluations()
            self.front = self.honesty.front(self.islands)
            self.honesty.note(self.islands)
            if any(self._is_enough(candidate) for candidate in self.front):
                self._end("target")
            while self.stopped is None:
                # Short epochs first: there is little to lose by migration, and much to be seen.
                quota = min(self.epoch_evaluations, _FIRST_EPOCH << min(self.epoch, 20))
                if self.budget.evaluations is not None:
                    left = self.budget.evaluations - (self._evaluations() - self.spent_before)
                    if left <= 0:
                        self.stopped = "evaluations"
                        break
                    quota = min(quota, -(-left // len(self.islands)))
                work = {
                    pool.submit(self._at_a_bench, run_island, island, quota, self.stop)
                    for island in zip(self.islands, self.libraries, strict=True)
                }
                self._watch(work, "evolution")
                self._end_epoch()
        archive = self._judge()
        return Evolution(
            front=pareto(archive),
            archive=archive,
            state=save(self.islands, self.problem, self.seed, self.epoch, self.since, self.rows, self.stale),
            evaluations=self._evaluations() - self.spent_before,
            node_evaluations=sum(int(island.counters[1]) for island in self.islands),
            seconds=time.perf_counter() - self.begin,
            stopped=self.stopped,
        )

    def _prepare(self) -> None:
        """Pack the data, make or restore the islands, plant the start formulas; compiles what is not cached."""
        engine, problem = self.engine, self.problem
        self.rules = rules_for(
            problem,
            tournament=engine.tournament,
            crossover=engine.crossover,
            repair=engine.repair,
            parsimony=engine.parsimony,
            fit_steps=engine.fit_steps,
            floor=self.floor,
            compiled=False,
        )
        X, y, weights, self.whole = rows_searched(problem, engine.max_rows, self.seed)
        self.real = _REALS[engine.precision]
        if self.real is np.float32:
            check_range(problem, self.real, X, y, weights)
        self.order = np.random.default_rng([self.seed, len(y), 1]).permutation(len(y))
        self.data = X, y, weights
        self.rows = engine.sample if self.state is None else int(self.state["rows"])
        self.stale = 0 if self.state is None else int(self.state["stale"])
        self.since = 0 if self.state is None else int(self.state["since"])
        lanes = min(LIBRARY_ROWS, engine.sample, len(y))
        self.scratch = [new_scratch(self.rules, lanes) for _ in range(self.threads)]
        self.tables = self._packed(X, y, weights)
        self._draw()
        islands = new_islands(problem, engine.islands, engine.population, self.seed)
        self.epoch = 0
        if self.state is not None:
            islands, self.epoch = restore(self.state, problem, islands), int(self.state["epoch"])
        for place, expression in enumerate(self.start):
            fitted = fit(expression, X, y, weights, loss=problem.loss)
            if np.isfinite(fitted.loss):
                complexity = problem.space.complexity.of(fitted.expression)
                for island in islands:
                    enter(island, place % len(island.size), fitted.expression, fitted.loss, complexity)
        self.libraries = [new_library(lanes, self.rules.dimensions.shape[1]) for _ in islands]
        scratch, sample, table = self.scratch[0], self.samples[0], self.tables[0]
        calls = self.rules.calls._replace(minimise=minimiser(sample))
        rules = self.rules._replace(calls=calls)
        self.rules = linked(rules, islands[0], self.libraries[0], scratch, sample, backwards=True)
        stream = np.random.SeedSequence([self.seed, 2]).generate_state(4, np.uint64).astype(np.uint64)
        fill(self.libraries[0], scratch, stream, sample, self.rules)
        for library in self.libraries[1:]:
            for name in Library._fields:
                np.copyto(getattr(library, name), getattr(self.libraries[0], name))
        run_island(islands[0], self.libraries[0], scratch, sample, table, self.rules, 0, self.stop)
        self.islands = islands

    def _at_a_bench(self, task: Callable[..., None], work: Sequence[Any], *more: Any) -> None:
        """Do a task on an island with the scratch and the tables of one worker."""
        bench = self.benches.get()
        try:
            task(*work, *bench, self.rules, *more)
        finally:
            self.benches.put(bench)

    def _packed(self, X: Floats, y: Floats, weights: Floats) -> list[Table]:
        """The rows for every worker."""
        longest = self.problem.space.max_complexity + EXTRA_NODES
        return [pack(X, y, weights, longest, self.problem.loss, self.real) for _ in range(self.threads)]

    def _draw(self) -> None:
        """The sample of the rows on which candidates are fitted and compared: the first `rows` in random order."""
        X, y, weights = self.data
        if self.problem.loss.function is not None:  # which may need to see all of them
            self.rows = len(y)
        rows = self.order[: self.rows]
        share = weights[rows] * (weights.sum() / weights[rows].sum())
        self.samples = self._packed(np.ascontiguousarray(X[:, rows]), y[rows], share)
        self.benches: SimpleQueue[tuple[Scratch, Table, Table]] = SimpleQueue()
        for bench in zip(self.scratch, self.samples, self.tables, strict=True):
            self.benches.put(bench)
        # An epoch is some tens of milliseconds of work, whatever the machine: it must not depend on the clock.
        self.epoch_evaluations = int(np.clip(4e6 / (len(rows) + 300), 200, 8000))

    def _watch(self, pending: set[Future[None]], stage: str) -> None:
        """Wait for work in the threads, with an eye on clock, keyboard and callback."""
        while pending:
            try:
                self._report(stage)
                done, pending = wait(pending, timeout=_POLL)
                for future in done:
                    future.result()
                self.problem.loss.check()
            except KeyboardInterrupt:
                if self.stopped == "interrupted":
                    raise  # the user presses twice: no more patience
                self._end("interrupted")
            except BaseException:
                self.stop[0] = 1  # or the pool would wait for what nobody wants any more
                raise
            if time.perf_counter() >= self.deadline:
                self._end("seconds")

    def _end(self, why: Stopped) -> None:
        self.stopped = self.stopped or why
        self.stop[0] = 1

    def _report(self, stage: str) -> None:
        if self.on_progress is None:
            return
        seconds = time.perf_counter() - self.begin
        evaluations = self._evaluations() - self.spent_before
        parts = []
        if self.budget.seconds is not None:
            parts.append(seconds / self.budget.seconds)
        if self.budget.evaluations is not None:
            parts.append(evaluations / self.budget.evaluations)
        if self.on_progress(Progress(stage, evaluations, seconds, min(max(parts), 1.0), self.front)):
            self._end("interrupted")

    def _end_epoch(self) -> None:
        self.epoch += 1
        before = {c.complexity: c.loss for c in self.front}
        self.front = self.honesty.front(self.islands)
        if self.stopped is None:
            share_fame(self.islands)
            migrate(self.islands)
            news = any(not c.loss > _NEWS * before.get(c.complexity, np.inf) for c in self.front)
            self.stale = 0 if news else self.stale + 1
            long = self.stale >= _STALE or self.epoch - self.since >= _LONGEST
            if long and self.rows < len(self.order):
                # What is left to find hides in noise or in details that so few rows do not show.
                self.rows, self.stale, self.since = 2 * self.rows, 0, self.epoch
                self._draw()
                self._reassess()
        self.honesty.note(self.islands)
        if self.stopped is None and any(self._is_enough(candidate) for candidate in self.front):
            self._end("target")
        if self.patience.is_over(self.front, self._evaluations() - self.spent_before):
            self._end("patience")

    def _reassess(self) -> None:
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda island: self._at_a_bench(reassess, [island]), self.islands))

    def _holds(self, expression: Expression) -> bool:
        """Whether units hold where some are not known, of which the compiled check takes each place for itself."""
        problem = self.problem
        if not problem.check_units or problem.dimensions is not None:
            return True
        report = problem.dimension_report(expression)
        return report is None or report.holds

    def _is_enough(self, candidate: Candidate) -> bool:
        if not self._holds(candidate.expression):
            return False
        if self.budget.target_loss is not None and candidate.loss <= self.budget.target_loss:
            return True
        # A formula as long as the table can always be made to pass through its points: that is no reason to stop.
        if candidate.complexity >= len(self.problem.y):
            return False
        if self.engine.precision == "float32":
            return candidate.loss <= self.floor
        return self.problem.is_exact(candidate.expression, candidate.loss)

    def _evaluations(self) -> int:
        return sum(int(island.counters[0]) for island in self.islands)

    def _judge(self) -> tuple[Candidate, ...]:
        """The hall of fame with its losses on all rows, constants refitted there if the search saw only some."""
        problem = self.problem
        found = undominated([c for c in candidates_of(self.islands) if self._holds(c.expression)])
        if not self.whole or self.engine.precision == "float32":
            with ThreadPoolExecutor(self.threads) as pool:
                refitted = list(pool.map(self._refit, [c.expression for c in found]))
        else:
            refitted = [c.expression for c in found]
        values = losses(refitted, problem.columns, problem.y, problem.weights, loss=problem.loss)
        judged = [
            Candidate(e, float(loss), c.complexity)
            for e, loss, c in zip(refitted, values, found, strict=True)
        ]
        return tuple(undominated(judged))

    def _refit(self, expression: Expression) -> Expression:
        """A few steps on all rows: the sample has brought the constants near."""
        problem = self.problem
        return fit(
            expression, problem.columns, problem.y, problem.weights, loss=problem.loss, max_steps=6
        ).expression
