"""PySR's hall of fame is read as laws of ours, by our parser alone, and laws go back to PySR as guesses."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import balmer as bm
from balmer.errors import BalmerWarning, ConfigError, DataError
from balmer.expressions import OPERATORS, parse
from balmer.search.law import Law
from balmer.search.pysr_files import pysr_guess, read_equation
from strategies import expressions, rows

RNG = np.random.default_rng(3)
X = RNG.uniform(0.5, 2.0, (50, 2))
Y = 2.5 * X[:, 0] ** 2 + np.cos(X[:, 1]) + 0.01 * RNG.normal(size=50)
DATA = bm.Dataset.from_arrays(X, Y, names=["x0", "x1"], target="y")

# As PySR writes it: equations in quotes, numbers in full, complexity and loss by its own count.
HALL = """Complexity,Loss,Equation
1,9.8,"3.9501233"
3,2.1,"x0 * 4.0123"
5,0.4,"square(x0) * 2.61"
8,1.1e-4,"(square(x0) * 2.4) + cos(x1)"
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "hall_of_fame.csv").write_text(HALL)
    return tmp_path


@pytest.mark.parametrize("what", ["directory", "file", "text", "model", "table"])
def test_a_run_becomes_a_front(run, what):
    table = pd.read_csv(run / "hall_of_fame.csv").rename(columns=str.lower)
    source = {
        "directory": run,
        "file": run / "hall_of_fame.csv",
        "text": str(run),
        "model": SimpleNamespace(equations_=table),
        "table": table,
    }[what]
    front = bm.Front.from_pysr(source, DATA)
    assert [law.text(2) for law in front] == ["4.9", "x0*4.0", "x0**2*2.6", "x0**2*2.5 + cos(x1)"]
    best = front.best
    assert best is front[-1]
    assert best.origin == "PySR"
    assert best.constants[0].value == pytest.approx(2.5, abs=4 * best.constants[0].error)
    assert 0 < best.constants[0].error < 0.01


def test_loss_and_complexity_are_ours(run):
    problem = bm.Problem(DATA, bm.SearchSpace(complexity_of_constants=5))
    for law in bm.Front.from_pysr(run, problem):
        assert law.loss == pytest.approx(np.mean((law.predict(DATA) - Y) ** 2), rel=1e-9)
        assert law.complexity == problem.space.complexity.of(law.expression)


def test_fitted_constants_are_no_worse_than_those_of_pysr(run):
    law = bm.Front.from_pysr(run, DATA)[-1]
    theirs = np.mean((X[:, 0] ** 2 * 2.4 + np.cos(X[:, 1]) - Y) ** 2)
    assert law.loss < theirs / 10


@pytest.mark.parametrize("names", [["length", "v/c"], ["x1", "x2"]])
def test_equations_by_place_serve_columns_of_any_name(run, names):
    data = bm.Dataset.from_arrays(X, Y, names=names, target="y")
    law = bm.Front.from_pysr(run, data).best
    assert law.names == tuple(names)
    assert law.expression.variables == (0, 1)


