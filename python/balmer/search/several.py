"""`discover_all`: several targets of one table, one after the other, on one budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from balmer.data import Dataset
from balmer.engines import Budget, Progress
from balmer.engines.base import OnProgress, State
from balmer.errors import ConfigError
from balmer.expressions import Expression
from balmer.search.discover import DEFAULT_SECONDS, Discovery, discover

__all__ = ["discover_all", "share"]


def discover_all(
    data: Dataset,
    targets: Sequence[str],
    *,
    time: float | str | None = None,
    evaluations: int | None = None,
    start: Sequence[Expression | str] | Mapping[str, Sequence[Expression | str]] = (),
    states: Mapping[str, State] | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> dict[str, Discovery]:
    """Find the laws of several columns of one table.

    Each target is searched by itself, in terms of all columns that are no targets.

    Parameters
    ----------
    data : the table; its own target is a feature unless it is among the targets.
    targets : names of columns.
    time, evaluations : of all searches together, of which each gets an equal share; 60 s if neither is given.
    start : formulas to begin with, for every target or by target.
    states : of earlier Discoveries, by target, from which the evolution goes on.
    on_progress : as of `discover`; the stage names the target, and the fraction is of the whole.
    options : further options of `discover`, which go for every target.

    Returns
    -------
    Discoveries by target. Where the user interrupts, the one that was under way is the last.

    Raises
    ------
    ConfigError, DataError, UnitError, EngineError
        With one sentence that says what to mend.
    """
    if not isinstance(data, Dataset):
        raise ConfigError(f"discover_all takes a Dataset, not {type(data).__name__}; see Dataset.from_arrays")
    names = [targets] if isinstance(targets, str) else list(targets)
    if not names or len(set(names)) != len(names):
        raise ConfigError(f"targets = {names!r}: accepted are names of columns, each once")
    for option, given in (("start", start), ("states", states)):
        for name in given if isinstance(given, Mapping) else ():
            if name not in names:
                raise ConfigError(f"{option} is given for {name!r}, which is no target")
    features = [c.name for c in (*data.features, data.target) if c.name not in names]
    tables = {name: data.with_target(name, features=features) for name in names}
    if time is None and evaluations is None:
        time = DEFAULT_SECONDS
    budget = share(Budget.read({"seconds": time, "evaluations": evaluations}), len(names))
    found: dict[str, Discovery] = {}
    for name, table in tables.items():
        found[name] = discover(
            table,
            time=budget.seconds,
            evaluations=budget.evaluations,
            start=start.get(name, ()) if isinstance(start, Mapping) else start,
            state=(states or {}).get(name),
            on_progress=_part(on_progress, name, len(found), len(names)),
            **options,
        )
        if found[name].stopped == "interrupted":
            break
    return found


def share(budget: Budget, n: int) -> Budget:
    """The budget of one of n searches."""
    return budget.model_copy(
        update={
            "seconds": None if budget.seconds is None else budget.seconds / n,
            "evaluations": None if budget.evaluations is None else max(1, budget.evaluations // n),
        }
    )


def _part(on_progress: OnProgress | None, name: str, done: int, n: int) -> OnProgress | None:
    if on_progress is None:
        return None
    call = on_progress

    def report(progress: Progress) -> bool | None:
        fraction = None if progress.fraction is None else (done + progress.fraction) / n
        return call(replace(progress, stage=f"{name}: {progress.stage}", fraction=fraction))

    return report
