"""Are the exact numbers of a law proven? The law against its free form."""

from __future__ import annotations

import numpy as np
import pytest

import balmer as bm
from balmer.engines import Objective
from balmer.search.assess import assess, free_form
from balmer.search.refine import covariance, law_of, refine, refit


def problem(y, sigma=None, **columns):
    data = bm.Dataset.from_arrays({k: np.asarray(v) for k, v in columns.items()}, y, target="y", sigma=sigma)
    return bm.Problem(data)


def assessed(text, asked):
    return assess(refit(bm.parse(text, asked.dataset.feature_names), asked, "test"), asked, lambda r: r)


def test_a_slope_of_one_that_the_data_do_not_prove_gives_way_to_a_free_one():
    rng = np.random.default_rng(0)
    P = 10 ** rng.uniform(0.1, 2.2, 26)
    asked = problem(15.65 - 0.905 * np.log(P) + 0.4 * rng.normal(size=26), P=P)
    plain, honest = assessed("16.0 - log(P)", asked)
    assert honest.expression.n_constants == 2
    assert honest.length < plain.length  # it is chosen
    law = law_of(honest, asked)
    for constant, truth in zip(law.constants, (15.65, 0.905), strict=True):
        assert abs(constant.value - truth) < 3.5 * constant.error
    assert law.exact == ()


def test_a_proven_exponent_stays_and_keeps_its_estimate():
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 9, 200)
    asked = problem(2.72 * x**1.5 * (1 + 1e-4 * rng.normal(size=200)), x=x)
    (found,) = assessed("2.7*x**(3/2)", asked)
    (number,) = law_of(found, asked).exact
    assert number.value == 1.5
    assert abs(number.estimate - 1.5) < 4 * number.error < 4e-3


def test_the_other_constants_have_the_errors_of_the_fit_with_all_free():
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 9, 200)
    asked = problem(2.72 * x**1.5 * (1 + 1e-4 * rng.normal(size=200)), x=x)
    (found,) = assessed("2.7*x**(3/2)", asked)
    free = covariance(refit(bm.parse("2.7*pow(x, 1.49)", ["x"]), asked, "test"), asked)
    fixed = covariance(found, asked)
    (error,) = (c.error for c in law_of(found, asked).constants)
    assert error == pytest.approx(np.sqrt(free[0, 0]), rel=1e-3)
    assert error > 2 * np.sqrt(fixed[0, 0])


@pytest.mark.parametrize("power", ["x**2", "pow(x, 3)", "sqrt(x)"])
def test_whole_powers_and_roots_belong_to_the_form(power):
    rng = np.random.default_rng(2)
    x = rng.uniform(1, 2, 40)
    y = 1.73 * bm.parse(power, ["x"]).evaluate(x[None])
    asked = problem(y + 0.05 * rng.normal(size=40), x=x)
    (found,) = assessed(f"1.7*{power}", asked)
    assert found.expression.n_constants == 1


def test_a_vague_fraction_becomes_a_number_with_an_error():
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 3, 60)
    asked = problem(2.0 * x**1.47 + 0.1 * rng.normal(size=60), x=x)
    _, honest = assessed("2.0*x**(3/2)", asked)
    law = law_of(honest, asked)
    assert len(law.constants) == 2
    assert abs(law.constants[1].value - 1.47) < 3 * law.constants[1].error


def test_a_decay_is_not_counted_from_an_arbitrary_time():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 12, 60)
    counts = rng.poisson(1000 * np.exp(-0.4545 * t)).astype(float)
    asked = problem(counts, sigma=np.sqrt(np.maximum(counts, 1)), t=t)
    _, honest = assessed("exp(0.46*(15 - t))", asked)
    law = law_of(honest, asked)
    rate = min(law.constants, key=lambda c: abs(abs(c.value) - 0.4545))
    assert 0.003 < rate.error < 0.02
    assert abs(abs(rate.value) - 0.4545) < 3.5 * rate.error


def test_without_noise_every_number_is_known():
    x = np.linspace(5, 9, 40)
    asked = problem(5.37 * x**2 / (x**2 - 4), x=x)
    (found,) = assessed("5.37*x**2/(x**2 - 4)", asked)
    (number,) = found.exact
    assert number.value == 4.0
    assert number.estimate == pytest.approx(4.0, rel=1e-9)


def test_exact_numbers_can_be_switched_off():
    rng = np.random.default_rng(4)
    x = rng.uniform(5, 9, 80)
    data = bm.Dataset.from_arrays({"x": x}, 2.0 * x + 1e-6 * rng.normal(size=80), target="y")
    for wanted, constants in ((True, 0), (False, 1)):
        asked = bm.Problem(data, objective=Objective(exact_numbers=wanted))
        best = min(refine(refit(bm.parse("1.9*x", ["x"]), asked, ""), asked), key=lambda r: r.length)
        assert best.expression.n_constants == constants
    found = bm.discover(data, evaluations=3_000, exact_numbers=False).best
    assert found.constants
    assert found.exact == ()


def test_the_free_form_has_only_numbers_that_a_fit_can_tell_apart():
    x = np.linspace(1, 4, 50)
    asked = problem(2.5 * np.exp(-0.7 * x), x=x)
    assert free_form(bm.parse("2.5*exp(-0.7*x)", ["x"]), asked).n_constants == 2
    assert free_form(bm.parse("exp(-x)", ["x"]), asked).n_constants == 2
    assert free_form(bm.parse("3*2*exp(-x)", ["x"]), asked).n_constants == 2
