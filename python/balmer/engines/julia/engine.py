"""The Julia engine: islands of SymbolicRegression.jl's populations, evolved by Balmer.jl on Julia's threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.base import Candidate, Evolution, OnProgress, Progress, State, Stopped, pareto
from balmer.engines.common import check_request, check_settings, digest, rows_searched, undominated
from balmer.engines.finding import Finding
from balmer.engines.julia import session
from balmer.engines.julia.crossing import Request, copied, julia_errors
from balmer.engines.problem import Budget, Problem, SearchSpace
from balmer.errors import ConfigError, EngineError
from balmer.expressions import Expression
from balmer.expressions.operators import LITERAL, N_OPCODES, OPERATORS, OPERATORS_BY_CODE

__all__ = ["JuliaEngine"]

_POLL = 0.2  # seconds between looks at the keyboard and the progress bar
_OURS = ("seed", "problem")  # what Python adds to the state

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JuliaEngine:
    """Evolution in Julia.

    Attributes
    ----------
    threads : how many islands evolve side by side; None takes all of Julia's threads, whose number is fixed when Julia
        starts. The front does not depend on it.
    islands, population : how many populations there are, and of how many formulas.
    max_rows : rows searched on; of larger tables a random sample is drawn, and the front is judged on all rows.
    tournament, crossover, parsimony : of the evolution, as in SymbolicRegression.jl (tournament_selection_n,
        crossover_probability, adaptive_parsimony_scaling).
    fit, fit_steps : the chance that the constants of a new formula are fitted, and Levenberg-Marquardt steps then.
    """

    threads: int | None = None
    islands: int = 16
    population: int = 60
    max_rows: int = 2048
    tournament: int = 5
    crossover: float = 0.1
    parsimony: float = 20.0
    fit: float = 1.0
    fit_steps: int = 4
    name: str = "julia"

    def __post_init__(self) -> None:
        least = {"islands": 1, "population": 2, "tournament": 1, "max_rows": 8, "fit_steps": 1}
        check_settings(self, least, self.threads)
        if self.tournament >= self.population:
            raise ConfigError(
                f"tournament = {self.tournament}: it must be smaller than the population of {self.population}"
            )

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
            If the budget has no end, a formula of `start` is outside the search space, or the loss is not the squared.
        EngineError
            If Julia cannot be started, or the state belongs to another search.
        """
        check_request(problem, budget, start)
        if problem.objective.loss != "squared":
            raise ConfigError(
                f"loss = {problem.objective.loss!r} is not known to the Julia engine: set 'squared', or "
                f"engine = 'embedded'"
            )
        if state is not None and not np.array_equal(state.get("problem", np.zeros(0)), digest(problem)):
            raise EngineError(
                "the saved state belongs to another search: the data, the space or the objective differ"
            )
        return _Search(self, problem, budget, seed, start, state, on_progress).run()

    def probe(self, problem: Problem, *, seed: int, on_progress: OnProgress | None = None) -> list[Finding]:
        """Test which structure the target has in its features; see `balmer.engines.base.Engine.probe`.

        Raises
        ------
        DataError
            If there are fewer than 20 rows.
        EngineError
            If Julia cannot be started.
        """
        from balmer.engines.julia.probing import probe_data

        return probe_data(problem, seed=seed, threads=self.threads, on_progress=on_progress)

    def probe_function(
        self, function: Callable[..., Any], box: Mapping[str, tuple[float, float]], *, seed: int = 0
    ) -> list[Finding]:
        """Test which structure a function has in a box, to its rounding.

        Parameters
        ----------
        function : of as many numbers as the box has names, in their order.
        box : lower and upper bound of each variable.

        Raises
        ------
        ConfigError
            If the box is none.
        EngineError
            If Julia cannot be started, or the function is not finite in the box; what the function itself raises is
            raised.
        """
        from balmer.engines.julia.probing import probe_function

        return probe_function(function, box, seed=seed, threads=self.threads)


