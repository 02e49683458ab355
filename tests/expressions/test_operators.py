"""Each entry of the operator table agrees with itself: values, derivatives, sympy form, unit rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

from balmer.expressions import OPERATORS, Operator, operator_name
from balmer.expressions.operators import N_OPCODES, OPERATORS_BY_CODE, UnitRule, operator

# What the kernel sources may call besides math, by its meaning.
KERNEL_NAMES = {
    "math": math,
    "abs": abs,
    "power": math.pow,
    "power_da": lambda a, b: b * math.pow(a, b - 1),
    "power_db": lambda a, v: v * math.log(a),
    "minimum": min,
    "maximum": max,
    "cube_root": np.cbrt,
    "log_exp_m1": lambda a: math.log(math.expm1(a)),
    "log_1m_exp": lambda a: math.log(-math.expm1(-a)),
}
KERNEL_NAMES |= {f"fast_{name}": function for name, function in vars(math).items() if callable(function)}
# Where an operator is smooth and real; elsewhere (-3, 3).
DOMAINS = {
    "pow": [(0.2, 3), (-2, 2)], "sqrt": [(0.1, 3)], "log": [(0.1, 3)], "log1p": [(-0.9, 3)],
    "logexpm1": [(0.1, 5)], "log1mexp": [(0.1, 5)], "asin": [(-0.95, 0.95)], "acos": [(-0.95, 0.95)],
    "tan": [(-1.3, 1.3)], "inv": [(0.3, 3)], "div": [(-3, 3), (0.3, 3)], "cbrt": [(0.1, 3)],
}  # fmt: skip


def points(entry: Operator, n: int = 30) -> NDArray[np.float64]:
    """Arguments inside the domain, shape (arity, n)."""
    rng = np.random.default_rng(entry.code)
    domain = DOMAINS.get(entry.name, [(-3, 3)] * entry.arity)
    return np.array([rng.uniform(low, high, n) for low, high in domain])


def source_value(source: str, entry: Operator, arguments: NDArray[np.float64]) -> list[float]:
    values = entry.numpy(*arguments)
    code = compile(source, entry.name, "eval")
    return [
        eval(code, KERNEL_NAMES | dict(zip("ab", row, strict=False)) | {"v": v})  # noqa: S307
        for row, v in zip(arguments.T, values, strict=True)
    ]


@pytest.mark.parametrize("entry", OPERATORS.values(), ids=OPERATORS)
def test_kernel_source_is_the_numpy_form(entry: Operator) -> None:
    arguments = points(entry)
    np.testing.assert_allclose(
        source_value(entry.kernel, entry, arguments), entry.numpy(*arguments), rtol=1e-12
    )


@pytest.mark.parametrize("entry", OPERATORS.values(), ids=OPERATORS)
def test_derivative_source_is_the_finite_difference(entry: Operator) -> None:
    arguments = points(entry)
    step = 1e-5
    for k, partial in enumerate(entry.partials):
        up, down = arguments.copy(), arguments.copy()
        up[k] += step
        down[k] -= step
        difference = (entry.numpy(*up) - entry.numpy(*down)) / (2 * step)
        np.testing.assert_allclose(source_value(partial, entry, arguments), difference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("entry", OPERATORS.values(), ids=OPERATORS)
def test_sympy_form_is_the_numpy_form(entry: Operator) -> None:
    symbols = sympy.symbols("a b", real=True)[: entry.arity]
    function = sympy.lambdify(symbols, entry.sympy(*symbols), "numpy")
    arguments = points(entry)
    np.testing.assert_allclose(function(*arguments), entry.numpy(*arguments), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["log", "sqrt", "log1p", "logexpm1", "log1mexp"])
def test_no_value_left_of_the_domain(name: str) -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(OPERATORS[name].numpy(np.array([-2.0]))).all()


def test_cube_root_is_real_for_negative_arguments() -> None:
    assert OPERATORS["cbrt"].numpy(-8.0) == -2.0
    assert OPERATORS["cbrt"].sympy(sympy.Integer(-8)) == -2


def test_safe_logarithms_neither_overflow_nor_cancel() -> None:
    assert OPERATORS["logexpm1"].numpy(1000.0) == 1000.0
    assert OPERATORS["logexpm1"].numpy(1e-20) == pytest.approx(math.log(1e-20), rel=1e-15)
    assert OPERATORS["log1mexp"].numpy(1e-20) == pytest.approx(math.log(1e-20), rel=1e-15)
    assert OPERATORS["log1mexp"].numpy(40.0) == pytest.approx(-math.exp(-40.0), rel=1e-14)


@pytest.mark.parametrize(
    "entry", [e for e in OPERATORS.values() if e.unit_rule == UnitRule.POWER], ids=lambda e: e.name
)
def test_a_power_rule_says_how_the_operator_scales(entry: Operator) -> None:
    x, scale = np.array([0.7, 2.0, 5.0]), 3.7
    np.testing.assert_allclose(entry.numpy(scale * x), scale ** float(entry.power) * entry.numpy(x))


@pytest.mark.parametrize("entry", [e for e in OPERATORS.values() if e.commutative], ids=lambda e: e.name)
def test_commutative_means_it(entry: Operator) -> None:
    a, b = points(entry)
    np.testing.assert_array_equal(entry.numpy(a, b), entry.numpy(b, a))


def test_names_symbols_and_codes_are_unambiguous() -> None:
    assert len(OPERATORS_BY_CODE) == len(OPERATORS) == N_OPCODES - 3
    assert operator("+") is operator("add")
    assert operator("**") is operator("^") is operator("pow")
    assert operator_name("/") == "div"
    with pytest.raises(ValueError, match="no operator 'sine': did you mean sin"):
        operator_name("sine")
