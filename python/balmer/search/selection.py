"""How laws are compared: description length, BIC and AIC, all in nats and all the smaller the better.

The description length follows Bartlett, Desmond and Ferreira, "Exhaustive symbolic regression" (arXiv:2211.11461,
eq. 7): the data given the law, the structure at the price of choosing each of its symbols, each fitted constant at
the number of digits that the data fix, and at no less than BIC's log(n)/2. Where the measurement errors are unknown
their size is one more constant that takes its most likely value. Losses other than the squared stand for the
likelihoods of `likelihood.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression
from balmer.expressions.literals import known_number, known_numbers
from balmer.expressions.operators import CONSTANT, LITERAL
from balmer.search.likelihood import likelihood

__all__ = ["Score", "score"]


@dataclass(frozen=True)
class Score:
    """Criteria of one law, in nats (AIC and BIC as usual in twice that), up to a constant of the data set."""

    description_length: float
    bic: float
    aic: float


def score(expression: Expression, loss: float, normal: NDArray[np.float64], problem: Problem) -> Score:
    """Criteria of a fitted formula.

    Parameters
    ----------
    loss : float
        The loss of the problem at the fitted constants.
    normal : float64 array, shape (n_constants, n_constants)
        Half its second derivative by the constants: J^T W J for the squared loss.
    """
    n = problem.n_effective
    k = expression.n_constants
    if not math.isfinite(loss):
        return Score(math.inf, math.inf, math.inf)
    # Below the rounding of the table there is no information in a smaller loss.
    found = likelihood(max(loss, problem.measure.floor_of(expression, loss)), problem)
    twice_nll = found.twice_nll
    with np.errstate(all="ignore"):
        information = n * np.diag(normal) / (0.5 * found.tau)
    if not found.scale_is_known:
        k += 1
    cost = _structure(expression, problem)
    for value, fisher in zip(expression.constants, information, strict=False):
        cost += _digits(float(value), float(fisher), n)
    if not found.scale_is_known:
        cost += 0.5 * math.log(n)
    return Score(0.5 * twice_nll + cost, twice_nll + k * math.log(n), twice_nll + 2 * k)


def _digits(value: float, fisher: float, n: float) -> float:
    """Nats to write a constant to the precision that the data give it; at least its sign, and what BIC asks for one.

    A constant that is 2 or 3 of its errors from zero has hardly any digits, but was chosen among all those that
    other formulas would have had: a search through thousands finds one in any noise.
    """
    least = 0.5 * math.log(n)
    if not (fisher > 0 and math.isfinite(fisher)) or value == 0.0:
        return least + math.log(2)
    return max(0.5 * math.log(fisher / 3.0) + math.log(abs(value)), least) + math.log(2)


def _structure(expression: Expression, problem: Problem) -> float:
    """Nats to choose every symbol among those that the search may use, and to write the exact numbers."""
    symbols = (
        len(problem.space.operators) + len(problem.space.custom_operators) + problem.dataset.n_features + 2
    )
    cost = len(expression) * math.log(symbols)
    for op, _, value in expression:
        if op == LITERAL:
            cost += _whole_number_cost(value)
        assert op != CONSTANT or math.isfinite(value)
    return cost


def _whole_number_cost(value: float) -> float:
    known = known_number(value)
    ratio = known.fraction if known else Fraction(value).limit_denominator(1000)
    which = math.log(1 + len(known_numbers())) if known and not known.is_rational else 0.0
    return math.log(1 + abs(ratio.numerator)) + math.log(ratio.denominator) + which
