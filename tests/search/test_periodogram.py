"""A periodogram proposes the frequencies that are there, and none that are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.engines import SearchSpace
from balmer.search.periodic import periodic_laws
from balmer.search.periodogram import peaks, power
from balmer.search.refine import refit


def test_power_is_the_part_of_the_variance_that_a_least_squares_fit_explains():
    rng = np.random.default_rng(0)
    x, y, w = rng.uniform(0, 5, 40), rng.normal(size=40), rng.uniform(0.5, 2, 40)
    frequencies = 0.7 * np.arange(1, 30)
    found = power(x, y, w, frequencies)
    share = w / w.sum()
    total = np.sum(share * (y - share @ y) ** 2)
    for f, p in zip(frequencies, found, strict=True):
        design = np.array([np.ones(40), np.sin(f * x), np.cos(f * x)]) * np.sqrt(share)
        rest = y * np.sqrt(share) - np.linalg.lstsq(design.T, y * np.sqrt(share), rcond=None)[0] @ design
        assert p == pytest.approx(1 - np.sum(rest**2) / total, abs=1e-9)


@given(st.integers(0, 10**6), st.floats(3.0, 80.0), st.floats(-3.0, 3.0), st.floats(-12, 12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_sinusoid_is_found_on_rows_even_or_not_of_any_scale(seed, turns, phase, decade, even):
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, 200) if even else np.sort(rng.uniform(0, 1, 200))
    scale = 10.0**decade
    y = np.sin(2 * math.pi * turns * x + phase) + 0.3 * rng.normal(size=200)
    (first, *_) = peaks(x * scale, y, np.full(200, 1 / 200))
    assert first.frequency * scale == pytest.approx(2 * math.pi * turns, abs=2 * math.pi * 0.5)


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_noise_has_no_frequency(seed):
    rng = np.random.default_rng(seed)
    assert peaks(np.sort(rng.uniform(0, 1, 150)), rng.normal(size=150), np.full(150, 1 / 150)) == []


@pytest.mark.parametrize("curve", [lambda x: x, lambda x: x**2 - 3 * x, lambda x: np.full_like(x, 2.0)])
def test_a_smooth_curve_has_none(curve):
    x = np.linspace(0.0, 5.0, 100)
    assert peaks(x, curve(x), np.full(100, 0.01)) == []


T = np.sort(np.random.default_rng(5).uniform(0, 10, 200))
Z = np.random.default_rng(6).uniform(1, 3, 200)


@pytest.mark.parametrize(
    "truth",
    [
        lambda t, z: 3 * np.exp(-0.3 * t) * np.sin(7 * t + 1),
        lambda t, z: 3 * np.sin(7 * t + 1) + 2 * np.sin(11 * t),
        lambda t, z: 3 * np.sin(47 * t + 1) + 2 * t - 3,
        lambda t, z: z * np.sin(17 * t + 1),
        lambda t, z: 5 + 2 * np.cos(30 * t),
    ],
)
def test_kinds_of_oscillations_are_proposed(truth):
    noise = 0.01 * np.random.default_rng(7).normal(size=200)
    problem = bm.Problem(bm.Dataset.from_arrays({"t": T, "z": Z}, truth(T, Z) + noise), SearchSpace())
    best = min(refit(e, problem, "").loss for e in periodic_laws(problem))
    assert best < 2e-4


def test_none_are_proposed_where_sines_are_not_allowed():
    data = bm.Dataset.from_arrays({"t": T}, np.sin(9 * T))
    assert periodic_laws(bm.Problem(data, SearchSpace(operators="+ - * /"))) == []
    assert periodic_laws(bm.Problem(data, SearchSpace(operators="+ * cos")))


def test_units_are_obeyed():
    data = bm.Dataset.from_arrays(
        {"t": T, "l": Z}, Z * np.sin(9 * T), units={"t": "s", "l": "m", "y": "m"}, target="y"
    )
    assert periodic_laws(bm.Problem(data, SearchSpace()))
    # A frequency has a unit.
    assert periodic_laws(bm.Problem(data, SearchSpace(), bm.Objective(constants="dimensionless"))) == []


def test_ten_periods_are_found_at_once():
    t = np.linspace(0.0, 1.0, 200)
    found = bm.discover(
        bm.Dataset.from_arrays({"t": t}, 2 * np.sin(2 * math.pi * 10 * t)), evaluations=2000, seed=1
    )
    between = np.linspace(0.0, 1.0, 777)
    assert np.allclose(
        found.best.predict(between[:, None]), 2 * np.sin(2 * math.pi * 10 * between), atol=1e-6
    )
    assert found.best.origin == "periodogram"


def test_a_damped_oscillation_is_found_in_noise():
    noise = 0.03 * np.random.default_rng(8).normal(size=200)
    data = bm.Dataset.from_arrays({"t": T}, 3 * np.exp(-0.3 * T) * np.sin(7 * T + 1) + noise)
    found = bm.discover(data, evaluations=5000, seed=1)
    assert found.best.loss < 1.2 * 0.03**2
    assert {"exp", "sin"} <= found.best.expression.operators


def test_many_rows_are_sampled():
    rng = np.random.default_rng(9)
    t = rng.uniform(0, 100, 200_000)
    problem = bm.Problem(
        bm.Dataset.from_arrays({"t": t}, np.sin(20 * t) + rng.normal(size=len(t))), SearchSpace()
    )
    assert any(abs(c - 20) < 0.1 for e in periodic_laws(problem) for c in e.constants)
