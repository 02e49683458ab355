"""Which engine "auto" is: Julia where it is set up and this thread may call it, else the embedded one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import balmer as bm
from balmer.engines.julia import session
from balmer.errors import EngineError
from balmer.search.choice import engine_meant


def test_auto_is_julia_where_it_is_set_up(monkeypatch):
    assert engine_meant("auto") == "embedded"
    monkeypatch.setattr(session, "available", lambda: True)
    assert engine_meant("auto") == "julia"
    assert engine_meant("embedded") == "embedded"


def test_auto_is_embedded_on_a_thread_that_may_not_call_julia(monkeypatch):
    monkeypatch.setattr(session, "available", lambda: True)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(engine_meant, "auto").result() == "embedded"


def data():
    x = np.linspace(1, 3, 30)
    return bm.Dataset.from_arrays({"x": x}, 2.5 * x**2)


def test_julia_that_is_not_there_is_refused_before_the_search(no_julia):
    seen = []
    with pytest.raises(EngineError, match="Julia is not set up here: run `balmer julia install`"):
        bm.discover(data(), engine="julia", evaluations=10, on_progress=seen.append)
    assert seen == []


def test_the_embedded_engine_needs_no_julia(no_julia):
    found = bm.discover(data(), engine="embedded", evaluations=500, seed=1)
    assert found.provenance["engine"] == "embedded"
    assert not no_julia.exists()


@pytest.mark.julia
@pytest.mark.parametrize("engine", ["auto", "julia"])
def test_where_julia_is_there_it_searches(engine):
    found = bm.discover(data(), engine=engine, evaluations=5000, seed=1)
    assert found.provenance["engine"] == "julia"
    assert found.best.text() == "5/2*x**2"


@pytest.mark.julia
def test_the_estimator_takes_julia_too():
    from balmer.sklearn import SymbolicRegressor

    X = np.linspace(1, 3, 30)[:, None]
    model = SymbolicRegressor(engine="julia", max_evals=5000, random_state=0).fit(X, 2.5 * X[:, 0] ** 2)
    assert model.discovery_.provenance["engine"] == "julia"
    np.testing.assert_allclose(model.predict(X), 2.5 * X[:, 0] ** 2)
