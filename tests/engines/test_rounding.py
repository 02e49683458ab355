"""Laws of rounding noise are told from laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.engines import SearchSpace
from balmer.engines.embedded import EmbeddedEngine
from balmer.engines.embedded.honest import Honesty
from balmer.engines.embedded.state import candidates_of, enter, new_islands
from balmer.engines.rounding import is_stable
from balmer.expressions import parse

A = np.array([0.387, 0.723, 1.0, 1.524, 5.203, 9.58, 19.2, 30.07])
OPERATORS = "+ - * / pow square sqrt exp log sin cos asin acos"


def problem(x, y, **more):
    return bm.Problem(bm.Dataset.from_arrays({"a": x}, y, **more), SearchSpace(operators=OPERATORS))


PLANETS = problem(A, 365.0 * A**1.5 + np.array([0.3, -0.2, 0.1, 0.4, -2.0, 3.0, 5.0, -8.0]))


@pytest.mark.parametrize(
    "noise",
    [
        "365.199*((-3.48e12*(a - sqrt(a)**2) + a)*sqrt(a))", "365.2*a**(3/2) - 6.2e12*(a - exp(log(a)))",
        "365.2*a**(3/2) + 1e17*(a*1e-16 + 1 - 1)*0.0 + ((1e16 + a) - 1e16)",
        "365.0*a**(3/2) + (-1)**a", "365.0*a**(3/2) + 0**a",
        "365.0*a**(3/2) + 1e-3/(a - 19.200000000000003)", "365.0*a**(3/2) + sin(1e16*a)",
        "a**(3/2)*(365.0 + 1e13*(a/3 + a/3 + a/3 - a))",
    ],
)  # fmt: skip
def test_noise_is_no_law(noise):
    assert not is_stable(parse(noise, ["a"]), PLANETS)


@pytest.mark.parametrize(
    "law",
    ["365.0*a**(3/2)", "365.0*a**(3/2) + 1.0/(a - 10.6)", "sin(1000.0*a)", "exp(-800*a)", "sqrt(30.07 - a)"],
)
def test_laws_are_laws(law):
    assert is_stable(parse(law, ["a"]), PLANETS)


@pytest.mark.parametrize(
    "law", ["sqrt(1 - a**2)", "asin(a)", "acos(a)", "(1 - a)**(1/3)", "sqrt(a)", "a**0.3"]
)
def test_so_are_those_with_a_row_at_the_edge_of_their_domain(law):
    x = np.linspace(0.0, 1.0, 101)
    formula = parse(law, ["a"])
    assert is_stable(formula, problem(x, formula.evaluate(x[None])))


def test_so_are_those_of_a_time_since_long_ago():
    t = 2.45e6 + np.linspace(0.0, 100.0, 300) ** 1.01
    assert is_stable(parse("sin(12.0*a)", ["a"]), problem(t, np.sin(12 * t)))
    assert is_stable(parse("2.0 + 3.0*(a - 2450000.0)", ["a"]), problem(t, 2 + 3 * (t - 2.45e6)))


laws = st.sampled_from(
    [
        "2.5*a",
        "a**1.5",
        "3.0*sin(2.0*a + 1.0)",
        "exp(-0.7*a)",
        "4.0/(1.0 + a)",
        "log(1.0 + a**2)",
        "a*(2.0 - 0.3*a)",
    ]
)
nothings = st.sampled_from(
    [
        "a - sqrt(a)**2",
        "a - exp(log(a))",
        "a/3 + a/3 + a/3 - a",
        "a**1.5 - a*sqrt(a)",
        "sin(a)**2 + cos(a)**2 - 1",
    ]
)


@given(laws, nothings, st.integers(0, 10**6), st.floats(-8.0, 8.0), st.floats(-1.0, 12.0))
@settings(max_examples=100, deadline=None)
def test_what_is_nothing_on_paper_may_be_added_only_where_it_stays_nothing(law, nothing, seed, decade, size):
    """Whatever the data and the scale of the target, a term of rounding is found out once it counts."""
    x = np.random.default_rng(seed).uniform(0.3, 20.0, 25)
    scale = 10.0**decade
    truth = parse(law, ["a"])
    exact = problem(x, scale * truth.evaluate(x[None]))
    honest = parse(f"{scale!r}*({law})", ["a"])
    assert is_stable(honest, exact)
    factor = 10.0**size * scale
    noisy = parse(f"{scale!r}*({law}) + {factor!r}*({nothing})", ["a"])
    changed = np.max(np.abs(noisy.evaluate(x[None]) - honest.evaluate(x[None])))
    rms = np.sqrt(np.mean(exact.y**2))
    if changed > 2e-9 * rms + 2e-5 * np.median(np.abs(noisy.evaluate(x[None]) - exact.y)):
        assert not is_stable(noisy, exact)
    elif factor * 1e-14 * 20 < 1e-11 * rms:
        assert is_stable(noisy, exact)


def test_noise_gives_its_place_in_the_halls_of_fame_back():
    space = PLANETS.space
    islands = new_islands(PLANETS, 2, 8, 0)
    honest, noise = parse("365.0*a + 1.0*sqrt(a)", ["a"]), parse("365.0*a + 1e14*(a - sqrt(a)**2)", ["a"])
    cost = space.complexity
    honesty = Honesty(PLANETS)
    enter(islands[0], 0, honest, 5.0, 12)
    honesty.note(islands)
    for island in islands:
        enter(island, 1, noise, 1e-3, 12)
    front = honesty.front(islands)
    assert [c.expression for c in front] == [honest]
    assert {c.loss for c in candidates_of(islands)} == {5.0}
    assert cost.of(noise) > 0
    for island in islands:  # its like do not go on breeding
        alive = [island.loss[i] for i in np.flatnonzero(island.size)]
        assert 1e-3 not in alive


def test_noise_does_not_end_a_search_as_exact():
    x = np.random.default_rng(3).uniform(1, 5, 6)
    asked = problem(x, 2 * x + np.random.default_rng(4).normal(size=6))
    start = parse("2.0*a + 1e15*(a - sqrt(a)**2)", ["a"])
    found = EmbeddedEngine(threads=1).evolve(asked, bm.Budget(evaluations=2000), seed=0, start=[start])
    assert all(is_stable(c.expression, asked) for c in found.front)
