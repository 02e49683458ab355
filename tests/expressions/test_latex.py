"""LaTeX shows the formula as it stands, and names as a physicist writes them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.expressions import Expression, latex_name, latex_number, parse, to_latex
from strategies import expressions


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("lambda", r"\lambda"), ("λ", r"\lambda"), ("Lambda", r"\Lambda"), ("µ", r"\mu"), ("m_0", "m_{0}"),
        ("m0", "m_{0}"), ("x₁", "x_{1}"), ("theta12", r"\theta_{12}"), ("alpha_s", r"\alpha_{s}"),
        ("E_kin", r"E_{\mathrm{kin}}"), ("x'", "x'"), ("x_1''", "x_{1}''"), ("χ²", r"\chi^{2}"),
        ("mass", r"\mathrm{mass}"), ("v/c", "v/c"), ("Δm", r"\Delta m"), ("x̂", r"\hat{x}"), ("x", "x"),
        ("hbar", r"\hbar"), ("a_b_c", "a_{b,c}"), ("a%b", r"\mathrm{a\%b}"), ("T (K)", r"\mathrm{T\ (K)}"),
        ("Alpha", r"\mathrm{A}"), ("Größe", r"\text{Größe}"), ("λ_max", r"\lambda_{\mathrm{max}}"),
        ("_", r"\_"),
    ],
)  # fmt: skip
def test_names(name: str, latex: str) -> None:
    assert latex_name(name) == latex


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x/y", r"\frac{x}{y}"),
        ("x**2", "x^{2}"),
        ("(x + y)**2", r"\left(x + y\right)^{2}"),
        ("x**(1/3)", "x^{1/3}"),
        ("x**2.5", "x^{2.5}"),
        ("sqrt(x)", r"\sqrt{x}"),
        ("cbrt(x)", r"\sqrt[3]{x}"),
        ("sin(x)", r"\sin\left(x\right)"),
        ("asin(x)", r"\arcsin\left(x\right)"),
        ("logexpm1(x)", r"\ln\left(e^{x} - 1\right)"),
        ("log1mexp(x)", r"\ln\left(1 - e^{-x}\right)"),
        ("log1p(x)", r"\ln\left(1 + x\right)"),
        ("2*expm1(x)", r"2 \left(e^{x} - 1\right)"),
        ("abs(x)", r"\left|x\right|"),
        ("3.2e-5*x", r"3.2\times10^{-5} x"),
        ("x + (-3.0)", "x - 3.0"),
        ("x - (-y)", "x + y"),
        ("x - (y + x)", r"x - \left(y + x\right)"),
        ("x - (y - x)", r"x - \left(y - x\right)"),
        ("x*(-y)", r"x \left(-y\right)"),
        ("2.0*3.0", r"2.0 \cdot 3.0"),
        ("x*2.0", r"x \cdot 2.0"),
        ("x**-1", r"\frac{1}{x}"),
        ("1/2*x", r"\frac{1}{2} x"),
        ("1/2/x", r"\frac{1}{2 x}"),
        ("-3/2/(x + y)", r"-\frac{3}{2 \left(x + y\right)}"),
        ("x**(pi/2)", r"x^{\pi/2}"),
        ("2*pi/3*x", r"\frac{2 \pi}{3} x"),
        ("2*pi*x", r"2 \pi x"),
        ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}"),
        ("exp(x)**2", r"\left(e^{x}\right)^{2}"),
        ("min(x, y)", r"\min\left(x, y\right)"),
    ],
)
def test_formulas(text: str, latex: str) -> None:
    assert to_latex(parse(text, "xy"), "xy") == latex


def test_compound_names_are_bracketed_in_powers() -> None:
    assert to_latex(parse("`v/c`**2", ["v/c"]), ["v/c"]) == r"\left(v/c\right)^{2}"


def test_symbols_and_digits_of_constants() -> None:
    e = parse("1.23456*x0 + 2.5e10")
    assert to_latex(e, digits=3) == r"1.23 x_{0} + 2.5\times10^{10}"
    assert to_latex(e, constants=["c_{1}", "c_{2}"]) == "c_{1} x_{0} + c_{2}"
    assert latex_number(1.2345e-7, 2) == r"1.2\times10^{-7}"


@given(expressions(), st.lists(st.text(min_size=1, max_size=8), min_size=3, max_size=3))
def test_braces_and_brackets_balance(e: Expression, names: list[str]) -> None:
    latex = to_latex(e, names)
    bare = latex.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert not re.search(r"\}\^\{[^{}]*\}\^", latex)  # a double superscript is an error in LaTeX
