"""What a second process compiles for the first search on a machine is what a search calls."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from balmer.data import Dataset
from balmer.engines import Budget, Problem, SearchSpace
from balmer.engines.embedded import EmbeddedEngine, warm
from balmer.engines.embedded.fitting import fit, remember
from balmer.engines.embedded.island import reassess, run_island
from balmer.engines.embedded.library import fill
from balmer.engines.embedded.mutate import mutate
from balmer.engines.embedded.repair import repair
from balmer.engines.embedded.simplify import simplify
from balmer.engines.embedded.trees import grow

FUNCTIONS = (grow, mutate, simplify, fit, remember, reassess, repair, fill, run_island)


def test_a_search_compiles_nothing_that_was_not_compiled_for_it():
    warm.compile_all()
    before = [list(function.overloads) for function in FUNCTIONS]
    assert all(before)
    X = np.random.default_rng(1).uniform(1.0, 2.0, (2, 40))
    data = Dataset.from_arrays({"x": X[0], "y": X[1]}, X[0] * np.sin(X[1]), target="t")
    space = SearchSpace(operators="+ * sin", nested_constraints={"sin": {"sin": 0}})
    EmbeddedEngine(threads=1, islands=2, population=16).evolve(
        Problem(data, space), Budget(evaluations=500), seed=1
    )
    assert [list(function.overloads) for function in FUNCTIONS] == before


def test_a_process_is_started_only_where_nothing_is_compiled_yet(monkeypatch, tmp_path):
    started = []
    begin = warm.begin_to_compile.__wrapped__  # without the memory of an earlier call
    monkeypatch.setattr(warm, "run_island", SimpleNamespace(stats=SimpleNamespace(cache_path=str(tmp_path))))
    monkeypatch.setattr(warm.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(warm.subprocess, "Popen", lambda command, **options: started.append(command))
    begin()
    assert len(started) == 1
    assert "compile_all()" in started[0][-1]
    (tmp_path / "island.run_island-1.py311.nbi").touch()
    begin()
    assert len(started) == 1
