"""Reductions to dimensionless groups: nothing is lost, everything is dimensionless, and laws get short."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.engines import Objective, Problem, SearchSpace
from balmer.expressions import check_dimensions, parse
from balmer.kernels import losses
from balmer.search.buckingham import reduced_formulas, reductions
from balmer.units import Dimension

SPACE = SearchSpace(operators="+ - * / square sqrt exp log sin cos", max_complexity=40)
UNITS = ("m", "s", "kg", "m/s", "m/s^2", "J", "N", "Hz", "1", "kg/m^3")


def problem(law, units, target, rows=60, low=0.5, high=2.0, space=SPACE):
    """A problem with that law of its features, drawn between low and high."""
    names = list(units)
    X = np.random.default_rng(5).uniform(low, high, (len(names), rows))
    y = parse(law, names).evaluate(X)
    data = bm.Dataset.from_arrays(
        dict(zip(names, X, strict=True)), y, units={**units, "target": target}, target="target"
    )
    return Problem(data, space)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(UNITS), min_size=3, max_size=6), st.sampled_from(UNITS))
def test_groups_are_dimensionless_and_the_scale_has_the_dimension_of_the_target(features, target):
    units = {f"x{i}": unit for i, unit in enumerate(features)}
    whole = problem("+".join(units), units, target)
    *dimensions, wanted = whole.dimensions
    for node, scale in reductions(whole):
        assert len(node.inner) < len(features)
        assert check_dimensions(scale, dimensions).dimension == wanted
        for group in node.inner:
            assert check_dimensions(group, dimensions).dimension == Dimension()
        size = scale.evaluate(whole.X) * np.ones(len(whole.y))
        np.testing.assert_allclose(node.problem.y * size, whole.y, rtol=1e-12)


def test_several_scales_and_bases_are_tried():
    units = {"h": "J*s", "f": "Hz", "k": "J/K", "T": "K"}
    found = reductions(problem("h*f + k*T", units, "J"))
    names = list(units)
    assert {scale.text(names) for _, scale in found} == {"h*f", "k*T"}
    groups = {node.text(bm.parse("x", ["x"])) for node, _ in found}
    assert groups == {"h*f/(k*T)", "k*T/(h*f)"}


@pytest.mark.parametrize(
    ("law", "units", "target"),
    [
        ("h*f/(exp(h*f/(k*T)) - 1)", {"h": "J*s", "f": "Hz", "k": "J/K", "T": "K"}, "J"),
        ("r*(1 + d/r - cos(a)**2)**2*m/t", {"r": "m", "d": "m", "a": "1", "m": "kg", "t": "s"}, "kg*m/s"),
    ],
)
def test_what_is_long_in_the_columns_is_short_in_groups(law, units, target):
    whole = problem(law, units, target)
    found = reduced_formulas(whole, 1.0)
    assert min(losses(found, whole.columns, whole.y, whole.weights)) <= whole.noise_floor
    *dimensions, wanted = whole.dimensions
    assert all(check_dimensions(e, dimensions, wanted) for e in found)
    assert all(whole.space.admits(e) for e in found)


def test_where_a_reduction_is_no_help_there_is_none():
    lengths = {"a": "m", "b": "m"}
    assert reductions(problem("a*b", lengths, "m^2"))
    assert not reductions(problem("a*b", {"a": "1", "b": "1"}, "1"))  # all dimensionless already
    assert not reductions(problem("a*b", {"a": "m", "b": "s"}, "m*s"))  # no groups: the dimension says it all
    assert not reductions(problem("a*b", lengths, "kg"))  # the target's dimension cannot be made
    whole = problem("a*b", lengths, "m^2")
    assert not reductions(Problem(whole.dataset, SPACE, Objective(units="ignore")))
    columns = {"a": np.array([0.0, 1.0, 2.0, 3.0]), "b": np.array([1.0, 2.0, 5.0, 4.0])}
    with_zero = bm.Dataset.from_arrays(
        columns, [1.0, 2.0, 3.0, 7.0], target="t", units={**lengths, "t": "m^2"}
    )
    assert not reductions(Problem(with_zero, SPACE))
