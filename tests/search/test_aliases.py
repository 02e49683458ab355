"""Of the frequencies that no row can tell apart, the lowest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.engines import SearchSpace
from balmer.expressions import apply, constant, parse, variable
from balmer.expressions.sinusoid import sinusoids
from balmer.search.aliases import grid_of, lowest, lowest_aliases
from balmer.search.quadrants import without_phases
from balmer.search.refine import refit

ALL = frozenset({"add", "sub", "mul", "div", "sin", "cos", "square"})

steps = st.floats(1e-6, 1e6)
points = st.lists(st.integers(-60, 60), min_size=5, max_size=40, unique=True)


def frequencies_of(expression):
    seen = []
    sinusoids(expression, ALL, lambda s: seen.extend(t.factor for t in s.terms) or s)
    return seen


@given(steps, points, st.floats(-100.0, 100.0))
def test_a_grid_with_gaps_is_found(step, whole, offset):
    k = np.sort(np.array(whole, float))
    grid = grid_of((k + offset) * step)
    common = math.gcd(*(int(d) for d in np.diff(k)))
    assert grid is not None
    assert grid.step == pytest.approx(common * step, rel=1e-8)
    assert abs(grid.offset) <= 0.51 * grid.step


@given(st.integers(0, 10**6))
def test_rows_without_a_common_step_have_no_grid(seed):
    assert grid_of(np.random.default_rng(seed).uniform(0, 1, 30)) is None


@given(
    st.floats(0.01, 100.0), points, st.floats(-3.0, 3.0), st.floats(0.01, 6.0), st.floats(-7.0, 7.0),
    st.sampled_from(["sin", "cos"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=300)
def test_any_frequency_on_any_grid_goes_to_the_lowest_with_the_same_values(
    step, whole, offset, in_samplings, phase, name, squared
):
    x = (np.sort(np.array(whole, float)) + offset) * step
    law = apply(name, constant(in_samplings * 2 * math.pi / step) * variable(0) + constant(phase))
    law = constant(2.5) * (apply("square", law) if squared else law)
    low = lowest_aliases(law, x[None], ALL)
    assert np.max(np.abs(law.evaluate(x[None]) - low.evaluate(x[None]))) <= 1e-9 * 2.5
    highest = math.pi / step / math.gcd(*(int(d) for d in np.diff(np.sort(whole))))
    assert all(0 < w <= highest / (2 if squared else 1) * (1 + 1e-9) for w in frequencies_of(low))
    assume(all(w < highest / (2 if squared else 1) * (1 - 1e-6) for w in frequencies_of(low)))
    again = lowest_aliases(low, x[None], ALL)
    assert again == low


def test_uneven_rows_keep_a_frequency_above_that_of_the_mean_step():
    x = np.sort(np.random.default_rng(1).uniform(0, 1, 50))
    law = parse("2.0*sin(900.0*x + 1.0)", ["x"])
    assert lowest_aliases(law, x[None], ALL) == law


def test_the_law_that_is_wrong_between_the_rows():
    theta = np.arange(0.0, 180.0, 5.0)
    data = bm.Dataset.from_arrays({"theta": theta}, 12.5 * np.cos(np.deg2rad(theta)) ** 2)
    problem = bm.Problem(data, SearchSpace())
    found = refit(parse("6.25*(1 - sin(20.0713*theta + 149.226))", ["theta"]), problem, "")
    low = lowest(found, problem)
    (w,) = frequencies_of(low.expression)
    assert w == pytest.approx(2 * math.pi / 180, rel=1e-6)
    assert low.loss < 1e-20
    (law,) = without_phases(low, problem)
    assert law.expression.operators >= {"cos"}
    between = np.arange(2.5, 180.0, 5.0)
    assert np.allclose(
        law.expression.evaluate(between[None]), 12.5 * np.cos(np.deg2rad(between)) ** 2, atol=1e-6
    )


def test_discover_finds_the_lowest_frequency_of_a_grid():
    theta = np.arange(0.0, 180.0, 5.0)
    data = bm.Dataset.from_arrays({"theta": theta}, 12.5 * np.cos(np.deg2rad(theta)) ** 2)
    found = bm.discover(data, evaluations=20_000, seed=1)
    for law in found.front:
        assert all(w <= math.pi / 5 * (1 + 1e-9) for w in frequencies_of(law.expression))
    between = np.arange(2.5, 180.0, 5.0)
    assert np.allclose(
        found.best.predict(between[:, None]), 12.5 * np.cos(np.deg2rad(between)) ** 2, atol=1e-6
    )


def test_a_phase_that_the_data_want_is_kept():
    t = np.linspace(0.0, 3.0, 60)
    noise = 0.01 * np.random.default_rng(2).normal(size=60)
    problem = bm.Problem(bm.Dataset.from_arrays({"t": t}, 3 * np.sin(4 * t + 0.5) + noise), SearchSpace())
    assert without_phases(refit(parse("3.0*sin(4.0*t + 0.5)", ["t"]), problem, ""), problem) == []
