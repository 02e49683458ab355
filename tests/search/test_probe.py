"""`probe` and `discover` of functions in a box: what is found, and what a user's mistake is called."""

from __future__ import annotations

import math

import numpy as np
import pytest

import balmer as bm
from balmer.data import sample_function
from balmer.errors import ConfigError, DataError

BOX = {"v": (0.1, 0.9), "c": (1.0, 2.0), "m": (1.0, 5.0)}


def energy(m, v, c):
    return m * c**2 / np.sqrt(1 - (v / c) ** 2)


def found(findings):
    return {(f.kind, f.variables) for f in findings if f.verdict}


def test_a_function_is_probed_by_the_names_of_its_parameters():
    findings = bm.probe(energy, BOX)  # the box has another order
    assert ("multiplicative", ("v", "c")) in found(findings)
    assert ("ratio", ("v", "c")) not in found(findings)  # c**2 stands beside v/c
    assert ("irrelevant", ("m",)) not in found(findings)


def test_a_function_of_single_numbers_is_probed_as_one_of_arrays():
    alone = bm.probe(lambda v, c, m: m / math.sqrt(1 - (v / c) ** 2), BOX)
    together = bm.probe(lambda v, c, m: m / np.sqrt(1 - (v / c) ** 2), BOX)
    assert found(alone) == found(together)
    assert ("ratio", ("v", "c")) in found(alone)


def test_a_function_that_mixes_its_points_is_called_with_one_after_another():
    def around_its_mean(x, y):
        return x * y - np.mean(x * y) if np.ndim(x) else x * y

    assert found(bm.probe(around_its_mean, {"x": (1, 2), "y": (1, 2)})) == {
        ("product", ("x", "y")),
        ("multiplicative", ("x",)),
        ("generalised_additive", ("x",)),
    }


def test_a_dataset_and_a_problem_are_probed():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(1, 3, (2, 200))
    data = bm.Dataset.from_arrays({"x": x, "y": y}, np.sin(x - y) + 0.005 * rng.normal(size=200), target="f")
    findings = bm.probe(data, engine="embedded")
    assert ("difference", ("x", "y")) in found(findings)
    assert not found(findings) & {("sum", ("x", "y")), ("multiplicative", ("x",)), ("additive", ("x",))}
    assert bm.probe(bm.Problem(data), engine="embedded") == findings
    assert all(isinstance(f, bm.Finding) for f in findings)


def test_a_law_is_discovered_in_a_function():
    box = {"m": (1.0, 5.0, "kg"), "v": (1.0, 4.0, "m/s")}
    found_law = bm.discover(lambda m, v: 0.5 * m * v**2, box, evaluations=2000, rows=50)
    assert found_law.best.text() == "m*v**2/2"
    assert found_law.problem.dataset.n_rows == 50
    assert str(found_law.problem.dataset.units["v"]) == "m/s"
    assert ("multiplicative", ("m",)) in found(found_law.findings)


def test_a_table_of_a_function_has_its_name_and_units():
    table = sample_function(energy, BOX | {"m": (1, 5, "kg")}, rows=30, seed=1, unit="J")
    assert table.feature_names == ("v", "c", "m")
    assert table.target.name == "energy"
    assert str(table.units["energy"]) == "J"
    assert np.all((table.X.T >= [0.1, 1, 1]) & (table.X.T <= [0.9, 2, 5]))
    np.testing.assert_allclose(table.y, energy(m=table.X[2], v=table.X[0], c=table.X[1]))


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ({"x": (0, 1), "y": (1, 1)}, r"the box of 'y' is \(1, 1\): a lower and a larger bound"),
        ({"x": (0, 1), "y": (0, math.inf)}, r"the box of 'y' is \(0, inf\)"),
        ({"x": (0, 1), "y": ("low", "high")}, r"the box of 'y' is \(low, high\)"),
        ({"x": (0, 1), "y": 3}, r"the box of 'y' is 3: accepted are \(low, high\) or \(low, high, unit\)"),
        ({"x": (0, 1), 1: (0, 1)}, "the box has a variable 1: accepted are names"),
        ([(0, 1), (0, 1)], r"the box is \[\(0, 1\), \(0, 1\)\]: accepted is a mapping"),
        ({}, r"the box is {}"),
        ({"x": (0, 1)}, r"the box has the variables x and the function takes \(x, y\)"),
    ],
)
def test_a_bad_box_is_named(box, message):
    def add(x, y):
        return x + y

    for entry in (bm.probe, bm.discover):
        with pytest.raises(ConfigError, match=message):
            entry(add, box)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x, y: {}[x], r"the function raised KeyError: .*raised at x = 0\.\d+, y = 0\.\d+"),
        (lambda x, y: np.array([x, y]), r"the function gives an array of shape \(2,\) at x = "),
        (lambda x, y: "text", r"the function gives 'text' at x = .*; one real number is accepted"),
        (lambda x, y: x + 1j * y, r"the function gives .*j\) at x = .*; one real number"),
        (lambda x, y: np.log(-x) + y, r"the function is nan at x = .*; give a box where it is finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_wrong_with_a_function_is_said(function, message):
    for entry in (bm.probe, bm.discover):
        with pytest.raises(ConfigError, match=message):
            entry(function, {"x": (0.1, 0.9), "y": (0.1, 0.9)})


def test_what_belongs_to_functions_alone_is_refused_beside_a_table():
    x = np.linspace(1, 2, 30)
    data = bm.Dataset.from_arrays({"x": x}, x)
    with pytest.raises(ConfigError, match="a box is for a function, and Dataset is none"):
        bm.probe(data, {"x": (0, 1)})
    with pytest.raises(ConfigError, match="rows are drawn of a function"):
        bm.discover(data, rows=10)
    with pytest.raises(ConfigError, match="a function needs a box"):
        bm.probe(lambda x: x)
    with pytest.raises(
        ConfigError, match="probe takes a Dataset, a Problem, or a function and its box, not int"
    ):
        bm.probe(3)
    with pytest.raises(DataError, match="at least 20 rows"):
        bm.probe(bm.Dataset.from_arrays({"x": x[:9], "z": x[:9] ** 2}, x[:9]))
