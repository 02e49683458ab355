"""The one table of operators: everything that knows an operator learns it here.

An entry says how the operator is written, what it means (NumPy), how it differentiates (the kernel source
from which `balmer.kernels.generate` writes the compiled loops), how sympy and Julia call it and what it does
to dimensions. Adding an operator is one entry and one run of ``python -m balmer.kernels.generate``.

Domains are those of real analysis: where a function has no real value it is NaN, never the function of an
absolute value.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from balmer.errors import ConfigError

__all__ = [
    "CONSTANT",
    "LITERAL",
    "N_OPCODES",
    "OPERATORS",
    "OPERATORS_BY_CODE",
    "VARIABLE",
    "Operator",
    "UnitRule",
    "operator",
    "operator_name",
]

# Leaves. A CONSTANT is a free number that a fit may change; a LITERAL is exact and stays as it is.
CONSTANT = 0
LITERAL = 1
VARIABLE = 2
_FIRST_OPERATOR = 3


class UnitRule(IntEnum):
    """What an operator asks of the dimensions of its arguments, and gives back."""

    SAME = 0  # all arguments share one dimension, which is also the result's
    PRODUCT = 1  # exponents add
    QUOTIENT = 2  # exponents subtract
    POWER = 3  # exponents are multiplied by the operator's rational `power`
    POW = 4  # exponents are multiplied by the (dimensionless) second argument
    PURE = 5  # dimensionless in, dimensionless out


@dataclass(frozen=True)
class Operator:
    """One entry of the table.

    ``kernel`` is the scalar source of the value in terms of the arguments ``a`` and ``b``; ``partials`` are
    the derivatives with respect to them, in which ``v`` also stands for the value. ``julia`` is the Julia function
    of the same meaning: one of Julia's own, or of `julia/functions.jl` where Julia's own throws.
    """

    name: str
    arity: int
    code: int
    numpy: Callable[..., Any]
    kernel: str
    partials: tuple[str, ...]
    sympy: Callable[..., Any]
    julia: str
    unit_rule: UnitRule
    power: Fraction = Fraction(1)
    symbol: str | None = None
    commutative: bool = False
    far: tuple[tuple[str, str], ...] = ()
    description: str = ""


def operator(name: str) -> Operator:
    """The operator of that name or symbol (``"add"`` and ``"+"`` are the same).

    Raises
    ------
    KeyError
        If there is none; callers turn this into a sentence about their own option.
    """
    return OPERATORS[_BY_SYMBOL.get(name, name)]


def operator_name(name: str) -> str:
    """The table's name of an operator given by name or symbol.

    Raises
    ------
    ConfigError
        If there is none, with the nearest that exist.
    """
    try:
        return operator(name).name
    except KeyError:
        known = [op.name for op in OPERATORS.values()] + [op.symbol for op in OPERATORS.values() if op.symbol]
        near = difflib.get_close_matches(name, known, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {' '.join(known)}"
        raise ConfigError(f"there is no operator {name!r}: {hint}") from None


def _safe_logexpm1(x: Any) -> Any:
    x = np.asarray(x, dtype=float)
    with np.errstate(all="ignore"):
        return np.where(
            x > 0, x + np.log(-np.expm1(-np.where(x > 0, x, 1.0))), np.where(x == 0, -np.inf, np.nan)
        )


def _safe_log1mexp(x: Any) -> Any:
    x = np.asarray(x, dtype=float)
    with np.errstate(all="ignore"):
        safe = np.where(x > 0, x, 1.0)
        value = np.where(safe < np.log(2), np.log(-np.expm1(-safe)), np.log1p(-np.exp(-safe)))
        return np.where(x > 0, value, np.where(x == 0, -np.inf, np.nan))


def _sympy(name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        import sympy  # sympy costs a third of a second at import, and most searches start without it

        return getattr(sympy, name)(*arguments)

    return call


def _sympy_cbrt(x: Any) -> Any:
    import sympy

    # The real cube root: sympy's own cbrt is the complex principal one for x < 0.
    x = sympy.sympify(x, strict=True)
    if x.is_nonnegative:
        return x ** sympy.Rational(1, 3)
    return sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3)


def _sympy_log_of(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        import sympy

        return sympy.log(inner(sympy.exp(x)))

    return call


_FAR_ANGLE = (("fast_sin", "math.sin"), ("fast_cos", "math.cos"))


def _table() -> dict[str, Operator]:
    entries: list[Operator] = []

    def add(
        name: str, arity: int, numpy: Callable[..., Any], kernel: str, *partials: str, **more: Any
    ) -> None:
        assert len(partials) == arity
        more.setdefault("julia", name)
        more.setdefault("unit_rule", UnitRule.PURE)
        entries.append(Operator(name, arity, _FIRST_OPERATOR + len(entries), numpy, kernel, partials, **more))

    same, power = UnitRule.SAME, UnitRule.POWER
    half, third = Fraction(1, 2), Fraction(1, 3)

    add("add", 2, np.add, "a + b", "1.0", "1.0", sympy=lambda a, b: a + b, julia="+", unit_rule=same,
        symbol="+", commutative=True)  # fmt: skip
    add("sub", 2, np.subtract, "a - b", "1.0", "-1.0", sympy=lambda a, b: a - b, julia="-", unit_rule=same,
        symbol="-")  # fmt: skip
    add("mul", 2, np.multiply, "a * b", "b", "a", sympy=lambda a, b: a * b, julia="*",
        unit_rule=UnitRule.PRODUCT, symbol="*", commutative=True)  # fmt: skip
    add("div", 2, np.divide, "a / b", "1.0 / b", "-v / b", sympy=lambda a, b: a / b, julia="/",
        unit_rule=UnitRule.QUOTIENT, symbol="/")  # fmt: skip
    add("pow", 2, np.power, "power(a, b)", "power_da(a, b)", "power_db(a, v)", sympy=lambda a, b: a**b,
        julia="power", unit_rule=UnitRule.POW, symbol="^",
        description="NaN where a < 0 and b is no integer")  # fmt: skip
    add("min", 2, np.minimum, "minimum(a, b)", "(1.0 if a <= b else 0.0)", "(0.0 if a <= b else 1.0)",
        sympy=_sympy("Min"), unit_rule=same, commutative=True)  # fmt: skip
    add("max", 2, np.maximum, "maximum(a, b)", "(1.0 if a >= b else 0.0)", "(0.0 if a >= b else 1.0)",
        sympy=_sympy("Max"), unit_rule=same, commutative=True)  # fmt: skip
    add("neg", 1, np.negative, "-a", "-1.0", sympy=lambda a: -a, julia="-", unit_rule=power)
    add("abs", 1, np.abs, "abs(a)", "(1.0 if a >= 0.0 else -1.0)", sympy=_sympy("Abs"), unit_rule=power)
    add("inv", 1, np.reciprocal, "1.0 / a", "-v * v", sympy=lambda a: 1 / a, unit_rule=power,
        power=Fraction(-1))  # fmt: skip
    add("square", 1, np.square, "a * a", "2.0 * a", sympy=lambda a: a**2, unit_rule=power, power=Fraction(2))
    add("cube", 1, lambda a: a * a * a, "a * a * a", "3.0 * a * a", sympy=lambda a: a**3, unit_rule=power,
        power=Fraction(3))  # fmt: skip
    add("sqrt", 1, np.sqrt, "math.sqrt(a)", "0.5 / v", sympy=_sympy("sqrt"), julia="real_sqrt",
        unit_rule=power, power=half)  # fmt: skip
    add("cbrt", 1, np.cbrt, "cube_root(a)", "1.0 / (3.0 * v * v)", sympy=_sympy_cbrt, unit_rule=power,
        power=third, description="real for negative arguments too")  # fmt: skip
    add("exp", 1, np.exp, "fast_exp(a)", "v", sympy=_sympy("exp"))
    add("log", 1, np.log, "fast_log(a)", "1.0 / a", sympy=_sympy("log"), julia="real_log")
    add("expm1", 1, np.expm1, "fast_expm1(a)", "v + 1.0", sympy=lambda a: _sympy("exp")(a) - 1)
    add("log1p", 1, np.log1p, "fast_log1p(a)", "1.0 / (1.0 + a)", sympy=lambda a: _sympy("log")(1 + a),
        julia="real_log1p")  # fmt: skip
    add("logexpm1", 1, _safe_logexpm1, "log_exp_m1(a)", "-1.0 / fast_expm1(-a)",
        sympy=_sympy_log_of(lambda e: e - 1), description="log(exp(x) - 1) without overflow")  # fmt: skip
    add("log1mexp", 1, _safe_log1mexp, "log_1m_exp(a)", "1.0 / fast_expm1(a)",
        sympy=_sympy_log_of(lambda e: 1 - 1 / e),
        description="log(1 - exp(-x)) without cancellation")  # fmt: skip
    add("sin", 1, np.sin, "fast_sin(a)", "fast_cos(a)", far=_FAR_ANGLE, sympy=_sympy("sin"),
        julia="real_sin")  # fmt: skip
    add("cos", 1, np.cos, "fast_cos(a)", "-fast_sin(a)", far=_FAR_ANGLE, sympy=_sympy("cos"),
        julia="real_cos")  # fmt: skip
    add("tan", 1, np.tan, "math.tan(a)", "1.0 + v * v", sympy=_sympy("tan"), julia="real_tan")
    add("asin", 1, np.arcsin, "math.asin(a)", "1.0 / math.sqrt(1.0 - a * a)", sympy=_sympy("asin"),
        julia="real_asin")  # fmt: skip
    add("acos", 1, np.arccos, "math.acos(a)", "-1.0 / math.sqrt(1.0 - a * a)", sympy=_sympy("acos"),
        julia="real_acos")  # fmt: skip
    add("atan", 1, np.arctan, "math.atan(a)", "1.0 / (1.0 + a * a)", sympy=_sympy("atan"))
    add("sinh", 1, np.sinh, "math.sinh(a)", "math.cosh(a)", sympy=_sympy("sinh"))
    add("cosh", 1, np.cosh, "math.cosh(a)", "math.sinh(a)", sympy=_sympy("cosh"))
    add("tanh", 1, np.tanh, "fast_tanh(a)", "1.0 - v * v", sympy=_sympy("tanh"))
    return {entry.name: entry for entry in entries}


OPERATORS: Mapping[str, Operator] = MappingProxyType(_table())
OPERATORS_BY_CODE: Mapping[int, Operator] = MappingProxyType({op.code: op for op in OPERATORS.values()})
N_OPCODES = _FIRST_OPERATOR + len(OPERATORS)
_BY_SYMBOL: Mapping[str, str] = MappingProxyType(
    {op.symbol: op.name for op in OPERATORS.values() if op.symbol} | {"**": "pow"}
)