class _Search:
    """One call of `evolve`."""

    def __init__(
        self,
        engine: JuliaEngine,
        problem: Problem,
        budget: Budget,
        seed: int,
        start: Sequence[Expression],
        state: State | None,
        on_progress: OnProgress | None,
    ) -> None:
        self.engine, self.problem, self.budget = engine, problem, budget
        self.start, self.state, self.on_progress = start, state, on_progress
        self.seed = seed if state is None else int(state["seed"])
        self.begin = time.perf_counter()
        self.interrupted = False
        self.julia: Any = None
        self.handle: Any = None
        self.request: Request | None = None  # Julia reads arrays in it until the search has ended

    def run(self) -> Evolution:
        self._report("starting Julia", 0, ())
        self.julia = session.julia(self.engine.threads)
        X, y, weights, self.whole = rows_searched(self.problem, self.engine.max_rows, self.seed)
        self.begin = time.perf_counter()  # what Julia's start takes is not taken from the user's time
        with julia_errors("the search"):
            self.request = self._request(X, y, weights)
            self.handle = self.julia.start_search(self.request.inside)
        try:
            self._watch()
        finally:
            self.julia.interrupt_b(self.handle)  # whatever happens here, no search goes on in the background
        with julia_errors("the search"):
            archive = self._judge()
            state = copied(self.julia, self.julia.saved(self.handle))
            self.julia.sweep()
            return Evolution(
                front=pareto(archive),
                archive=archive,
                state=state | {"seed": np.array(self.seed), "problem": digest(self.problem)},
                evaluations=int(self.julia.evaluations(self.handle)),
                node_evaluations=int(self.julia.node_evaluations(self.handle)) * len(y),
                seconds=time.perf_counter() - self.begin,
                stopped=_stopped(str(self.julia.reason(self.handle))),
            )

    def _watch(self) -> None:
        """Let Julia run, with an eye on the keyboard and the callback, until the search has ended."""
        running = True
        while running:
            try:
                with julia_errors("the search"):
                    running = bool(self.julia.advance_b(self.handle, _POLL))
                if running and self.on_progress is not None:
                    front = pareto(Candidate(e, loss, self._cost(e)) for e, loss in self._found())
                    if self._report("evolution", int(self.julia.evaluations(self.handle)), front):
                        self.julia.interrupt_b(self.handle)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise  # the user presses twice: no more patience
                self.interrupted = True
                self.julia.interrupt_b(self.handle)
                running = True

    def _request(self, X: Floats, y: Floats, weights: Floats) -> Request:
        """Everything asked of Julia."""
        problem, space, engine = self.problem, self.problem.space, self.engine
        names = space.drawn.union(*(e.operators for e in self.start))
        codes = [code for code, entry in OPERATORS_BY_CODE.items() if entry.name in names]
        bodies = [custom.body for custom in space.custom_operators]
        arrays: dict[str, NDArray[Any]] = {
            "X": X,
            "y": y,
            "weights": weights,
            "operators": np.array(codes, np.int16),
            "cost": space.complexity.table(problem.dataset.n_features),
            **_constraints(space),
            "literals": self._literals([*bodies, *self.start]),
            "arities": np.array([custom.arity for custom in space.custom_operators], np.int64),
            **_packed("start_", self.start),
            **_packed("custom_", bodies),
        }
        settings: dict[str, int | float | str] = {
            "n_features": len(X),
            "min_complexity": space.min_complexity,
            "max_complexity": space.max_complexity,
            "max_depth": space.max_depth,
            "max_constants": space.max_constants,
            "seed": self.seed,
            "threads": engine.threads or session.threads(),
            "islands": engine.islands,
            "population": engine.population,
            "tournament": engine.tournament,
            "crossover": float(engine.crossover),
            "parsimony_scaling": float(engine.parsimony),
            "fit": float(engine.fit),
            "fit_steps": engine.fit_steps,
            "units": "ignore",
            "constants": problem.objective.constants,
            "strength": float(problem.objective.unit_penalty),
            "baseline": problem.variance,
            "evaluations": self.budget.evaluations or 0,
            "seconds": float(self.budget.seconds or 0),
            "patience": self.budget.patience or 0,
            "target_loss": -1.0 if self.budget.target_loss is None else float(self.budget.target_loss),
            "floor": problem.noise_floor,
            "interpolation": len(problem.y),
        }
        penalised = problem.objective.units == "penalise"
        if problem.dimensions is not None and (problem.check_units or penalised):
            settings["units"] = "penalise" if penalised else "forbid"
            exponents = np.array([[float(x) for x in d.exponents] for d in problem.dimensions])
            arrays |= {"features": exponents[:-1].ravel(), "target": exponents[-1].copy()}
        if self.state is not None:
            arrays |= {f"state_{k}": np.asarray(v) for k, v in self.state.items() if k not in _OURS}
        return Request(self.julia, settings, arrays)

    def _literals(self, expressions: Sequence[Expression]) -> NDArray[np.float64]:
        """The exact numbers that trees must be able to say, those of an earlier search first."""
        known = [] if self.state is None else [float(x) for x in self.state["literals"]]
        new = (value for e in expressions for op, _, value in e if op == LITERAL)
        return np.array(list(dict.fromkeys([*known, *new])), dtype=np.float64)

    def _found(self) -> Iterator[tuple[Expression, float]]:
        """Formulas of Julia's archive with the loss on the rows searched, the penalty for units included."""
        found = copied(self.julia, self.julia.found(self.handle))
        ends = np.cumsum(found["lengths"])
        for end, length, loss in zip(ends, found["lengths"], found["loss"], strict=True):
            part = slice(end - length, end)
            yield Expression(found["ops"][part], found["args"][part], found["values"][part]), float(loss)

    def _judge(self) -> tuple[Candidate, ...]:
        """The archive with its losses on all rows, constants refitted there if the search saw only some."""
        from balmer.kernels import fit, losses

        problem = self.problem
        found = undominated(
            [Candidate(e, loss, self._cost(e)) for e, loss in self._found() if self._holds(e)]
        )
        formulas = [c.expression for c in found]
        if not self.whole:
            formulas = [
                fit(e, problem.X, problem.y, problem.weights, max_steps=6).expression for e in formulas
            ]
        values = losses(formulas, problem.X, problem.y, problem.weights)
        judged = (Candidate(e, float(loss), self._cost(e)) for e, loss in zip(formulas, values, strict=True))
        return tuple(undominated(list(judged)))

    def _holds(self, expression: Expression) -> bool:
        """Julia has decided in floats; fractions have the last word."""
        report = self.problem.dimension_report(expression) if self.problem.check_units else None
        return report is None or report.holds

    def _cost(self, expression: Expression) -> int:
        return self.problem.space.complexity.of(expression)

    def _report(self, stage: str, evaluations: int, front: tuple[Candidate, ...]) -> bool:
        if self.on_progress is None:
            return False
        seconds = time.perf_counter() - self.begin
        parts = [0.0]
        if self.budget.seconds is not None:
            parts.append(seconds / self.budget.seconds)
        if self.budget.evaluations is not None:
            parts.append(evaluations / self.budget.evaluations)
        return bool(self.on_progress(Progress(stage, evaluations, seconds, min(max(parts), 1.0), front)))


