"""`probe`: which structure a table or a function shows, and which it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from balmer.data import Bounds, Box, Dataset, author_named, ordered, sample_function
from balmer.engines import Engine, Finding, Problem
from balmer.engines.base import OnProgress
from balmer.errors import ConfigError
from balmer.search.choice import chosen_engine, problem_of, seed_of
from balmer.units import Unit, parse_unit

__all__ = ["probe", "table_of"]

_ROWS = 1000  # drawn of a function

Function = Callable[..., Any]
UnitLike = str | Unit


def probe(
    data: Dataset | Problem | Function,
    box: Mapping[str, Bounds] | None = None,
    *,
    engine: str | Engine = "auto",
    seed: int = 0,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> list[Finding]:
    """Test which structure a target has in its features: sums, products, symmetries, compositions, or none.

    Of a table, a Gaussian process that can express nothing but the structure is compared with a free one by how well
    each predicts rows that are left out; noise in the target, weights and uncertainties are taken into account. Of a
    function, every condition is tested at fresh points, to the function's rounding.

    Parameters
    ----------
    data : a Dataset, a Problem, or a function of as many numbers as the box has variables. A function is called by name
        where its parameters are the variables, else in their order; with arrays if it takes them.
    box : of a function: (low, high) or (low, high, unit) of each variable.
    engine, threads : as for `balmer.discover`.
    seed : of the rows or points that are drawn.
    on_progress : called with a `Progress` while a table is probed; returning True ends the probe.

    Returns
    -------
    A Finding for every hypothesis, see `balmer.engines.finding.KINDS`; those with `verdict` are found. None where there
    is one feature or a constant target.

    Raises
    ------
    ConfigError
        If the box is none, or the function raises, does not fit the box, or is not a finite number in it.
    DataError
        If there are fewer than 20 rows.

    Notes
    -----
    Ctrl-C ends the probe and keeps what was found.

    Examples
    --------
    >>> import balmer as bm
    >>> found = bm.probe(lambda x, y: (x - y) ** 2, {"x": (0, 1), "y": (0, 1)})
    >>> [f.kind for f in found if f.verdict]
    ['difference']
    """
    seed, chosen = seed_of(seed), chosen_engine(engine, threads)
    function = _function(data, box)
    if function is not None:
        return _probe_function(function, Box.read(box), chosen, seed)
    problem = problem_of(data, None, None, None, "probe")
    return chosen.probe(problem, seed=seed, on_progress=on_progress)


def table_of(
    data: Dataset | Problem | Function,
    box: Mapping[str, Bounds] | None,
    rows: int | None,
    seed: int,
    unit: UnitLike | None = None,
) -> tuple[object, Callable[[Engine, int], list[Finding]] | None]:
    """What is to be searched, and, where it is drawn from a function, how that is probed.

    Raises
    ------
    ConfigError
        See `balmer.data.sample_function`; or if a box or a number of rows stands beside a table.
    """
    function = _function(data, box)
    if function is None:
        if rows is not None:
            raise ConfigError("rows are drawn of a function; a table has its own")
        if unit is not None:
            raise ConfigError("target_unit is for a function; the target of a table has a unit there")
        return data, None
    where, named = Box.read(box), function
    table = sample_function(
        function,
        cast(Mapping[str, Bounds], box),
        rows=_ROWS if rows is None else rows,
        seed=seed,
        unit=unit,
    )
    return table, lambda engine, seed: _probe_function(named, where, engine, seed)


def _function(data: object, box: object) -> Function | None:
    """`data` if it is a function, with a box, as it needs."""
    if isinstance(data, Dataset | Problem) or not callable(data):
        if box is not None:
            raise ConfigError(f"a box is for a function, and {type(data).__name__} is none")
        return None
    if box is None:
        raise ConfigError("a function needs a box: its variables with their bounds, as in {'x': (0, 1)}")
    return data


def _probe_function(function: Function, box: Box, engine: Engine, seed: int) -> list[Finding]:
    factors = [_factor(box.units.get(name)) for name in box.names]
    bounds = {
        name: (float(low * f), float(high * f))
        for name, low, high, f in zip(box.names, box.lower, box.upper, factors, strict=True)
    }
    call = ordered(function, box.names)
    if any(f != 1.0 for f in factors):  # an angle is probed in radians, as formulas have it
        of_columns = call

        def call(*values: Any) -> Any:
            return of_columns(*(v / f for v, f in zip(values, factors, strict=True)))

    with author_named():
        return engine.probe_function(call, bounds, seed=seed)


def _factor(unit: UnitLike | None) -> float:
    if isinstance(unit, str):
        unit = parse_unit(unit, only_read=True)
    return 1.0 if unit is None else unit.factor
