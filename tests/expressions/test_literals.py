"""Numbers with a name are one exact number in text, LaTeX and sympy, and stay that on every way through Balmer."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from balmer.expressions import (
    Complexity,
    apply,
    constant,
    from_sympy,
    literal,
    parse,
    simplify,
    tidy,
    to_sympy,
    variable,
    with_plain_numbers,
)
from balmer.expressions.literals import KnownNumber, known_number, known_numbers
from balmer.expressions.operators import LITERAL, OPERATORS
from balmer.search.prune import merged

SYMBOLS = [
    "pi", "pi**2", "pi**3", "pi**4", "1/pi", "1/pi**2", "sqrt(pi)", "1/sqrt(pi)", "sqrt(2*pi)", "1/sqrt(2*pi)",
    "sqrt(2)", "1/sqrt(2)", "sqrt(3)", "sqrt(5)", "exp(1)", "exp(-1)", "log(2)", "1/log(2)", "log(10)",
    "1/log(10)",
]  # fmt: skip
NUMBERS = st.builds(
    lambda n, m, symbol: KnownNumber(Fraction(n, m), symbol),
    st.integers(-60, 60).filter(bool),
    st.integers(1, 40),
    st.sampled_from(SYMBOLS),
)
X = np.linspace(0.3, 2.0, 9)[None]


@given(NUMBERS, st.integers(-2, 2))
def test_a_number_and_the_floats_beside_it_are_recognised(number: KnownNumber, ulps: int) -> None:
    value = number.value
    for _ in range(abs(ulps)):
        value = math.nextafter(value, math.copysign(math.inf, ulps))
    found = known_number(value)
    assert found is not None
    assert found.value == number.value  # sqrt(2)/2 and 1/sqrt(2) are one number


@given(NUMBERS)
def test_the_float_is_that_of_the_exact_number(number: KnownNumber) -> None:
    assert number.value == float(number.sympy().evalf(40))


@given(NUMBERS)
def test_text_latex_and_sympy_are_one_exact_number(number: KnownNumber) -> None:
    e = literal(number.value)
    assert parse(e.text()) == e
    assert parse(f"({e.text()})*x0") == apply("mul", e, variable(0))
    assert parse(f"x0/({e.text()})") == apply("div", variable(0), e)
    form = to_sympy(e)
    assert not form.has(sympy.Float)
    assert from_sympy(form, []) == e
    assert float(form.evalf(30)) == number.value
    assert "." not in e.latex()


@given(NUMBERS, st.sampled_from(["{}*x0", "x0/{}", "cos({}*x0)", "{}*sqrt(x0/3)", "x0**2 - {}"]))
def test_it_passes_through_every_rewriting(number: KnownNumber, form: str) -> None:
    e = parse(form.format(f"({literal(number.value).text()})"))
    wanted = e.evaluate(X)
    ways = (
        simplify(e, X),
        tidy(e, OPERATORS),
        with_plain_numbers(e),
        merged(e),
        from_sympy(to_sympy(e, ["a"]), ["a"]),
    )
    for found in ways:
        assert found.n_constants == 0
        assert "exact" not in found.text()
        assert Complexity().of(found) <= Complexity().of(e)
        np.testing.assert_allclose(found.evaluate(X), wanted, rtol=1e-13)


@given(st.floats(0.001, 1000.0), st.integers(1, 7))
def test_a_decimal_of_chance_is_no_known_number(value: float, digits: int) -> None:
    decimal = float(f"{value:.{digits}g}")
    found = known_number(decimal)
    assert found is None or found.is_rational
    assume(value != decimal and value * 1000 % 1 != 0)
    close = [k * n / m for _, k in known_numbers() for n in range(1, 5) for m in range(1, 5)]
    assert all(known_number(v * (1 + 1e-13)) is None for v in close)


@pytest.mark.parametrize(
    ("text", "shown", "latex"),
    [
        ("2*pi", "2*pi", r"2 \pi"),
        ("pi/2", "pi/2", r"\frac{\pi}{2}"),
        ("-2*pi/3", "-2*pi/3", r"-\frac{2 \pi}{3}"),
        ("1/(4*pi)", "1/(4*pi)", r"\frac{1}{4 \pi}"),
        ("pi**2/6", "pi**2/6", r"\frac{\pi^{2}}{6}"),
        ("1/sqrt(2*pi)", "1/sqrt(2*pi)", r"\frac{1}{\sqrt{2 \pi}}"),
        ("sqrt(8)", "2*sqrt(2)", r"2 \sqrt{2}"),
        ("sqrt(1/2)", "1/sqrt(2)", r"\frac{1}{\sqrt{2}}"),
        ("2**(1/2)", "sqrt(2)", r"\sqrt{2}"),
        ("exp(1)", "exp(1)", "e"),
        ("3*log(2)", "3*log(2)", r"3 \ln\left(2\right)"),
        ("log(100)", "2*log(10)", r"2 \ln\left(10\right)"),
    ],
)
def test_how_it_is_written(text: str, shown: str, latex: str) -> None:
    e = parse(text)
    assert e.ops.tolist() == [LITERAL]
    assert e.text() == shown
    assert e.latex() == latex
    assert Complexity().of(e) == 1


def test_the_period_of_a_pendulum_is_exact() -> None:
    names = ["l", "g"]
    e = parse("2*pi*sqrt(l/g)", names)
    rows = np.random.default_rng(0).uniform(0.5, 2.0, (2, 20))
    for found in (e, merged(e), simplify(e, rows), with_plain_numbers(e)):
        assert found.text(names) == "2*pi*sqrt(l/g)"
        assert found.latex(names) == r"2 \pi \sqrt{\frac{l}{g}}"
    length, g = sympy.symbols("l g", positive=True)
    assert e.sympy(names, [True, True]) == 2 * sympy.pi * sympy.sqrt(length / g)


def test_a_function_of_numbers_with_a_name_stays_exact_and_another_does_not() -> None:
    logarithm = apply("mul", apply("log", literal(2.0)), variable(0))
    assert with_plain_numbers(logarithm) == parse("log(2)*x0")
    assert with_plain_numbers(parse("cos(2)*x0")).n_constants == 1
    assert parse("log(3.0)").n_constants == 1
    assert known_number(float(np.cos(2))) is None


def test_bases_for_recognition_have_no_simple_ratio() -> None:
    bases = dict(known_numbers())
    assert bases["pi"] == math.pi
    assert bases["exp(1)"] == math.e
    assert bases["log(2)"] == math.log(2)
    values = list(bases.values())
    for i, a in enumerate(values):
        for b in values[:i]:
            assert abs(float(Fraction(a / b).limit_denominator(100)) - a / b) > 1e-9
    assert constant(2 * math.pi).text() == repr(2 * math.pi)  # a fitted number is not renamed
