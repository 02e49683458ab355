"""Where the time of a search goes: python benchmarks/hotspots.py

The loops that run over the rows are behind addresses, so that a search can be made to run one kind of them twice and
throw the second result away: it takes the same steps, and what it takes longer is what those loops cost. One seed, one
thread, a number of evaluations, processor time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from common import print_table
from numba import types
from rows import LAWS, law_table

from balmer import Problem
from balmer.engines import Budget, Objective, SearchSpace
from balmer.engines.embedded import EmbeddedEngine, engine
from balmer.engines.embedded.types import Rules
from balmer.kernels import program
from balmer.kernels.entry import Entry, call_forward, call_normal
from balmer.kernels.pointers import address_of, call_at

OPERATORS = "+ - * / square sqrt exp log sin cos"
_SPARE = np.zeros(32 * 32)  # where the sums of a second run go
_KEPT: list[Any] = []


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    space = SearchSpace(operators=OPERATORS, max_complexity=30)
    warm = Problem(law_table("Compton", 100, 0), space, Objective(units="ignore"))
    for twice in (None, *_TWICE.values()):
        _run(warm, 1000, twice)
    lines, shares = [], []
    for name in LAWS:
        data = law_table(name, options.rows, 1, noise=options.noise)
        problem = Problem(data, space, Objective(units="ignore"))
        seconds: dict[str, list[float]] = {kind: [] for kind in ("once", *_TWICE)}
        evaluations = 0
        for _ in range(options.repeat):
            for kind in seconds:
                spent, evaluations = _run(problem, options.evaluations, _TWICE.get(kind), options.sample)
                seconds[kind].append(spent)
        once = float(np.median(seconds["once"]))
        parts = [float(np.median(seconds[kind])) / once - 1 for kind in _TWICE]
        shares.append(sum(parts))
        lines.append(
            [
                name,
                f"{once:.2f}",
                f"{evaluations / once:,.0f}",
                *(f"{part:.0%}" for part in parts),
                f"{sum(parts):.0%}",
            ]
        )
    print_table(
        f"CPU time of {options.evaluations:,} passes over {options.rows:,} rows, one thread",
        ["law", "seconds", "passes/s", *_TWICE, "all kernels"],
        lines,
    )
    print(f"\nMedian share of the kernels: {np.median(shares):.0%}")


def _forward_twice(base: Entry) -> Entry:
    forward = base.forward

    def twice(code, m, ws, block, width):  # type: ignore[no-untyped-def]
        call_forward(forward, code, m, ws, block, width)
        call_forward(forward, code, m, ws, block, width)

    u, i = types.uint64, types.int64
    return base._replace(forward=_kept(numba.cfunc(types.void(u, i, u, u, u))(twice)))


def _normal_twice(base: Entry) -> Entry:
    normal, spare = base.normal, np.uint64(_SPARE.ctypes.data)

    def twice(code, m, k, ws, block, width, prediction, target, seed, residual, careful, kind, scale, out):  # type: ignore[no-untyped-def]
        call_normal(
            normal,
            code,
            m,
            k,
            ws,
            block,
            width,
            prediction,
            target,
            seed,
            residual,
            careful,
            kind,
            scale,
            spare,
        )
        call_normal(
            normal,
            code,
            m,
            k,
            ws,
            block,
            width,
            prediction,
            target,
            seed,
            residual,
            careful,
            kind,
            scale,
            out,
        )

    u, i = types.uint64, types.int64
    kind = types.void(u, i, i, u, u, u, u, u, u, u, u, u, types.float64, u)
    return base._replace(normal=_kept(numba.cfunc(kind)(twice)))


def _scan_twice(rules: Rules) -> Rules:
    scan = rules.calls.scan

    @numba.njit(nogil=True)
    def twice(shape, cost, first, last, w, wd, sum_d, sums):  # type: ignore[no-untyped-def]
        call_at(scan, False, (shape, cost, first, last, w, wd, sum_d, sums))
        return call_at(scan, False, (shape, cost, first, last, w, wd, sum_d, sums))

    columns, column, one = np.zeros((1, 1), np.float32), np.zeros(1, np.float32), np.int64(1)
    address = address_of(twice, columns, column, one, one, column, column, np.float32(1.0), columns)
    _KEPT.append(twice)
    return rules._replace(calls=rules.calls._replace(scan=address))


_TWICE: dict[str, tuple[Callable[[Entry], Entry], Callable[[Rules], Rules]]] = {
    "values": (_forward_twice, lambda rules: rules),
    "derivatives": (_normal_twice, lambda rules: rules),
    "look-ups of parts": (lambda base: base, _scan_twice),
}


def _run(
    problem: Problem,
    evaluations: int,
    twice: tuple[Callable[[Entry], Entry], Callable[[Rules], Rules]] | None,
    sample: int = 128,
) -> tuple[float, int]:
    """Processor time of the evolution alone, and its passes over the rows; with some loops run twice."""
    whole_entry, whole_linked = program.entry, engine.linked
    if twice is not None:
        loops = twice[0](whole_entry())
        program.entry = lambda width=64: loops
        engine.linked = lambda *given, **named: twice[1](whole_linked(*given, **named))
    try:
        search = EmbeddedEngine(threads=1, sample=sample)
        begin = time.process_time()
        search.evolve(problem, Budget(evaluations=1), seed=1)
        prepared = time.process_time() - begin
        begin = time.process_time()
        found = search.evolve(problem, Budget(evaluations=evaluations), seed=1)
        return time.process_time() - begin - prepared, found.evaluations
    finally:
        program.entry, engine.linked = whole_entry, whole_linked


def _kept(function: Any) -> np.uint64:
    """The address of a compiled function, which lives as long as this program."""
    _KEPT.append(function)
    return np.uint64(function.address)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--rows", type=int, default=1000, metavar="N", help="of the tables (1000)")
    add(
        "--sample",
        type=int,
        default=128,
        metavar="N",
        help="rows on which candidates are compared at first (128)",
    )
    add("--evaluations", type=int, default=100_000, metavar="N", help="passes of a search (100000)")
    add("--noise", type=float, default=0.01, help="of the target, so that no search ends early (0.01)")
    add("--repeat", type=int, default=3, metavar="N", help="runs of each, of which the median counts (3)")
    return parser


if __name__ == "__main__":
    main()
