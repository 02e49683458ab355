"""The parser reads formulas, keeps the user's names apart from everything else, and runs nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.errors import ConfigError
from balmer.expressions import Expression, apply, constant, is_bare_name, literal, parse, to_text, variable

x, y = variable(0), variable(1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + y", x + y),
        ("x - y - x", x - y - x),
        ("x / y * x", x / y * x),
        ("-x**2", -apply("square", x)),
        ("+x", x),
        ("x^2", apply("square", x)),
        ("x**3", apply("cube", x)),
        ("x**0.5", apply("sqrt", x)),
        ("x**(1/2)", apply("sqrt", x)),
        ("x**-1", apply("inv", x)),
        ("x**(1/3)", apply("pow", x, literal(1 / 3))),
        ("x**-2", apply("pow", x, literal(-2))),
        ("x**2.0", apply("pow", x, constant(2.0))),
        ("x**-0.5", apply("pow", x, constant(-0.5))),
        ("x**y**2", apply("pow", x, apply("square", y))),
        ("pow(x, 2)", apply("pow", x, literal(2))),
        ("1/2", literal(0.5)),
        ("1/2*x", literal(0.5) * x),
        ("1/x", literal(1) / x),
        ("2/0", literal(2) / literal(0)),
        ("-3", literal(-3)),
        ("-3.5", constant(-3.5)),
        ("3", literal(3)),
        ("4.0", constant(4)),
        ("4.", constant(4)),
        (".5", constant(0.5)),
        ("1e-3", constant(1e-3)),
        ("007", literal(7)),
        ("pi", literal(math.pi)),
        ("π", literal(math.pi)),
        ("exact(6.62607015e-34)", literal(6.62607015e-34)),
        ("x − 2·y × x", x - literal(2) * y * x),
        ("arcsin(x)", apply("asin", x)),
        ("ln(x)", apply("log", x)),
        ("Abs(x)", apply("abs", x)),
        ("Max(x, y)", apply("max", x, y)),
        ("min(x, y, 3)", apply("min", apply("min", x, y), literal(3))),
        ("log10(x)", apply("log", x) / literal(math.log(10))),
        ("logexpm1 (x)", apply("logexpm1", x)),
    ],
)
def test_grammar(text: str, expected: Expression) -> None:
    assert parse(text, ("x", "y")) == expected


NAMES = [
    "E", "I", "S", "N", "beta", "lambda", "in", "is", "None", "x'", "x''", "v/c", "pi", "exp", "T in K", "λ",
    "Δm", "x̂", "x₁", "χ²", "a`b", "µ", "_", "def", "e5", "1st", "True", "", "x.y", "__import__",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_column_name_can_be_written(name: str) -> None:
    k = NAMES.index(name)
    written = to_text(variable(k), NAMES)
    assert parse(f"2*{written}-exp({written})/{written}**2", NAMES) == parse(f"2*x{k} - exp(x{k})/x{k}**2")
    assert parse("`" + name.replace("`", "``") + "`", NAMES) == variable(k)
    if is_bare_name(name):
        assert parse(name, NAMES) == variable(k)


@given(st.lists(st.text(max_size=6), min_size=1, max_size=4, unique=True))
def test_any_unicode_is_a_column_name(names: list[str]) -> None:
    formula = variable(len(names) - 1) * variable(0) - apply("sin", variable(len(names) // 2))
    assert parse(to_text(formula, names), names) == formula


def test_columns_named_like_pi_and_functions() -> None:
    names = ("pi", "exp")
    assert parse("2*pi*`pi`", names) == literal(2 * math.pi) * variable(0)
    assert parse("exp*exp(exp)", names) == variable(1) * apply("exp", variable(1))


def test_look_alike_letters_find_their_column_unless_both_exist() -> None:
    micro, mu = "\u00b5", "\u03bc"
    assert parse(micro, [mu]) == variable(0)
    assert parse(mu, [micro]) == variable(0)
    assert parse(micro, [mu, micro]) == variable(1)


INJECTIONS = [
    "__import__('os').system('true')", "x.__class__", "x.real", "(lambda: x)()", "lambda x: x",
    "[x for x in y]", "(x for x in y)", "{x}", "{x: y}", "[x]", "x[0]", "'x'", '"x"', "f'{x}'", "b'x'",
    "(y := x)", "x if x else y", "x and y", "not x", "x < y", "x == y", "x % y", "x // y", "x @ y", "x | y",
    "x & y", "~x", "x << 2", "x, y", "sin(*x)", "sin(**x)", "sin(x=y)", "eval(x)", "exec(x)", "print(x)",
    "open(x)", "x; y", "x\\\ny", "x # y", "1j", "0x10", "1_000", "...", "None", "await x", "yield",
    "import os", "x()", "sin(x)(y)", "x!", "$x", "?",
]  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="position"):
        parse(text, ("x", "y"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x + velocty", r"position 5.*'velocty'.*did you mean velocity"),
        ("sine(x)", r"position 1.*no function 'sine'.*did you mean sin"),
        ("`v/d`", r"position 1.*'v/d'.*did you mean `v/c`"),
        ("x velocity", r"position 3.*write \*"),
        ("2x", r"position 2.*write \*"),
        ("x(2)", r"position 1.*no function|position 2.*write \*"),
        ("x +", r"position 4.*breaks off after '\+'"),
        ("x * / x", r"position 5.*'/' follows '\*'"),
        ("* x", r"position 1.*stands first"),
        ("(x", r"position 1.*not closed"),
        ("x)", r"position 2.*closes no"),
        ("sin(x, x)", r"position 1.*takes 1 argument.*2 were given"),
        ("sin", r"position 1.*parentheses"),
        ("1,5*x", r"position 2.*','.*point"),
        ("1e999", r"position 1.*too large"),
        ("exact(x)", r"position 1.*takes one number"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_errors_say_what_and_where(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text, ("x", "velocity", "v/c"))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "x0" + ")" * 5000,
        "-" * 4000 + "x0",
        "-" * 100_000 + "x0",
        "**".join(["x0"] * 2400),
        "sin(" * 3000,
        "9" * 5000,
        "1e" + "9" * 300,
        "9" * 350,
        "x0" * 100_000,
        "x99999",
    ],
)
def test_absurd_texts_end_in_a_sentence_or_a_formula(text: str) -> None:
    message = ""
    try:
        parse(text)
    except ConfigError as error:
        message = str(error)
    assert len(message) < 300


def test_a_long_sum_is_no_problem() -> None:
    assert len(parse("+".join(["x0"] * 2000))) == 3999


@given(st.text(alphabet="x01.5e+-*/^() ,`'sincop", max_size=25))
def test_any_text_gives_a_formula_or_a_config_error(text: str) -> None:
    try:
        formula = parse(text)
    except ConfigError:
        return
    assert parse(to_text(formula)) == formula


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="'a' stands for two columns"):
        parse("a", ("a", "b", "a"))
