"""What the entry functions are given: which engine is meant, and which problem."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from threading import current_thread, main_thread

from balmer.data import Dataset
from balmer.engines import Engine, Objective, Problem, SearchSpace
from balmer.errors import ConfigError, EngineError

__all__ = ["chosen_engine", "engine_meant", "problem_of", "seed_of"]

_ENGINES = ("auto", "embedded", "julia")


def seed_of(seed: object) -> int:
    """A seed as an int.

    Raises
    ------
    ConfigError
        If it is not a whole number from 0.
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise ConfigError(f"seed = {seed!r}: a whole number from 0 is accepted")
    return int(seed)


def problem_of(
    data: object,
    operators: str | Sequence[str] | None,
    space: SearchSpace | None,
    objective: Objective | None,
    caller: str = "discover",
    **more: object,
) -> Problem:
    """The problem that is meant: a given one, or a Dataset with the space and objective beside it.

    Parameters
    ----------
    more : fields of the Objective that are given by themselves; None where not.

    Raises
    ------
    ConfigError
        If something is given twice, or `data` is neither.
    """
    if isinstance(data, Problem):
        if any(given is not None for given in (operators, space, objective, *more.values())):
            raise ConfigError(
                "a Problem has its own space and objective: give operators, space and objective there"
            )
        return data
    if not isinstance(data, Dataset):
        raise ConfigError(
            f"{caller} takes a Dataset, a Problem, or a function and its box, not {type(data).__name__}; "
            f"see Dataset.from_arrays"
        )
    if operators is not None:
        if space is not None and "operators" in space.model_fields_set:
            raise ConfigError("operators are given twice: in the space and beside it")
        given = {} if space is None else {name: getattr(space, name) for name in space.model_fields_set}
        space = SearchSpace.read(given | {"operators": operators})
    fields = {name: value for name, value in more.items() if value is not None}
    for name in fields:
        if objective is not None and name in objective.model_fields_set:
            raise ConfigError(f"{name} is given twice: in the objective and beside it")
    if fields:
        told = {} if objective is None else {f: getattr(objective, f) for f in objective.model_fields_set}
        objective = Objective.read(told | fields)
    return Problem(data, space or SearchSpace(), objective or Objective())


def chosen_engine(
    engine: str | Engine, threads: int | None, precision: str | None = None, problem: Problem | None = None
) -> Engine:
    """The engine of a name, with that many threads, or a given one.

    Parameters
    ----------
    problem : what it is to search; "auto" then is an engine that knows the loss, and what an embedded engine still has
        to compile begins to be compiled.

    Raises
    ------
    ConfigError
        If threads or a precision are given beside an engine that has its own, or are not known to the engine.
    EngineError
        If there is no such engine, or it is not set up.
    """
    if not isinstance(engine, str):
        for option, value in (("threads", threads), ("precision", precision)):
            if value is not None:
                raise ConfigError(f"{option} = {value!r} is given beside an engine that has its own")
        return engine
    if engine not in _ENGINES:
        raise EngineError(
            f"there is no engine {engine!r} in this version; accepted are {', '.join(map(repr, _ENGINES))}"
        )
    simple = precision in (None, "float64") and (problem is None or problem.objective.loss == "squared")
    if engine_meant(engine, simple) == "julia":
        if precision not in (None, "float64"):
            raise ConfigError(
                f"precision = {precision!r} is not known to the Julia engine: set 'float64', or engine = 'embedded'"
            )
        from balmer.engines.julia import JuliaEngine

        return JuliaEngine(threads=threads)
    from balmer.engines.embedded import EmbeddedEngine

    embedded = EmbeddedEngine(threads=threads, precision=precision or "float64")
    if problem is not None:
        embedded.warm_up()
    return embedded


def engine_meant(engine: str, simple: bool = True) -> str:
    """The engine that is meant: "auto" is Julia where it is set up and this thread may call it, else embedded.

    `simple` tells whether the question is one that Julia knows.
    """
    if engine == "embedded" or (engine == "auto" and not simple):
        return "embedded"
    from balmer.engines.julia import session

    if engine == "julia":
        session.require()
        return engine
    return "julia" if session.available() and current_thread() is main_thread() else "embedded"
