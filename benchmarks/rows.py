"""What more rows cost: python benchmarks/rows.py [--plot FILE.png]

Three tables: CPU seconds until a law is found in 1,000, 10,000 and 100,000 rows; the cost of a pass of a formula over
10^3 ... 10^6 rows where the evolution is made to see all of them, with the exponent of its growth; and the memory of
a search in 10^6 rows of 10 features.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import print_table

from balmer import Dataset, Problem, discover
from balmer.engines import Budget, Objective, SearchSpace
from balmer.engines.embedded import EmbeddedEngine
from balmer.expressions import parse

OPERATORS = "+ - * / square sqrt exp log sin cos"
# Textbook laws of which the enumeration of small formulas finds none by itself.
LAWS = {
    "damped oscillation": ("a*exp(-b*t)*cos(w*t)", "a b t w"),
    "thin lenses": ("1/((n - 1)*(1/r - 1/s + (n - 1)*d/(n*r*s)))", "n r s d"),
    "two-body energy": ("m*v**2/2 + k*x**2/2 - q/x", "m v k x q"),
    "Debye-Hueckel": ("a*exp(-k*r)/(r*(1 + k*d))", "a k r d"),
    "Compton": ("e/(1 + e/m*(1 - cos(t)))", "e m t"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    if options.memory_of:
        print(_memory(options.memory_of))
        return
    space = SearchSpace(operators=OPERATORS, max_complexity=30)
    discover(law_table("Compton", 100, 0), evaluations=1000, space=space, engine="embedded")
    _search_time(space, options.rows, options.seeds, options.limit)
    _cost_of_a_pass(space, options.plot)
    answer = subprocess.run(
        [sys.executable, __file__, "--memory-of", "1000000"], capture_output=True, text=True, check=True
    )
    print(f"\nPeak memory of a search in 1,000,000 rows of 10 features: {float(answer.stdout):.0f} MB")


def _search_time(space: SearchSpace, sizes: Sequence[int], seeds: int, limit: float) -> None:
    """CPU seconds of the evolution until a law is exact, for every law and number of rows."""
    lines, ratios = [], {n: [] for n in sizes}
    for name in LAWS:
        spent: dict[int, list[float]] = {n: [] for n in sizes}
        for seed in range(1, seeds + 1):
            for n in sizes:
                problem = Problem(law_table(name, n, seed), space, Objective(units="ignore"))
                begin = _cpu()
                found = EmbeddedEngine().evolve(problem, Budget(seconds=limit), seed=seed)
                solved = found.stopped == "target"
                spent[n].append(_cpu() - begin if solved else np.inf)
        lines.append([name, *(f"{np.median(spent[n]):.2f}" for n in sizes)])
        for n in sizes:
            ratios[n].append(np.median(spent[n]) / np.median(spent[sizes[0]]))
    lines.append(["median of the ratios", *(f"{np.nanmedian(ratios[n]):.2f}" for n in sizes)])
    print_table(
        f"CPU seconds of the evolution to the exact law, medians of {seeds} runs",
        ["law", *(f"{n:,} rows" for n in sizes)],
        lines,
    )


def _cost_of_a_pass(space: SearchSpace, plot: Path | None) -> None:
    """Seconds of a pass, when every candidate is fitted to all rows."""
    sizes = [1000, 10_000, 100_000, 1_000_000]
    seconds = []
    for n in sizes:
        data = law_table("Compton", n, 1, noise=0.1)
        problem = Problem(data, space, Objective(units="ignore"))
        engine = EmbeddedEngine(threads=1, islands=4, population=32, sample=n, max_rows=n)
        passes = max(400, 100_000_000 // n)
        engine.evolve(problem, Budget(evaluations=1), seed=1)  # what is loaded at first use is loaded
        begin, none = _cpu(), engine.evolve(problem, Budget(evaluations=1), seed=1)
        start = _cpu() - begin
        begin = _cpu()
        found = engine.evolve(problem, Budget(evaluations=passes), seed=1)
        seconds.append((_cpu() - begin - start) / (found.evaluations - none.evaluations))
    slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    print_table(
        "Seconds of a pass over all rows, one thread",
        ["rows", "microseconds", "nanoseconds per row"],
        [[f"{n:,}", f"{1e6 * s:.1f}", f"{1e9 * s / n:.2f}"] for n, s in zip(sizes, seconds, strict=True)],
    )
    print(f"\nExponent of the growth: {slope:.2f}")
    if plot is not None:
        _draw(sizes, seconds, slope, plot)


def _draw(sizes: Sequence[int], seconds: Sequence[float], slope: float, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.6), layout="constrained")
    axes.loglog(sizes, seconds, "o-", label=f"measured, exponent {slope:.2f}")
    axes.loglog(sizes, [seconds[0] * n / sizes[0] for n in sizes], "--", color="grey", label="linear")
    axes.set(xlabel="rows", ylabel="seconds of a pass", title="Cost of a candidate that sees every row")
    axes.legend()
    figure.savefig(path, dpi=150)


def _memory(rows: int) -> float:
    """Peak resident memory of this process, in MB, after a search in that many rows of 10 features."""
    rng = np.random.default_rng(1)
    X = {f"x{k}": rng.uniform(1, 3, rows) for k in range(10)}
    data = Dataset.from_arrays(X, X["x0"] * X["x1"] + X["x2"] ** 2 + 0.1 * rng.normal(size=rows), target="y")
    del X
    discover(data, time=15, structure=False, engine="embedded")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def law_table(name: str, rows: int, seed: int, noise: float = 0.0) -> Dataset:
    formula, names = LAWS[name]
    rng = np.random.default_rng([seed, rows])
    X = rng.uniform(1.2, 3.0, (len(names.split()), rows))
    y = parse(formula, names.split()).evaluate(X)
    y = y + noise * np.std(y) * rng.normal(size=rows)
    return Dataset.from_arrays(dict(zip(names.split(), X, strict=True)), y, target="target")


def _cpu() -> float:
    return time.process_time()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=[1000, 10_000, 100_000], metavar="N", help="of the searches")
    add("--seeds", type=int, default=3, metavar="N", help="runs of each law (3)")
    add("--limit", type=float, default=20.0, metavar="S", help="wall seconds of a run at most (20)")
    add("--plot", type=Path, metavar="FILE", help="draw the cost of a pass to FILE")
    add("--memory-of", type=int, metavar="N", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
