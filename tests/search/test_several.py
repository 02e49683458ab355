"""Several targets of one table, on one budget."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import balmer as bm

UNITS = {"a": "m", "b": "s", "p": "m*s", "q": "m/s"}


def table(**more):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 3, (2, 40))
    columns = {"a": a, "b": b, "p": 2.5 * a * b}
    return bm.Dataset.from_arrays(columns, a / b, target="q", units=UNITS, **more)


def test_each_target_is_explained_by_what_is_no_target():
    found = bm.discover_all(table(), ["p", "q"], evaluations=8000, seed=1)
    assert list(found) == ["p", "q"]
    for name, law in (("p", "2.5*a*b"), ("q", "a/b")):
        assert found[name].problem.dataset.feature_names == ("a", "b")
        truth = bm.parse(law, ["a", "b"]).evaluate(table().X[:2])
        np.testing.assert_allclose(found[name].best.predict(table().X[:2].T), truth, rtol=1e-9)
        assert found[name].provenance["budget"] == {"evaluations": 4000}
        assert found[name].best.units_hold
    alone = bm.discover(table().with_target("p", features=["a", "b"]), evaluations=4000, seed=1)
    assert [law.text(None) for law in alone.front] == [law.text(None) for law in found["p"].front]


def test_a_target_that_is_not_asked_for_is_a_feature():
    found = bm.discover_all(table(), ["p"], evaluations=1000)
    assert found["p"].problem.dataset.feature_names == ("a", "b", "q")


def test_start_and_state_by_target():
    first = bm.discover_all(table(), ["p", "q"], evaluations=2000, start={"p": ["2.0*a*b"]})
    with pytest.raises(bm.ConfigError, match="speed"):
        bm.discover_all(table(), ["p", "q"], evaluations=2000, start={"p": ["speed*b"]})
    with pytest.raises(bm.ConfigError, match="start is given for 'z', which is no target"):
        bm.discover_all(table(), ["p", "q"], evaluations=2000, start={"z": ["a*b"]})
    states = {name: found.state for name, found in first.items()}
    again = bm.discover_all(table(), ["p", "q"], evaluations=2000, states=states)
    assert all(
        again[name].front[-1].loss <= first[name].front[-1].loss * (1 + 1e-9) + 1e-25 for name in first
    )


def test_ctrl_c_keeps_what_was_found_and_begins_nothing_more():
    noisy = bm.Dataset.from_arrays(
        {"a": np.arange(30.0), "p": np.random.default_rng(0).normal(size=30)},
        np.random.default_rng(1).normal(size=30), target="q",
    )  # fmt: skip
    stages = []

    def press(progress):
        stages.append(progress.stage)
        if progress.evaluations > 1000 and "pressed" not in stages:
            stages.append("pressed")
            signal.raise_signal(signal.SIGINT)

    found = bm.discover_all(noisy, ["p", "q"], evaluations=10**9, on_progress=press)
    assert list(found) == ["p"]
    assert found["p"].stopped == "interrupted"
    assert len(found["p"].front) > 0
    assert all(stage.startswith("p: ") for stage in stages if stage != "pressed")


def test_progress_is_that_of_the_whole():
    seen = []
    bm.discover_all(table(), ["p", "q"], evaluations=4000, on_progress=lambda p: seen.append(p) and None)
    fractions = [p.fraction for p in seen if p.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {p.stage.partition(": ")[0] for p in seen} == {"p", "q"}


@pytest.mark.parametrize(
    ("data", "targets", "message"),
    [
        (table(), [], r"targets = \[\]: accepted are names of columns"),
        (table(), ["p", "p"], r"targets = \['p', 'p'\]: accepted are names of columns, each once"),
        (table(), ["p", "z"], r"has no column 'z'"),
        (bm.Problem(table()), ["p"], r"discover_all takes a Dataset, not Problem"),
    ],
)
def test_a_mistake_is_one_sentence(data, targets, message):
    with pytest.raises(bm.BalmerError, match=message) as error:
        bm.discover_all(data, targets, evaluations=100)
    assert "\n" not in str(error.value)


def test_another_target_keeps_units_and_weights_but_not_uncertainties():
    data = table(weights=np.arange(1.0, 41.0), sigma=np.full(40, 0.1))
    other = data.with_target("p")
    assert other.feature_names == ("a", "b", "q")
    assert {name: str(unit) for name, unit in other.units.items()} == {
        name: str(unit) for name, unit in data.units.items()
    }
    np.testing.assert_array_equal(other.weights, data.weights)
    assert other.sigma is None
    back = data.with_target("q")
    assert back.fingerprint == data.fingerprint
