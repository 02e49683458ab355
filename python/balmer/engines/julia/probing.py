"""Structure probes in Julia, of data and of a user's own function."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.base import OnProgress, Progress
from balmer.engines.finding import Finding
from balmer.engines.julia import session
from balmer.engines.julia.crossing import Request, copied, julia_errors
from balmer.engines.problem import Problem
from balmer.errors import ConfigError, DataError

__all__ = ["probe_data", "probe_function"]

_POLL = 0.2  # seconds between looks at the keyboard and the progress bar
_FEWEST_ROWS = 20
_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(ctypes.c_double), ctypes.c_int64)


def probe_data(
    problem: Problem, *, seed: int, threads: int | None, on_progress: OnProgress | None
) -> list[Finding]:
    """See `balmer.engines.julia.JuliaEngine.probe`."""
    n = len(problem.y)
    if n < _FEWEST_ROWS:
        raise DataError(f"a probe needs at least {_FEWEST_ROWS} rows of positive weight; there are {n}")
    julia = session.julia(threads)
    request = Request(
        julia,
        {"n_features": len(problem.X), "seed": seed},
        {"X": problem.X, "y": problem.y, "weights": problem.weights},
    )
    with julia_errors("the probe"):
        probing = julia.start_probe(request.inside)
    try:
        running = True
        while running:
            try:
                with julia_errors("the probe"):
                    running = bool(julia.advance_b(probing, _POLL))
                if running and on_progress is not None:
                    share = float(julia.fraction(probing))
                    if on_progress(Progress("structure", fraction=share)):
                        julia.interrupt_b(probing)
            except KeyboardInterrupt:
                julia.interrupt_b(probing)  # what is found until then is kept
    finally:
        julia.interrupt_b(probing)
    return _findings(julia, probing, problem.dataset.feature_names)


def probe_function(
    function: Callable[..., Any],
    box: Mapping[str, tuple[float, float]],
    *,
    seed: int,
    threads: int | None,
) -> list[Finding]:
    """See `balmer.engines.julia.JuliaEngine.probe_function`."""
    names = list(box)
    lower, upper = (np.array([float(box[name][side]) for name in names]) for side in (0, 1))
    for name, low, high in zip(names, lower, upper, strict=True):
        if not (np.isfinite([low, high]).all() and low < high):
            raise ConfigError(
                f"the box of {name!r} is ({low:g}, {high:g}): a lower and a larger bound are accepted"
            )
    raised: list[BaseException] = []

    def call(point: Any, n: int) -> float:
        try:
            return float(function(*point[:n]))
        except BaseException as error:  # it cannot pass through Julia: it is kept, and raised on this side
            raised.append(error)
            return float("nan")

    julia = session.julia(threads)
    request = Request(julia, {"seed": seed}, {"lower": lower, "upper": upper})
    pointed = _SIGNATURE(call)
    address = ctypes.cast(pointed, ctypes.c_void_p).value
    try:
        with julia_errors("the probe"):
            probing = julia.probe_function(address, request.inside)
    except Exception:
        if raised:
            raise raised[0] from None
        raise
    if raised:
        raise raised[0]
    return _findings(julia, probing, names)


def _findings(julia: Any, probing: Any, names: Sequence[str]) -> list[Finding]:
    found: dict[str, NDArray[Any]] = copied(julia, julia.found(probing))
    kinds = str(julia.kinds(probing)).split()
    shape = (len(kinds), len(names))
    return Finding.from_arrays(
        names,
        kinds,
        found["variables"].reshape(shape),
        found["rest"].reshape(shape),
        found["statistic"],
        found["threshold"],
    )
