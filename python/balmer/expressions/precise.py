"""What a formula is in exact arithmetic: evaluated with so many digits that cancellation costs none that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.expressions.expression import Expression
from balmer.expressions.operators import OPERATORS_BY_CODE, VARIABLE

__all__ = ["precisely"]

_DIGITS = 60
_BEYOND = 10_000  # exponents far outside float64, whose exponential need not be computed


def precisely(expression: Expression, X: ArrayLike, digits: int = _DIGITS) -> NDArray[np.float64]:
    """Values of a formula computed with many digits, rounded to float64 at the end.

    Far slower than `Expression.evaluate`: meant for a few dozen rows.

    Parameters
    ----------
    X : float array, shape (n_features, n_rows)
    digits : decimal digits of every step.

    Returns
    -------
    float64 array, shape (n_rows,); NaN where the formula has no real value.
    """
    import mpmath  # comes with sympy, and like that is imported when it is needed

    data = np.asarray(X, dtype=np.float64)
    meaning = _meaning()
    result = np.empty(data.shape[1])
    with mpmath.workdps(digits):
        for row, x in enumerate(data.T):
            result[row] = float(_at(expression, x, meaning))
    return result


def _at(expression: Expression, x: NDArray[np.float64], meaning: Mapping[str, Callable[..., Any]]) -> Any:
    """The value at one row."""
    import mpmath

    def leaf(i: int) -> Any:
        is_feature = expression.ops[i] == VARIABLE
        return mpmath.mpf(float(x[expression.args[i]] if is_feature else expression.values[i]))

    return expression.fold(
        leaf, lambda i, below: _applied(meaning[OPERATORS_BY_CODE[int(expression.ops[i])].name], below)
    )


def _applied(function: Callable[..., Any], operands: list[Any]) -> Any:
    import mpmath

    if any(mpmath.isnan(operand) for operand in operands):
        return mpmath.nan
    try:
        value = function(*operands)
    except (ZeroDivisionError, ValueError, OverflowError):
        return mpmath.nan
    return mpmath.nan if isinstance(value, mpmath.mpc) else value


@cache
def _meaning() -> Mapping[str, Callable[..., Any]]:
    """Every operator of the table, of mpmath numbers that are not NaN."""
    import mpmath as mp

    def exp(a: Any) -> Any:
        if a > _BEYOND:
            return mp.inf
        return mp.mpf(0) if a < -_BEYOND else mp.exp(a)

    def expm1(a: Any) -> Any:
        return mp.expm1(a) if abs(a) < 1 else exp(a) - 1

    def log(a: Any) -> Any:
        return mp.nan if a < 0 else mp.log(a) if a else -mp.inf

    def power(a: Any, b: Any) -> Any:
        if b == 0 or a == 1:
            return mp.mpf(1)
        if a == 0:
            return mp.mpf(0) if b > 0 else mp.inf
        if a < 0 and b != mp.floor(b):
            return mp.nan
        size = exp(b * log(abs(a)))
        return -size if a < 0 and mp.floor(b / 2) * 2 != b else size

    def cbrt(a: Any) -> Any:
        return mp.sign(a) * mp.root(abs(a), 3)

    def tanh(a: Any) -> Any:
        return mp.sign(a) if abs(a) > _BEYOND else mp.tanh(a)

    def periodic(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda a: mp.nan if mp.isinf(a) else function(a)

    return {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
        "pow": power, "min": min, "max": max, "neg": lambda a: -a, "abs": abs, "inv": lambda a: 1 / a,
        "square": lambda a: a * a, "cube": lambda a: a * a * a, "cbrt": cbrt,
        "sqrt": lambda a: mp.nan if a < 0 else mp.sqrt(a), "exp": exp, "log": log, "expm1": expm1,
        "log1p": lambda a: log(1 + a),
        "logexpm1": lambda a: a if a > _BEYOND else log(expm1(a)),
        "log1mexp": lambda a: log(-expm1(-a)),
        "sin": periodic(mp.sin), "cos": periodic(mp.cos), "tan": periodic(mp.tan),
        "asin": lambda a: mp.nan if abs(a) > 1 else mp.asin(a),
        "acos": lambda a: mp.nan if abs(a) > 1 else mp.acos(a), "atan": mp.atan,
        "sinh": lambda a: (exp(a) - exp(-a)) / 2, "cosh": lambda a: (exp(a) + exp(-a)) / 2, "tanh": tanh,
    }  # fmt: skip
