"""Text of a formula reads back as the formula, up to the folds that the parser documents."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings

from balmer.errors import ConfigError
from balmer.expressions import OPERATORS, Expression, apply, constant, literal, parse, to_text, variable
from balmer.expressions.literals import known_number
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE
from strategies import CONSTANTS, expressions, rows

x, y = variable(0), variable(1)
NAMES = ["v/c", "lambda", "x'"]


def folded(e: Expression) -> Expression:
    """The formula after the folds: signs and ratios of whole numbers, named numbers, and four special powers."""

    def number(piece: Expression, *kinds: int) -> bool:
        return len(piece) == 1 and piece.ops[0] in kinds

    def node(i: int, below: list[Expression]) -> Expression:
        name = OPERATORS_BY_CODE[int(e.ops[i])].name
        a, b = below[0], below[-1]
        named = ("mul", "div", "pow", "inv", "square", "cube", "sqrt", "exp", "log")
        if name in named and all(number(o, LITERAL) for o in below):
            with np.errstate(all="ignore"):
                known = known_number(float(apply(name, *below).evaluate(np.empty((0, 1)))[0]))
            if known is not None and not known.is_rational:
                return literal(known.value)
        if name == "neg" and number(a, LITERAL, CONSTANT):
            return literal(-a.values[0]) if a.ops[0] == LITERAL else constant(-a.values[0])
        if name == "div" and number(a, LITERAL) and number(b, LITERAL):
            p, q = float(a.values[0]), float(b.values[0])
            if p.is_integer() and q.is_integer() and q:
                return literal(p / q)
        if name == "pow" and number(b, LITERAL):
            special = {2.0: "square", 3.0: "cube", 0.5: "sqrt", -1.0: "inv"}.get(float(b.values[0]))
            return apply(special, a) if special else apply("pow", a, b)
        return apply(name, *below)

    return e.fold(e.subtree, node)


@given(expressions())
def test_text_reads_back_as_the_folded_formula(e: Expression) -> None:
    assert parse(to_text(e)) == folded(e)
    assert parse(to_text(e, NAMES), NAMES) == folded(e)
    assert parse(to_text(e)).n_constants == e.n_constants


@given(expressions(), rows())
def test_text_keeps_the_values(e: Expression, X: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        a, b = e.evaluate(X), parse(to_text(e)).evaluate(X)
    finite = np.isfinite(a)
    np.testing.assert_allclose(b[finite], a[finite], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator_reads_back(name: str) -> None:
    for leaf in (x, literal(-2), constant(-1.5), x + y, -x, apply("square", x)):
        e = apply(name, *[leaf, y + x][: OPERATORS[name].arity])
        assert parse(to_text(e)) == folded(e)


@given(CONSTANTS)
def test_constants_show_a_point_or_an_exponent(value: float) -> None:
    assert re.search(r"[.e]", to_text(constant(value)))
    assert re.search(r"[.e]", to_text(constant(value), digits=3))
    assert parse(to_text(constant(value))) == constant(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(4, "4"), (-4, "-4"), (0.5, "1/2"), (1.5, "3/2"), (-1 / 3, "-1/3"), (math.pi, "pi"), (-math.pi, "-pi"),
     (1e15, "1000000000000000"), (6.62607015e-34, "exact(6.62607015e-34)"), (0.0, "0"), (-0.0, "-0"),
     (-1e300, "-exact(1e+300)")],
)  # fmt: skip
def test_literals(value: float, text: str) -> None:
    assert to_text(literal(value)) == text
    assert parse(text) == literal(value)


@pytest.mark.parametrize(
    "text",
    ["x0 + x1 - x2", "x0 - (x1 - x2)", "x0*x1/x2", "x0/(x1*x2)", "(x0 + x1)*x2", "x0**x1**x2", "(x0**x1)**x2",
     "-x0**2", "(-x0)**2", "-(x0*x1)", "2.0*x0", "x0 + (-2.0)", "-2.0*x0", "sin(x0 + x1)", "x0**(1/3)",
     "x0**(-1/2)", "2*pi*x0", "1/2*x0", "x0*(1/2)", "exp(-x0)", "pow(x0, 0.5)", "x0**-1", "min(x0, x1 + x2)",
     "x0**-x1", "-(-x0)", "x0**2.5"],
)  # fmt: skip
def test_no_parenthesis_too_many(text: str) -> None:
    assert to_text(parse(text)) == text


def test_digits_and_symbols_of_constants() -> None:
    e = parse("1.23456*x0**2.34567")
    assert to_text(e, ["t"], digits=3) == "1.23*t**2.35"
    assert to_text(e, ["t"], constants=["A", "n"]) == "A*t**n"
    assert parse(to_text(parse("pow(x0, 0.4999)"), digits=2)).n_constants == 1


def test_missing_names_and_symbols_are_told() -> None:
    with pytest.raises(ConfigError, match="2 features, 1 names"):
        to_text(x + y, ["a"])
    with pytest.raises(ConfigError, match="1 constants, 0 symbols"):
        to_text(constant(1.5), constants=[])


@settings(max_examples=3)
@given(expressions(max_leaves=3))
def test_a_program_may_be_long(e: Expression) -> None:
    n = 3000
    ops = np.concatenate([e.ops, np.full(n, OPERATORS["sin"].code)])
    zeros = np.zeros(n)
    long = Expression(ops, np.concatenate([e.args, zeros]), np.concatenate([e.values, zeros]))
    assert to_text(long).startswith("sin(sin(")
    assert long.latex().startswith(r"\sin\left(")
