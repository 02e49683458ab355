"""How fast formulas are evaluated and fitted, beside pyoperon's compiled interpreter and least squares.

    python benchmarks/throughput.py [--quick] [--cpu]

Prints Markdown tables; how pyoperon is called and what is counted stands in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from common import (
    CLASSES,
    OperonData,
    import_pyoperon,
    interleaved,
    least_squares_problems,
    print_table,
    ratio,
    table_of,
    trees,
)

from balmer.kernels import Programs, evaluate_many
from balmer.kernels.fits import fit_packed
from balmer.kernels.program import pack

_STEPS = 10
_FIT_ROWS = 1_000
# Of one formula, as a search has the rows and the room of one table at hand for all its fits.
_FITS_IN_A_ROW = 5
_IN_A_CALL = 2e7  # nodes times rows
# And in one measurement: what the contestant before has left in the caches, and a core that was idle and that a virtual
# machine takes milliseconds to give back, shall not count.
_IN_A_MEASUREMENT = 2e8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and repetitions: under two minutes")
    parser.add_argument(
        "--cpu", action="store_true", help="processor time, for a busy machine; one thread only"
    )
    arguments = parser.parse_args()
    clock = time.process_time if arguments.cpu else time.perf_counter
    repetitions = 7 if arguments.quick else 15
    rows = [1_000, 10_000] if arguments.quick else [100, 1_000, 10_000, 100_000, 1_000_000]
    po = import_pyoperon()
    _evaluation(po, rows, repetitions, clock)
    if not arguments.cpu and (os.cpu_count() or 1) > 1:
        _threads(po, [1_000] if arguments.quick else rows, repetitions, clock)
    _fits(po, 60 if arguments.quick else 200, repetitions, clock)
    return 0


def _contest(
    po: Any, kind: str, n_rows: int, repetitions: int, clock: Callable[[], float], threads: list[int]
) -> Any:
    """Times of one measurement of every contestant, and the 10^9 nodes times rows that it is."""
    # For threads the batches are larger, as both contestants wake theirs anew with each.
    most = 200 if len(threads) == 1 else 2_000
    count = int(np.clip(len(threads) * _IN_A_CALL / 20 / n_rows, 5, most))
    expressions = trees(kind, count)
    programs = Programs.of(expressions)
    work = len(programs.ops) * n_rows
    loops = max(1, round(_IN_A_MEASUREMENT / work))
    X = table_of(n_rows)
    single = X.astype(np.float32)
    out, out_single = np.empty((count, n_rows)), np.empty((count, n_rows), np.float32)
    contestants: dict[str, Callable[[], object]] = {}
    for t in threads:
        contestants[f"float64 {t}"] = lambda t=t: evaluate_many(programs, X, threads=t, out=out)
        contestants[f"float32 {t}"] = lambda t=t: evaluate_many(programs, single, threads=t, out=out_single)
    if po:
        data = OperonData(po, X)
        theirs = [data.tree(po, e) for e in expressions]
        result = np.empty((count, n_rows), np.float32)
        for t in threads:
            contestants[f"operon {t}"] = lambda t=t: po.EvaluateTrees(
                theirs, data.dataset, data.range, result, t
            )
    times = interleaved(contestants, repetitions, loops=loops, clock=clock)
    if po:
        agree = np.isclose(out, result, rtol=1e-2, atol=1e-3).mean()
        if agree < 0.99:
            print(f"(only {agree:.1%} of the values of {kind} trees agree)", file=sys.stderr)
    return times, work * loops / 1e9


def _evaluation(po: Any, rows: list[int], repetitions: int, clock: Callable[[], float]) -> None:
    lines = []
    for kind in CLASSES:
        for n_rows in rows:
            times, work = _contest(po, kind, n_rows, repetitions, clock, [1])
            speed = {name: work / np.median(t) for name, t in times.items()}
            line = [kind, f"{n_rows:,}", f"{speed['float64 1']:.2f}", f"{speed['float32 1']:.2f}"]
            if po:
                line += [f"{speed['operon 1']:.2f}"]
                line += [f"{ratio(times, 'operon 1', name):.2f}" for name in ("float64 1", "float32 1")]
            lines.append(line)
    header = ["trees", "rows", "float64", "float32"]
    header += ["pyoperon (float32)", "float64 / pyoperon", "float32 / pyoperon"] if po else []
    print_table("Evaluation on one thread, 10^9 nodes x rows per second", header, lines)


def _threads(po: Any, rows: list[int], repetitions: int, clock: Callable[[], float]) -> None:
    lines = []
    for kind in CLASSES:
        for n_rows in rows:
            times, work = _contest(po, kind, n_rows, repetitions, clock, [1, 2])
            names = ["float64", "float32"] + (["operon"] if po else [])
            line = [kind, f"{n_rows:,}"]
            for name in names:
                line += [
                    f"{work / np.median(times[f'{name} 2']):.2f}",
                    f"{ratio(times, f'{name} 1', f'{name} 2'):.2f}",
                ]
            lines.append(line)
    header = ["trees", "rows", "float64", "to 1 thread", "float32", "to 1 thread"]
    header += ["pyoperon", "to 1 thread"] if po else []
    print_table("Evaluation on two threads, 10^9 nodes x rows per second", header, lines)


def _fits(po: Any, count: int, repetitions: int, clock: Callable[[], float]) -> None:
    lines = [_fit_contest(po, kind, count, repetitions, clock) for kind in CLASSES]
    header = ["trees", "nodes", "float64", "float32"]
    if po:
        header += [
            "pyoperon (float32)",
            "pyoperon / float64",
            "pyoperon / float32",
            "lower loss, ours : theirs",
        ]
    title = (
        f"Least squares, at most {_STEPS} steps, {_FIT_ROWS:,} rows, 8 to 10 constants: microseconds per fit"
    )
    print_table(title, header, lines)


def _fit_contest(po: Any, kind: str, count: int, repetitions: int, clock: Callable[[], float]) -> list[str]:
    X, weights = table_of(_FIT_ROWS), np.full(_FIT_ROWS, 1 / _FIT_ROWS)
    problems = least_squares_problems(kind, count, X)
    starts = [Programs.of([start]) for start, _ in problems]
    losses: dict[str, list[float]] = {}

    def run(name: str, tables: list[Any]) -> None:
        losses[name] = [
            [
                float(fit_packed(p, table, max_steps=_STEPS + 1, tolerance=1e-6)[1][0])
                for _ in range(_FITS_IN_A_ROW)
            ][-1]
            for p, table in zip(starts, tables, strict=True)
        ]

    contestants: dict[str, Callable[[], object]] = {
        name: partial(run, name, [pack(X, y, weights, 40, real=real) for _, y in problems])
        for name, real in (("float64", np.float64), ("float32", np.float32))
    }
    if po:
        optimizers = [_operon_optimizer(po, X, start, y) for start, y in problems]

        def run_operon() -> None:
            losses["operon"] = [
                [fit(rng, tree)[1].FinalCost / _FIT_ROWS for _ in range(_FITS_IN_A_ROW)][-1]
                for fit, rng, tree, _ in optimizers
            ]

        contestants["operon"] = run_operon
    times = interleaved(contestants, repetitions, clock=clock)
    line = [kind, f"{np.mean([len(start) for start, _ in problems]):.1f}"]
    line += [f"{np.median(times[name]) / count / _FITS_IN_A_ROW * 1e6:.0f}" for name in contestants]
    if po:
        line += [f"{ratio(times, 'operon', name):.2f}" for name in ("float64", "float32")]
        mine, theirs = np.array(losses["float64"]), np.array(losses["operon"])
        line += [f"{np.sum(mine < 0.999 * theirs)} : {np.sum(theirs < 0.999 * mine)}"]
    return line


def _operon_optimizer(po: Any, X: Any, start: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    data = OperonData(po, X, y)
    problem = po.Problem(data.dataset)
    problem.TrainingRange, problem.TestRange = data.range, po.Range(X.shape[1] - 1, X.shape[1])
    problem.Target = data.variables[-1]
    problem.InputHashes = [v.Hash for v in data.variables[:-1]]
    dispatch = po.DispatchTable()
    inner = po.LMOptimizer(dispatch, problem, _STEPS, 128)
    return (
        po.CoefficientOptimizer(inner),
        po.RandomGenerator(1),
        data.tree(po, start),
        (data, problem, dispatch, inner),
    )


if __name__ == "__main__":
    sys.exit(main())
