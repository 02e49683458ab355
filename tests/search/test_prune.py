"""What an exact formula can do without is taken away, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from balmer import Dataset, Problem
from balmer.engines import SearchSpace
from balmer.expressions import parse
from balmer.search.prune import merged, shortened
from balmer.search.refine import refit
from strategies import expressions, rows

NAMES = ["x", "z"]
RNG = np.random.default_rng(4)
X = {"x": RNG.uniform(0.5, 3.0, 500), "z": RNG.uniform(1.0, 2.0, 500)}


def problem(law, noise=0.0, **space):
    y = parse(law, NAMES).evaluate(np.array(list(X.values())))
    return Problem(Dataset.from_arrays(X, y + noise * RNG.normal(size=500)), SearchSpace(**space))


@given(expressions(n_features=2, max_leaves=8), rows(2, n_rows=6))
@settings(max_examples=500)
def test_merging_numbers_keeps_the_values(expression, X):
    shorter = merged(expression)
    with np.errstate(all="ignore"):
        a, b = expression.evaluate(X), shorter.evaluate(X)
        scale = np.abs(expression.evaluate(np.nextafter(X, 9.0)) - a)
    assume(np.all(np.isfinite(a) & np.isfinite(b) & np.isfinite(scale)))
    moved = expression.with_constants(expression.constants * (1 + 1e-12))
    with np.errstate(all="ignore"):
        rounding = np.abs(moved.evaluate(X) - a)
    assume(np.all(np.isfinite(rounding)))
    size = 1.0 + np.max(np.abs(expression.values))
    assert np.all(np.abs(a - b) <= 1e-6 * (np.abs(a) + size) + 1e5 * (scale + rounding))


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("1 - 0.8*(5/4 - x)", "0.8*x"), ("2*(3*x)*(z/4.0)", "1.5*(x*z)"), ("3.0 - (1.5 - x)", "1.5 + x"),
        ("48*x/(3*sqrt(2*z))", "16*(x/sqrt(2*z))"), ("sin(2.0*x + 1.0 - 1.0)", "sin(2.0*x)"), ("x - 2*z", "x - 2*z"),
        ("(1 + x)*(2 + z)", "(1 + x)*(2 + z)"), ("2**x", "2**x"), ("1/(1 - x)", "1/(1 - x)"), ("-(-x)", "x"),
        ("pi*x", "pi*x"), ("x/(0*z)", "x/(0*z)"), ("x/pi", "1/pi*x"),
    ],
)  # fmt: skip
def test_numbers_merge(long, short):
    assert merged(parse(long, NAMES)).text(NAMES) == short


@pytest.mark.parametrize(
    ("law", "found", "complexity"),
    [
        ("3.7*x*z", "48*x*(0.07708333333333334*z)", 6),
        ("x/sqrt(158*x**2 + z)", "48*x/sqrt(364032.0*x**2 + 2304.0*z)", 13),
        ("sin(x)*z", "1e-15*cos(z) + sin(x)*z", 4),
    ],
)
def test_an_exact_formula_is_left_without_what_it_does_not_need(law, found, complexity):
    given = problem(law)
    start = refit(parse(found, NAMES), given, "test")
    assert start.loss <= given.noise_floor
    short = shortened(start, given)
    assert short.loss <= given.noise_floor
    assert given.space.complexity.of(short.expression) <= complexity
    assert short.expression.variables == parse(law, NAMES).variables


def test_what_is_needed_stays():
    given = problem("2.5*x + 1e-5*z")
    start = refit(parse("2.5*x + 1e-5*z", NAMES), given, "test")
    assert shortened(start, given).expression == start.expression
    noisy = problem("2.5*x", noise=0.1)  # here the criterion decides, after the refits
    start = refit(parse("2.5*x + 0.01", NAMES), noisy, "test")
    assert shortened(start, noisy) is start