def test_equations_by_name(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text('Complexity,Loss,Equation\n4,1,"my_length ^ 2.1"\n')
    data = bm.Dataset.from_arrays(X, Y, names=["t", "my length"], target="y")
    assert bm.Front.from_pysr(file, data).best.expression.variables == (1,)


def test_units_of_constants_are_found(run):
    data = bm.Dataset.from_arrays(
        X, Y, names=["x0", "x1"], target="y", units={"x0": "s", "x1": "1", "y": "m"}
    )
    with_units = bm.Front.from_pysr(run, data)
    assert [law.units_hold for law in with_units] == [True, True, True, False]
    assert str(with_units[2].constants[0].unit) == "m/s^2"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("x0 ^ 3.0", lambda a, b: a**3),
        ("-x0 - -1.2e-5", lambda a, b: -a + 1.2e-5),
        ("-(x0 + 1.5E+2)", lambda a, b: -(a + 150)),
        ("x0 ^ -2", lambda a, b: a**-2.0),
        ("-x0 ^ 2", lambda a, b: -(a**2)),
        ("2.0 ^ x0 ^ x1", lambda a, b: 2.0 ** (a**b)),
        ("square(x0) / cube(x1)", lambda a, b: a**2 / b**3),
        ("inv(neg(x1))", lambda a, b: -1 / b),
        ("plus(x0, mult(x1, 2.0))", lambda a, b: a + 2 * b),
        ("safe_log(x0) + log10(x1) + log2(x0) + log1p(x1)",
         lambda a, b: np.log(a) + np.log10(b) + np.log2(a) + np.log1p(b)),
        ("safe_sqrt(x0) * sqrt(x1) * cbrt(x0)", lambda a, b: np.sqrt(a * b) * np.cbrt(a)),
        ("safe_pow(x0, x1) + pow_abs(neg(x0), x1)", lambda a, b: 2 * a**b),
        ("max(x0, min(x1, 1.0))", lambda a, b: np.maximum(a, np.minimum(b, 1))),
        ("asinh(x0) + acosh(x0 + 1.0) + atanh(x1 / 4.0)",
         lambda a, b: np.arcsinh(a) + np.arccosh(a + 1) + np.arctanh(b / 4)),
        ("acosh_abs(x0)", lambda a, b: np.arccosh(a + 1)),
        ("relu(x0 - 1.0) + clamp(x1, 0.7, 1.5)", lambda a, b: np.maximum(a - 1, 0) + np.clip(b, 0.7, 1.5)),
        ("fma(x0, x1, 2.0)", lambda a, b: a * b + 2),
        ("x₁ + 2.0 * x₂", lambda a, b: a + 2 * b),
        ("abs(sin(x0)) - tanh(x1)", lambda a, b: np.abs(np.sin(a)) - np.tanh(b)),
    ],
)  # fmt: skip
def test_an_equation_means_what_it_means_in_pysr(text, same):
    found = read_equation(text, ["x0", "x1"]).evaluate(X.T)
    np.testing.assert_allclose(found, same(X[:, 0], X[:, 1]), rtol=1e-13)


def test_a_logarithm_of_nothing_has_no_value_as_in_pysr():
    assert np.isnan(read_equation("log(x0)", ["x0"]).evaluate([[-1.0]])).all()
    assert np.isnan(read_equation("acosh(x0)", ["x0"]).evaluate([[-3.0]])).all()


