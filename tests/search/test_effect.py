"""What has no effect is not in a law; what is rounding is no law; and that nothing matters is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.engines import SearchSpace
from balmer.engines.rounding import is_stable
from balmer.expressions import parse
from balmer.search.discover import _front_of
from balmer.search.effect import effective
from balmer.search.refine import refit
from balmer.search.stable import stable_front

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
X = np.linspace(0.2, 3.0, 60)
NOISE = 0.01 * np.random.default_rng(0).normal(size=60)
OPERATORS = "+ - * / pow square sqrt exp log sin cos"


def problem(y, x=X, **space):
    return bm.Problem(bm.Dataset.from_arrays({"x": x}, y), SearchSpace(operators=OPERATORS, **space))


@pytest.mark.parametrize(
    ("long", "truth", "short"),
    [
        ("1.29e-115 + exp(x)", np.exp(X), "exp(x)"), ("2.0*x + x/(x + x)", 2 * X + 0.5, "2.0*x + 1/2"),
        ("x*exp(1e-12*x)", X, "x"), ("3.0*sin(2.0*x)", 3 * np.sin(2 * X), "3.0*sin(2.0*x)"),
        ("2.0*x + 1e-14*sqrt(x)", 2 * X, "2.0*x"), ("5.0*x**2 + x*cos(1e-9*x)", 5 * X**2 + X, "5.0*x**2 + x"),
    ],
)  # fmt: skip
def test_terms_without_effect_go(long, truth, short):
    asked = problem(truth + NOISE)
    kept = effective(refit(parse(long, ["x"]), asked, "", max_steps=1), asked)
    assert kept.expression.with_constants(np.round(kept.expression.constants, 0)).text(["x"]) == short


@pytest.mark.parametrize(
    "disguise",
    ["-782666*sin(4.39e-06*x)".replace("782666", "782666.0"), "5e5*log(1 + 6.8e-06*x)", "1e6*(exp(3.4e-6*x) - 1)",
     "7e4*(sqrt(1 + 1e-4*x) - 1)"],
)  # fmt: skip
def test_a_line_in_disguise_is_a_line(disguise):
    asked = problem(3.43 * X + NOISE)
    kept = effective(refit(parse(disguise, ["x"]), asked, ""), asked)
    assert kept.expression.operators <= {"mul", "add", "sub"}
    assert kept.loss < 1.5e-4
    assert kept.expression.evaluate(np.array([[2.0]]))[0] == pytest.approx(6.86, abs=0.02)


def test_a_small_term_that_the_data_show_is_kept():
    asked = problem(X + 1e-10 * X**2)
    law = refit(parse("x + 1e-10*x**2", ["x"]), asked, "")
    assert effective(law, asked).expression == law.expression


@given(st.floats(-300.0, -14.0), st.sampled_from(["add", "sub"]), st.floats(-100.0, 100.0))
@settings(max_examples=40, deadline=None)
def test_whatever_is_small_beside_a_law_of_any_scale_goes(decade, name, scale_decade):
    scale = 2.7 * 10.0**scale_decade
    asked = problem(scale * (np.exp(X) + NOISE))
    sign = "+" if name == "add" else "-"
    law = parse(f"{scale!r}*(exp(x) {sign} {10.0**decade!r})", ["x"])
    kept = effective(refit(law, asked, "", max_steps=1), asked)
    assert kept.expression.n_constants == 1
    assert len(kept.expression) == 4


def test_a_feature_of_no_size_leaves_the_constant():
    asked = problem(6110 + NOISE, x=X * 1e-17)
    kept = effective(refit(parse("6110.0 + x", ["x"]), asked, ""), asked)
    assert kept.expression.variables == ()


def test_the_constant_stands_on_the_front_where_nothing_simpler_is_better():
    x = np.array([0, 1.31, 2.61, 3.77, 5.03, 6.53, 7.84, 8.8]) * 1e-17
    y = np.array([7350, 6890, 6354.5, 5953, 5710, 5600, 5619, 5405])
    found = bm.discover(bm.Dataset.from_arrays({"x": x}, y), evaluations=4000, seed=1)
    (null,) = [law for law in found.front if not law.expression.variables]
    assert null.constants[0].value == pytest.approx(y.mean())
    for law in found.front:  # the others say something of x
        if law.complexity > null.complexity:
            assert np.ptp(law.predict(x[:, None])) > 1.0
    assert null.predict({"x": x}).shape == (8,)
    assert null.to_numpy()(x).shape == (8,)


def test_the_constant_is_left_out_where_constants_are_not_allowed():
    found = bm.discover(
        bm.Dataset.from_arrays({"x": X}, X**2 + NOISE),
        evaluations=500,
        space=SearchSpace(max_constants=0),
        seed=1,
    )
    assert all(not law.constants for law in found.front)


A = np.array([0.387, 0.723, 1.0, 1.524, 5.203, 9.58, 19.2, 30.07])


def test_noise_takes_its_simplest_spelling_or_goes():
    data = bm.Dataset.from_arrays({"a": A}, 365.0 * A**1.5 * (1 + 1e-4 * np.sin(9 * A)), target="T")
    asked = bm.Problem(data, SearchSpace(operators=OPERATORS))
    noise = refit(parse("365.199*((-3.48e12*(a - sqrt(a)**2) + a)*sqrt(a))", ["a"]), asked, "", max_steps=1)
    hopeless = refit(parse("365.0*a**(3/2) + (-1)**(a - a)*sin(1e17*a)", ["a"]), asked, "", max_steps=1)
    honest = refit(parse("1811.0*a", ["a"]), asked, "")
    front = stable_front([noise, hopeless, honest], asked, _front_of)
    assert honest in front
    assert all(is_stable(r.expression, asked) for r in front)
    (law,) = [r for r in front if r is not honest]
    assert np.allclose(law.expression.evaluate(A[None]), 365.0 * A**1.5, rtol=2e-4)


@pytest.mark.parametrize("name", ["planets", "hubble"])
def test_every_law_predicts_what_its_text_and_its_sympy_form_do(name):
    import sympy

    data = bm.Dataset.from_parquet(EXAMPLES / f"{name}.parquet")
    found = bm.discover(data, evaluations=30_000, seed=1)
    rms = np.sqrt(np.mean(data.y**2))
    symbols = sympy.symbols(data.feature_names)
    for law in found.front:
        own = law.predict(data)
        again = parse(law.text(None), law.names).evaluate(data.X)
        plain = law.sympy()
        plain = plain.subs({s: sympy.Symbol(s.name) for s in plain.free_symbols})
        other = np.broadcast_to(sympy.lambdify(symbols, plain, "numpy")(*data.X), own.shape)
        moved = law.expression.evaluate(data.X * (1 + 4e-16))
        for values in (again, other, moved):
            assert np.max(np.abs(own - values)) <= 1e-9 * rms
