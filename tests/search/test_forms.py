"""Every law predicts what its sympy form and its text predict; it is canonical, and shows the digits that are known."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.expressions import canonical, parse
from balmer.search.digits import shown_digits

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
WIDE = ["add", "sub", "mul", "div", "pow", "square", "sqrt", "cbrt", "exp", "log", "sin", "abs", "tanh"]
FORMULAS = {
    "pendulum": ("2*pi*sqrt(x/z)", 0.0, {}),
    "decay": ("1007.8*exp(-0.45*x) + 3.2", 0.01, {}),
    "relativity": ("x*z/sqrt(1 - (z/4)**2)", 0.0, {"operators": WIDE}),
    "oscillation": ("2.5*sin(1.7*x + 0.3)/z", 0.02, {}),
    "powers": ("3.7*x**1.37/z**0.62", 0.001, {"operators": WIDE}),
    "arithmetic": ("(x + 2*z)/(1 + x*z)", 0.0, {"operators": ["+", "-", "*", "/"]}),
}


@cache
def searched(name: str) -> tuple[bm.Dataset, bm.Front]:
    """The front of a small search."""
    if name in FORMULAS:
        text, noise, options = FORMULAS[name]
        rng = np.random.default_rng(7)
        X = rng.uniform(0.0, 3.0, (2, 60))
        X[1] += 0.3
        X[0, 0] = 0.0
        y = parse(text, ["x", "z"]).evaluate(X)
        data = bm.Dataset.from_arrays({"x": X[0], "z": X[1]}, y * (1 + noise * rng.normal(size=60)))
    else:
        data, options = bm.Dataset.from_parquet(EXAMPLES / f"{name}.parquet"), {}
    return data, bm.discover(data, seed=3, evaluations=20_000, **options).front


NAMES = ["hydrogen", "hubble", "planets", *FORMULAS]


@pytest.mark.parametrize("name", NAMES)
def test_a_law_its_sympy_form_and_its_text_predict_the_same(name: str) -> None:
    data, front = searched(name)
    rms = np.sqrt(np.mean(data.y**2))
    for law in front:
        wanted = law.predict(data)
        finite = np.isfinite(wanted)
        assert finite.any()
        function = sympy.lambdify(list(law.symbols.values()), law.sympy(), "numpy")
        again = parse(law.text(digits=None), law.names)
        with np.errstate(all="ignore"):
            forms = {
                "sympy": np.broadcast_to(function(*data.X), wanted.shape),
                "text": again.evaluate(data.X),
            }
        for form, values in forms.items():
            off = np.abs(values - wanted)[finite]
            assert np.all(off <= 1e-9 * (np.abs(wanted[finite]) + rms)), (form, law.text(None))
        assert again.n_constants == len(law.constants)


@pytest.mark.parametrize("name", NAMES)
def test_every_law_of_a_front_is_canonical(name: str) -> None:
    data, front = searched(name)
    space = bm.Problem(data, bm.SearchSpace(**FORMULAS[name][2] if name in FORMULAS else {})).space
    for law in front:
        form = canonical(
            law.expression,
            positive=[bool(np.all(row > 0)) for row in data.X],
            nonnegative=[bool(np.all(row >= 0)) for row in data.X],
            allowed=space.allowed,
            complexity=space.complexity,
        )
        assert form == law.expression, (form.text(law.names), law.text())
        assert law.complexity == space.complexity.of(form)


@pytest.mark.parametrize("name", NAMES)
def test_the_short_text_keeps_what_the_errors_leave(name: str) -> None:
    data, front = searched(name)
    for law in front:
        short = parse(law.text(), law.names).constants
        for constant, shown in zip(law.constants, short, strict=True):
            if np.isfinite(constant.error):
                rounding = 4 * np.spacing(abs(constant.value))
                assert abs(shown - constant.value) <= max(constant.error / 2, rounding)
        numbers = re.findall(r"\d+\.\d+", law.latex())
        assert len(numbers) >= sum("." in f"{v!r}" for v in short if abs(v) < 1e5) - len(law.constants)
        # The errors of constants belong together: rounding all of them must not show in what the law predicts.
        if np.isfinite(law.covariance).all() and law.loss > 0:
            spoiled = np.mean((law.expression.with_constants(short).evaluate(data.X) - data.y) ** 2)
            own = np.mean((law.predict(data) - data.y) ** 2)
            assert spoiled <= 1.05 * own + 1e-24 * np.mean(data.y**2)


def test_plain_symbols_and_those_with_assumptions() -> None:
    law = searched("decay")[1].best
    x = sympy.Symbol("x")
    assert law.symbols["x"] == x
    assert law.sympy().diff(x) != 0
    assert law.sympy().subs("x", 1).free_symbols <= {sympy.Symbol("z")}
    assumed = law.sympy(assumptions=True).free_symbols
    assert all(s.is_real for s in assumed)
    assert not assumed & law.sympy().free_symbols


def test_a_known_number_in_the_start_stays_exact() -> None:
    data, _ = searched("pendulum")
    law = bm.discover(data, seed=1, evaluations=2_000, start=["2*pi*sqrt(x/z)"]).best
    assert law.text() == "2*pi*sqrt(x/z)"
    assert law.latex() == r"y = 2 \pi \sqrt{\frac{x}{z}}"
    x, z = law.symbols.values()
    assert law.sympy() == 2 * sympy.pi * sympy.sqrt(x / z)


@pytest.mark.parametrize(
    ("value", "error", "digits"),
    [
        (365.199123, 1e-7, 11), (364.5068, 0.0013, 7), (423.9, 42.0, 3), (0.5, 0.2, 3), (2.5000000000000004, 0.0, 2),
        (np.pi, 0.0, 16), (1 / 3, 1e-20, 16), (3.2, np.inf, 6), (-0.00123456, 1e-6, 5),
    ],
)  # fmt: skip
def test_digits_shown(value: float, error: float, digits: int) -> None:
    assert shown_digits(np.array([value]), np.array([[error**2]])) == [digits]


@settings(max_examples=50)
@given(st.floats(-0.9999999, 0.9999999), st.floats(1e-9, 1e-1), st.floats(1e-9, 1e-1))
def test_rounding_is_small_in_every_direction(correlation: float, first: float, second: float) -> None:
    values = np.array([1.2345678901234567, 0.98765432109876543])
    c = np.array([[first**2, correlation * first * second], [correlation * first * second, second**2]])
    digits = shown_digits(values, c)
    short = [v if d is None else float(f"{v:.{d}g}") for v, d in zip(values, digits, strict=True)]
    step = (short - values) / [first, second]
    distance = step @ np.linalg.inv(c / np.outer([first, second], [first, second])) @ step
    assert distance < 0.05