def hall(tmp_path, *equations):
    file = tmp_path / "hall_of_fame.csv"
    file.write_text(
        "Complexity,Loss,Equation\n" + "".join(f'{i},1.0,"{e}"\n' for i, e in enumerate(equations))
    )
    return file


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("cond(x0, x1)", "the equation uses cond, which is no operator of Balmer's"),
        ("greater(x0, 1.0) * x1", "uses greater"),
        ("gauss(x0)", "there is no function 'gauss'"),
        ("x7", "there is no column 'x7'"),
        ("f = ((#1) * #2); g = #1", "a template's, which is several formulas"),
        ("__import__('os').system('true')", "'__import__'"),
        ("", "the formula is empty"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row(tmp_path, equation, message):
    file = hall(tmp_path, "x0", equation)
    with pytest.raises(ConfigError) as caught:
        bm.Front.from_pysr(file, DATA)
    assert str(caught.value).startswith(f"row 2 of file '{file}': ")
    assert message in str(caught.value)


def test_custom_operators_are_told(tmp_path):
    file = hall(tmp_path, "gauss(x0)", "cond(x0, x1)")
    front = bm.Front.from_pysr(file, DATA, operators=["gauss(x) = exp(-x^2)", "cond(x, y) = y*max(x, 0)"])
    assert {law.text() for law in front} <= {"exp(-x0**2)", "x1*max(x0, 0)"}


def test_an_equation_without_a_value_is_left_out_and_named(tmp_path):
    file = hall(tmp_path, "x0", "log(x0 - 1.0)", "log(x0 - 2.0)")
    with pytest.warns(BalmerWarning, match=r"rows 2, 3 left out: no finite value"):
        assert len(bm.Front.from_pysr(file, DATA)) == 1


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("checkpoint.pkl", "", ConfigError, "is a pickle, .* give the hall_of_fame.csv beside it"),
        ("hall_of_fame.csv", None, DataError, "does not exist"),
        ("hall_of_fame.csv", "", DataError, "its columns are not Complexity,Loss,Equation"),
        ("hall_of_fame.csv", "a,b\n1,2\n", DataError, "its columns are not"),
        ("hall_of_fame.csv", "Complexity,Loss,Equation\n", DataError, "holds no equation"),
        ("hall_of_fame.csv", "Complexity,Loss,Equation\n1,2\n", DataError, "row 1 of file .* has 2 cells"),
    ],
)  # fmt: skip
def test_files_that_are_no_hall_of_fame(tmp_path, name, text, error, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        bm.Front.from_pysr(tmp_path / name, DATA)


def test_a_pickle_is_not_opened(tmp_path):
    with pytest.raises(ConfigError, match="can run any program"):
        bm.Front.from_pysr(tmp_path / "is_not_there.pkl", DATA)


def test_several_targets_want_one_named(tmp_path):
    (tmp_path / "hall_of_fame_output1.csv").write_text(HALL)
    with pytest.raises(ConfigError, match=r"one hall of fame for each target; name one, such as .*output1"):
        bm.Front.from_pysr(tmp_path, DATA)
    assert len(bm.Front.from_pysr(tmp_path / "hall_of_fame_output1.csv", DATA)) == 4
    with pytest.raises(ConfigError, match=r"model.equations_\[0\]"):
        bm.Front.from_pysr(SimpleNamespace(equations_=[None, None]), DATA)


@pytest.mark.parametrize("source", [42, None, SimpleNamespace(), {"equation": ["x0"]}])
def test_other_sources_are_refused(source):
    with pytest.raises(ConfigError, match="a fitted PySRRegressor, not"):
        bm.Front.from_pysr(source, DATA)


def test_data_must_be_a_dataset(run):
    with pytest.raises(ConfigError, match="takes the Dataset that PySR has seen, not ndarray"):
        bm.Front.from_pysr(run, X)


# -- and back ------------------------------------------------------------------------------------------------


def law_of(expression, names):
    columns = tuple(SimpleNamespace(name=name, unit=None) for name in names)
    rest = dict.fromkeys(
        ("loss", "complexity", "score", "covariance", "units_hold", "origin", "target", "positive")
    )
    rest["target"] = SimpleNamespace(name="y", unit=None)
    return Law(expression=expression, constants=(), features=columns, **rest)


@given(expressions(3, operators=sorted(set(OPERATORS) - {"expm1", "logexpm1", "log1mexp"})), rows(3))
def test_a_guess_is_read_back_to_the_same_values(expression, X):
    guess = pysr_guess(law_of(expression, ["x0", "x1", "x2"]))
    again = read_equation(guess, ["x0", "x1", "x2"])
    np.testing.assert_array_equal(again.evaluate(X), expression.evaluate(X))


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_has_a_spelling_in_pysr(name):
    operands = ["a", "b"][: OPERATORS[name].arity]
    expression = parse(f"{name}({', '.join(operands)})", ["a", "b"])
    guess = pysr_guess(law_of(expression, ["a", "b"]))
    X = np.array([[0.3, 0.7, 0.9], [1.5, 0.4, 2.0]])
    again = read_equation(guess, ["a", "b"])
    np.testing.assert_allclose(again.evaluate(X), expression.evaluate(X), rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "guess"),
    [
        ("2.5*a**2 + cos(b)", "(2.5 * square(a)) + cos(b)"),
        ("-a", "neg(a)"),
        ("a - b - 1/3", "(a - b) - 0.3333333333333333"),
        ("a**(3/2)", "a ^ 1.5"),
        ("-1.5", "-1.5"),
        ("a", "a"),
    ],
)
def test_guesses_as_pysr_writes_them(formula, guess):
    assert pysr_guess(law_of(parse(formula, ["a", "b"]), ["a", "b"])) == guess


def test_guesses_of_a_front(run):
    front = bm.Front.from_pysr(run, DATA)
    guesses = front.to_pysr_guesses(operators=["+", "*", "cos"], names=["u", "v"])
    assert len(guesses) == 4
    assert "square" not in "".join(guesses)
    assert "(u * u)" in guesses[2]
    assert front.to_pysr_guesses(operators=["*", "square"], names=["u", "v"])[-1].startswith("square(u)")
    assert len(front.to_pysr_guesses(operators=["*", "square"])) == 3  # without + there is no sum


def test_names_that_pysr_does_not_take_are_refused(run):
    data = bm.Dataset.from_arrays(X, Y, names=["length", "v/c"], target="y")
    front = bm.Front.from_pysr(run, data)
    with pytest.raises(ConfigError, match=r"column 'v/c' has a name that PySR does not take; give names"):
        front.to_pysr_guesses()
    assert "cos(x1)" in front.to_pysr_guesses(names=["x0", "x1"])[-1]
    with pytest.raises(ConfigError, match="2 features, 1 names"):
        front.to_pysr_guesses(names=["x0"])
