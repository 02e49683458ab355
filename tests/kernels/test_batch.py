"""Many formulas in one call: values do not depend on how they are batched, cut into blocks or spread over threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from balmer.expressions import apply, constant, literal, parse, variable
from balmer.expressions.operators import OPERATORS_BY_CODE, VARIABLE
from balmer.kernels import Programs, evaluate, evaluate_many, fit_many
from strategies import expressions, rows

NAMES = ["x", "y", "z"]
TEXTS = ["x + 1", "2 - y", "x/3", "3/x", "x*y - z", "exp(x)*sin(y)", "x", "2.5", "sqrt(2)*x", "exp(1.5)", "x**2.5",
         "2.5**x", "(x - y)*(x - y)/(1 + z**2)"]  # fmt: skip


@given(st.lists(expressions(n_features=3, max_leaves=8), min_size=1, max_size=5), rows(3, n_rows=9))
@settings(max_examples=100)
def test_a_formula_has_the_same_values_in_any_company(formulas, X):
    together = evaluate_many(Programs.of(formulas * 8), X)  # as many as are worth pairs of operators
    for formula, values in zip(formulas * 8, together, strict=True):
        np.testing.assert_array_equal(values, evaluate(formula, X))


@pytest.mark.parametrize("n_rows", [1, 7, 255, 256, 257, 16_384, 16_385])
def test_neither_blocks_nor_threads_change_a_bit(n_rows):
    X = np.random.default_rng(0).uniform(0.5, 2, (3, n_rows))
    formulas = [parse(text, NAMES) for text in TEXTS]
    one = evaluate_many(Programs.of(formulas), X)
    np.testing.assert_array_equal(evaluate_many(Programs.of(formulas), X, threads=3), one)
    for formula, values in zip(formulas, one, strict=True):
        # A product is added without rounding it first, which shows where the sum nearly cancels.
        np.testing.assert_allclose(values, formula.evaluate(X), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("n_rows", [1000, 5003])
def test_more_formulas_than_fit_a_cache(n_rows):
    X = np.random.default_rng(1).uniform(0.5, 2, (3, n_rows))
    formulas = [parse(text, NAMES) for text in TEXTS] * 13
    values = evaluate_many(Programs.of(formulas), X)
    alone = [evaluate(formula, X) for formula in formulas[: len(TEXTS)]]
    np.testing.assert_array_equal(values.reshape(13, len(TEXTS), n_rows), [alone] * 13)
    np.testing.assert_array_equal(evaluate_many(Programs.of(formulas), X, threads=3), values)


def test_columns_need_not_lie_together_nor_formulas_exist():
    X = np.random.default_rng(0).uniform(0.5, 2, (50, 3)).T
    formula = parse("x*y - z", NAMES)
    np.testing.assert_allclose(evaluate_many(Programs.of([formula]), X)[0], X[0] * X[1] - X[2], atol=1e-15)
    for threads in (1, 2):
        assert evaluate_many(Programs.of([]), X, threads=threads).shape == (0, 50)
    assert evaluate_many(Programs.of([formula]), X[:, :0]).shape == (1, 0)


def test_results_go_where_they_are_wanted_or_nowhere():
    X = np.ones((1, 5))
    out = np.zeros((1, 5))
    assert evaluate_many(Programs.of([variable(0) + constant(1.0)]), X, out=out) is out
    np.testing.assert_array_equal(out, 2.0)
    with pytest.raises(ValueError, match="out"):
        evaluate_many(Programs.of([variable(0)]), X, out=np.zeros((5, 1)).T[:, ::-1])


def test_float32_is_float64_with_fewer_digits():
    X = np.random.default_rng(0).uniform(0.5, 2, (3, 300)).astype(np.float32)
    programs = Programs.of([parse(text, NAMES) for text in TEXTS])
    found, wanted = evaluate_many(programs, X), evaluate_many(programs, X.astype(float))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


FORMS = [
    "u + v",
    "u - v",
    "v - u",
    "u*v",
    "u/v",
    "v/u",
    "u + 2.5",
    "u - 2.5",
    "2.5 - u",
    "u*2.5",
    "u/2.5",
    "2.5/u",
    "u*u",
]


@pytest.mark.parametrize("first", FORMS)
@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_two_operators_at_once_are_one_after_the_other(first, real):
    X = np.random.default_rng(0).uniform(-2, 2, (3, 700)).astype(real)
    inner = parse(first, ["u", "v"]) if first != "u*u" else apply("square", variable(0))
    formulas = [_put(parse(text, ["u", "v"]), inner) for text in FORMS[:-1]] + [apply("square", inner)]
    together = evaluate_many(Programs.of(formulas), X)
    for formula, values in zip(formulas, together, strict=True):
        np.testing.assert_array_equal(
            values, evaluate_many(Programs.of([formula]), X)[0], err_msg=str(formula)
        )
        with np.errstate(all="ignore"):
            wanted = formula.evaluate(X.astype(float))
        np.testing.assert_allclose(
            values, wanted, rtol=1e3 * np.finfo(real).eps, atol=1e3 * np.finfo(real).eps
        )


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda c: c != 0.0),
)
@settings(max_examples=500)
def test_a_quotient_by_a_number_is_rounded_as_division_is(x, divisor):
    X = np.full((1, 9), x)
    formula = variable(0) / constant(divisor)
    with np.errstate(all="ignore"):
        wanted = X[0] / divisor
    # Near where numbers get coarser, the last bit may differ.
    assume(not 0 < abs(x) < 1e-290 and not 0 < abs(wanted[0]) < 2.3e-308)
    np.testing.assert_array_equal(evaluate(formula, X), wanted)
    with np.errstate(all="ignore"):
        wanted = wanted + X[0]
    np.testing.assert_array_equal(evaluate_many(Programs.of([formula + variable(0)] * 8), X)[0], wanted)


def test_quotients_by_a_number_of_many_numbers():
    x = np.random.default_rng(2).normal(size=200_000)
    for divisor in (3.0, 0.1, np.pi, 1 + 2.0**-52, 2 - 2.0**-52, -7.3e-29, 5e28):
        np.testing.assert_array_equal(evaluate(variable(0) / constant(divisor), x[None]), x / divisor)
        single = x.astype(np.float32)
        by = np.float32(divisor)
        values = evaluate_many(Programs.of([variable(0) / constant(float(by))]), single[None])[0]
        np.testing.assert_array_equal(values, single / by)


def _put(outer, inner):
    """The outer formula with u replaced by the inner one and v by the third feature."""
    nodes = []
    for op, arg, value in outer:
        nodes.append(inner if op == VARIABLE and arg == 0 else variable(2) if op == VARIABLE else (op, value))
    stack = []
    for node in nodes:
        if not isinstance(node, tuple):
            stack.append(node)
        elif node[0] < VARIABLE:
            stack.append(constant(node[1]))
        else:
            operator = OPERATORS_BY_CODE[node[0]]
            operands = [stack.pop() for _ in range(operator.arity)][::-1]
            stack.append(apply(operator.name, *operands))
    return stack[0]


SUMS = ["x*y + z", "x*y - z", "z - x*y", "2*x + z", "x*2 - z", "z - 2*x", "x*y + x*z", "x*y - y*x", "x*y + 1",
        "1 - x*y", "(x*y + z)*(z - x*y)", "(x + 1)*(y + 1) - (z - 1)*2"]  # fmt: skip


@pytest.mark.parametrize("text", SUMS)
def test_products_in_sums(text):
    X = np.random.default_rng(0).uniform(0.5, 2, (3, 300))
    formula = parse(text, NAMES)
    np.testing.assert_allclose(evaluate(formula, X), formula.evaluate(X), rtol=1e-14, atol=1e-15)


def test_powers_with_whole_numbers_are_products():
    x = np.linspace(-3, 3, 101)
    for exponent, product in ((2.0, x * x), (3.0, x * x * x)):
        found = evaluate(apply("pow", variable(0), literal(exponent)), x[None])
        np.testing.assert_array_equal(found, product)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("real", "digits"), [(np.float64, 1e-9), (np.float32, 1e-3)])
def test_fits_of_many_find_the_constants_of_each(threads, real, digits):
    rng = np.random.default_rng(3)
    X = rng.uniform(0.5, 2, (2, 300))
    model = constant(1.0) * apply("exp", constant(0.5) * variable(0)) + constant(0.3) * variable(1)
    y = model.with_constants(np.array([1.7, 0.8, -0.4])).evaluate(X)
    other = parse("x + y", ["x", "y"])
    fitted, losses = fit_many(
        Programs.of([model, other]), X, y, np.full(300, 1 / 300), threads=threads, real=real
    )
    np.testing.assert_allclose(fitted.values[: len(model)][model.ops == 0], [1.7, 0.8, -0.4], rtol=digits)
    assert losses[0] < 1e-8
    assert losses[1] == pytest.approx(np.mean((other.evaluate(X) - y) ** 2), rel=1e-5)
