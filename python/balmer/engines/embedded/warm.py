"""What a first search compiles of the evolution, compiled by a second process meanwhile: numba keeps to one core.

It fills numba's cache from one end, and the search, once it gets there, from the other (`island.linked`). Whatever
becomes of the process, what is not there is compiled where it is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np

from balmer.data import Dataset
from balmer.engines.embedded.island import linked, new_scratch, run_island
from balmer.engines.embedded.library import new_library
from balmer.engines.embedded.rules import rules_for
from balmer.engines.embedded.state import new_islands
from balmer.engines.problem import Objective, Problem, SearchSpace
from balmer.kernels.entry import Entry
from balmer.kernels.program import pack

__all__ = ["begin_to_compile", "compile_all"]


@cache
def begin_to_compile() -> subprocess.Popen[bytes] | None:
    """Start the process, unless the machine has one core, the evolution was compiled before, or this is no Python."""
    if not sys.executable or getattr(sys, "frozen", False):
        return None
    stats = getattr(run_island, "stats", None)
    if (
        stats is None
        or (os.cpu_count() or 1) < 2
        or any(Path(stats.cache_path).glob("island.run_island-*.nbi"))
    ):
        return None
    try:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(
            [sys.executable, "-c", f"import {__name__} as warm; warm.compile_all()"],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
        )
    except OSError:
        return None


def compile_all() -> None:
    """All compiled functions that the evolution consists of, for a table of float64, without the kernels they call."""
    nowhere = Entry(np.uint64(0), np.uint64(0))
    data = Dataset.from_arrays({"x": np.arange(1.0, 9.0)}, np.arange(8.0))
    problem = Problem(data, SearchSpace(), Objective())
    rules = rules_for(
        problem,
        tournament=1,
        crossover=0.0,
        repair=0.0,
        parsimony=0.0,
        fit_steps=1,
        floor=0.0,
        loops=nowhere,
        compiled=False,
    )
    scratch = new_scratch(rules, len(problem.y))
    table = pack(problem.X, problem.y, problem.weights, len(scratch.stack), loops=nowhere)
    island = new_islands(problem, 1, 2, 0)[0]
    library = new_library(len(problem.y), rules.dimensions.shape[1])
    linked(rules, island, library, scratch, table)