def _packed(prefix: str, expressions: Sequence[Expression]) -> dict[str, NDArray[Any]]:
    """Programs one after the other: opcodes, feature indices, numbers, and the length of each."""
    parts = {"ops": np.int16, "args": np.int16, "values": np.float64}
    packed = {
        prefix + part: np.concatenate([np.zeros(0, kind), *(getattr(e, part) for e in expressions)])
        for part, kind in parts.items()
    }
    return packed | {f"{prefix}lengths": np.array([len(e) for e in expressions], np.int64)}


def _constraints(space: SearchSpace) -> dict[str, NDArray[Any]]:
    """By opcode the largest complexity of both arguments, and triples of outer, inner, how often; both flat."""
    arguments = np.full((N_OPCODES, 2), -1, np.int64)
    for name, limits in space.argument_constraints.items():
        arguments[OPERATORS[name].code, : len(limits)] = limits
    nested = [
        (OPERATORS[outer].code, OPERATORS[inner].code, most)
        for outer, limits_of in space.nested_constraints.items()
        for inner, most in limits_of.items()
    ]
    unlimited = not space.argument_constraints
    return {
        "arguments": np.zeros(0, np.int64) if unlimited else arguments.ravel(),
        "nested": np.array(nested, np.int64).ravel(),
    }


def _stopped(reason: str) -> Stopped:
    for known in ("evaluations", "seconds", "target", "patience"):
        if reason == known:
            return known
    return "interrupted"
