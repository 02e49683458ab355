"""How much of a formula's value may be rounding: a running error bound, cheap and of first order.

    |error of f(a, b)|  <=  |df/da| error(a) + |df/db| error(b) + u |f(a, b)|

with u the spacing of floats at 1, for features and free constants that are themselves known to one part in 1/u
(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3). What is small everywhere is
certain; what is large need not be wrong, as sqrt(1 - x**2) at x = 1 is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.expressions.derivative import partials
from balmer.expressions.expression import Expression
from balmer.expressions.operators import LITERAL, OPERATORS_BY_CODE, VARIABLE

__all__ = ["rounding"]

Floats = NDArray[np.float64]
_U = float(np.finfo(np.float64).eps)


def rounding(expression: Expression, X: ArrayLike) -> Floats:
    """A bound of the change of a formula when features, constants and every step of it move by one unit of rounding.

    Parameters
    ----------
    X : float array, shape (n_features, n_rows)

    Returns
    -------
    float64 array, shape (n_rows,); infinite where the slope of a step is, or the formula has no value.
    """
    data = np.asarray(X, dtype=np.float64)

    def leaf(i: int) -> tuple[Floats, Floats]:
        if expression.ops[i] == VARIABLE:
            value = data[expression.args[i]]
            return value, _U * np.abs(value)
        number = np.asarray(expression.values[i])
        return number, np.zeros(()) if expression.ops[i] == LITERAL else np.asarray(_U * np.abs(number))

    def node(i: int, below: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
        entry = OPERATORS_BY_CODE[int(expression.ops[i])]
        operands = [value for value, _ in below]
        value = entry.numpy(*operands)
        error = _U * np.abs(value)
        stacked = np.array(np.broadcast_arrays(*operands)).reshape(entry.arity, -1)
        for slope, (_, inner) in zip(partials(entry.name), below, strict=True):
            if np.any(inner):
                steep = np.abs(slope.evaluate(stacked)).reshape(np.shape(value))
                error = error + np.where(inner == 0.0, 0.0, steep * inner)
        return value, error

    with np.errstate(all="ignore"):
        _, error = expression.fold(leaf, node)
    found: Floats = np.broadcast_to(error, data.shape[1:]).astype(np.float64)
    return np.where(np.isnan(found), np.inf, found)
