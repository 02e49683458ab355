"""The probe of data: all hypotheses are judged on few rows, those still standing on more; on threads, watched."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from balmer.engines.base import OnProgress, Progress
from balmer.engines.embedded.probing import lapack
from balmer.engines.embedded.probing.hypotheses import Hypothesis, hypotheses, implied
from balmer.engines.embedded.probing.linearised import compositional, generalised_additive, multiplicative
from balmer.engines.embedded.probing.stage import Memory, Stage, additive, symmetric, without
from balmer.engines.finding import Finding
from balmer.engines.problem import Problem
from balmer.errors import DataError

__all__ = ["THRESHOLD", "one_thread_each", "probe_data"]

Floats = NDArray[np.float64]

THRESHOLD = 3.0  # standard errors by which a bound surrogate may predict worse and its structure still hold
_VISIBLE = (
    0.1  # a violation of this part of the target's spread must be visible, or the surrogate can say nothing
)
_STAGES = {200: 8.0, 350: 5.0, 600: THRESHOLD}
"""Rows of each stage, and the statistic beyond which a structure is refuted there: more would say so later."""

_FEWEST_ROWS = 20
_POLL = 0.1  # seconds between looks at the keyboard and the progress bar


def probe_data(problem: Problem, *, seed: int, threads: int, on_progress: OnProgress | None) -> list[Finding]:
    """Test which structure the target has in its features.

    A Gaussian process that can express nothing but the structure is compared with a free one by how well each
    predicts rows that are left out: the statistic is by how many standard errors it does worse. The structures are
    those of AI Feynman (Udrescu et al., arXiv:2006.10782). A structure that implies a weaker one is refuted with it,
    by its statistic. Where a violation of a tenth of the target's spread would be hidden by the free surrogate's own
    error, all statistics exceed the threshold. Violations below about a thousandth of the spread count as none.

    Parameters
    ----------
    seed : draws the rows, of which at most 600 are used.
    threads : on which hypotheses are judged; no statistic depends on how many there are.

    Raises
    ------
    DataError
        If there are fewer than 20 rows of positive weight.
    """
    X, y, weights = problem.X, problem.y, problem.weights
    if len(y) < _FEWEST_ROWS:
        raise DataError(f"a probe needs at least {_FEWEST_ROWS} rows of positive weight; there are {len(y)}")
    if len(X) < 2 or np.ptp(y) == 0:
        return []
    with one_thread_each():
        return _Probe(problem, X, y, weights.mean() / weights, seed, threads, on_progress).run()


class _Probe:
    """One call of `probe_data`."""

    def __init__(
        self,
        problem: Problem,
        X: Floats,
        y: Floats,
        noise: Floats,
        seed: int,
        threads: int,
        on_progress: OnProgress | None,
    ) -> None:
        self.names, self.threads, self.on_progress = problem.dataset.feature_names, threads, on_progress
        self.X, self.y, self.noise = X, y, noise
        self.order = np.random.default_rng([seed, len(y)]).permutation(len(y))
        self.of_one_sign = bool(np.all(y > 0) or np.all(y < 0))
        self.todo = hypotheses(len(X))
        self.stages: list[Stage] = []
        self.statistic: dict[Hypothesis, float] = {}
        self.begin, self.stopped = time.perf_counter(), False

    def run(self) -> list[Finding]:
        with ThreadPoolExecutor(self.threads) as pool:
            self._build(pool)
            if not self.stopped:
                free = self.stages[-1].free
                error, rows = free.validation_error, free.effective_rows
                # A violation v moves the density by v / (2 error) standard errors per square root of a row.
                blindness = 2 * THRESHOLD * error / np.sqrt(rows) / _VISIBLE
                if blindness > 1:
                    self.statistic = dict.fromkeys(self.todo, float(blindness * THRESHOLD))
                else:
                    self._decide(pool)
        self._report()
        return [self._finding(h) for h in self.todo if h in self.statistic]

    def _build(self, pool: ThreadPoolExecutor) -> None:
        """The stages, each with the free surrogate on its rows."""
        n = len(self.y)
        sizes = [*(size for size in _STAGES if size < min(n, max(_STAGES))), min(n, max(_STAGES))]

        def build() -> float:
            for size in sizes:
                rows = self.order[:size]
                X, y, noise = np.ascontiguousarray(self.X[:, rows]), self.y[rows], self.noise[rows]
                last = size == sizes[-1]  # there a test goes on until its structure holds without a doubt
                enough, bearable = (0.0, 0.0) if last else (THRESHOLD, _STAGES[size])
                before = self.stages[-1] if self.stages else None
                self.stages.append(Stage(X, y, noise, enough, bearable, before))
                if self.stopped:
                    break
            return self.stages[-1].free.objective

        self._watch({pool.submit(build): None})

    def _decide(self, pool: ThreadPoolExecutor) -> None:
        """Weaker structures first: one that implies a refuted one falls with it, and a sum, or a product of one sign,
        is a generalised sum without a test."""
        for kinds in (("irrelevant", "compositional"), None, ("generalised_additive",)):
            work = {}
            for h in self.todo:
                if h in self.statistic or (kinds and h.kind not in kinds):
                    continue
                if not kinds and h.kind == "generalised_additive":
                    continue
                known = self._known(h)
                if known is None:
                    work[pool.submit(self._judge, h)] = h
                else:
                    self.statistic[h] = known
            self._watch(work)
            if self.stopped:
                return

    def _known(self, h: Hypothesis) -> float | None:
        below = implied(h, self.statistic)
        if below > THRESHOLD:
            return below
        if h.kind == "generalised_additive":
            simpler = [self.statistic[h._replace(kind="additive")]]
            if self.of_one_sign:
                simpler.append(self.statistic[h._replace(kind="multiplicative")])
            if min(simpler) <= THRESHOLD:
                return min(simpler)
        return None

    def _judge(self, h: Hypothesis) -> float:
        memory: Memory = {}
        value = float("inf")
        for stage in self.stages:
            value = _shortfall(stage, h, memory)
            if value > stage.bearable:
                break
        return value

    def _watch(self, pending: Mapping[Future[float], Hypothesis | None]) -> None:
        """Collect what the threads find, with an eye on keyboard and callback."""
        work = dict(pending)
        while work:
            try:
                self._report()
                for future in wait(work, timeout=_POLL).done:
                    h = work.pop(future)
                    if not future.cancelled():
                        value = future.result()
                        if h is not None:
                            self.statistic[h] = value
            except KeyboardInterrupt:
                if self.stopped:
                    raise  # the user presses twice: no more patience
                self.stopped = True
            if self.stopped:
                for future in work:
                    future.cancel()

    def _report(self) -> None:
        if self.on_progress is None or self.stopped:
            return
        share = len(self.statistic) / len(self.todo)
        seconds = time.perf_counter() - self.begin
        if self.on_progress(Progress("structure", seconds=seconds, fraction=share)):
            self.stopped = True

    def _finding(self, h: Hypothesis) -> Finding:
        statistic = self.statistic[h]
        variables, rest = (tuple(self.names[i] for i in group) for group in (h.variables, h.rest))
        return Finding(h.kind, variables, rest, statistic, THRESHOLD, statistic <= THRESHOLD)


def _shortfall(stage: Stage, h: Hypothesis, memory: Memory) -> float:
    """By how many standard errors a surrogate bound to the structure predicts left-out rows worse than the free one.

    It is below about two where the structure holds: a bound surrogate then has less to learn.
    """
    if h.kind == "irrelevant":
        return min(without(stage, h.variables[0], memory))
    if h.kind == "additive":
        return min(additive(stage, h.variables, h.rest, memory))
    if h.kind == "multiplicative":
        return min(multiplicative(stage, h.variables, h.rest, memory))
    if h.kind == "generalised_additive":
        return min(generalised_additive(stage, h.variables, h.rest, memory))
    if h.kind == "compositional":
        return min(compositional(stage, h.variables, memory))
    i, j = h.variables
    return min(symmetric(stage, h.kind, i, j, memory))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """LAPACK on one thread in each of ours: its sums must not depend on how many there are."""
    lapack.addresses()  # loads the library that is to be limited
    with threadpool_limits(1, user_api="blas"):
        yield
