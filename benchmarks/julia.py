"""How long Julia takes to start, and how busy a search keeps its threads: python benchmarks/julia.py

Prints the seconds of the first start, of the first and a second small search, then CPU time over wall time and
evaluations per second of a search on 1,000 rows with one thread and with all. Needs `balmer julia install`.
"""

from __future__ import annotations

import os
import time

import numpy as np

from balmer import Dataset, Problem
from balmer.engines import Budget, SearchSpace
from balmer.engines.julia import JuliaEngine, session

SECONDS = 10.0


def main() -> None:
    begin = time.perf_counter()
    session.julia()
    print(f"start of Julia                {time.perf_counter() - begin:6.1f} s, {session.threads()} threads")
    rng = np.random.default_rng(1)
    X = rng.uniform(1, 5, (3, 1000))
    y = X[0] ** 2 * np.sin(X[1]) / X[2] + 2 * X[0] + 0.1 * rng.normal(size=1000)
    data = Dataset.from_arrays(dict(zip("abc", X, strict=True)), y, target="f")
    problem = Problem(data, SearchSpace(operators="+ - * / square sqrt exp log sin cos"))
    for name in ("first", "second"):
        begin = time.perf_counter()
        JuliaEngine().evolve(problem, Budget(evaluations=1000), seed=0)
        print(f"{name + ' small search':<29} {time.perf_counter() - begin:6.1f} s")
    for threads in (1, session.threads()):
        wall, cpu = time.perf_counter(), cpu_seconds()
        found = JuliaEngine(threads=threads).evolve(problem, Budget(seconds=SECONDS), seed=1)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        speed = found.evaluations / found.seconds
        print(
            f"{threads} thread{'s' * (threads > 1)}: CPU / wall {cpu / wall:.2f}, {speed:,.0f} evaluations per second"
        )


def cpu_seconds() -> float:
    return sum(os.times()[:2])


if __name__ == "__main__":
    main()
