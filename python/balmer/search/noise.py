"""Noise that is not of one size: fits with noise relative to the prediction, events of negative weight, and a warning.

Relative noise has the standard deviation s |f_i| in row i, with the prediction f_i and an unknown s. Constants solve
sum_i w_i (y_i - f_i) f_i'/f_i^2 = 0, by weighted least squares whose weights follow the predictions (iteratively
reweighted; R. J. Carroll and D. Ruppert, Transformation and Weighting in Regression (1988), chapter 2). Up to a
constant, twice the negative log-likelihood at the likeliest s is n log L with

    L = exp(2 <log |f/y|>) <(y/f - 1)^2>,

<> being the weighted mean: the mean squared relative residual, and what makes predictions of different size comparable.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from balmer.engines import Problem
from balmer.expressions import Expression
from balmer.kernels import Fit, evaluate, fit
from balmer.search.curvature import jacobian

__all__ = ["fit_relative", "fit_signed", "growth_of_noise"]

Floats = NDArray[np.float64]
_ROUNDS = 30
_CONVERGED = 1e-9  # relative change of the loss
_LEAST = 1e-3  # of the median prediction, below which a prediction gives a row no more weight
_LARGEST_DAMPING = 1e8


def fit_relative(found: Fit, problem: Problem, max_steps: int) -> Fit:
    """Fit on until the weights are those of the predictions; with one step judge the constants as they are."""
    best = _relative(found.expression, problem)
    if max_steps <= 1 or found.expression.n_constants == 0:
        return best
    for _ in range(_ROUNDS):
        weights = _relative_weights(best.expression, problem)
        if not np.all(np.isfinite(weights)):
            return best
        fitted = fit(best.expression, problem.X, problem.y, weights, max_steps=max_steps)
        after = _relative(fitted.expression, problem)
        if not after.loss < best.loss * (1 + 1e-3):
            return best
        done = abs(after.loss - best.loss) <= _CONVERGED * best.loss
        best = after
        if done:
            return best
    return best


def _relative(expression: Expression, problem: Problem) -> Fit:
    prediction = evaluate(expression, problem.X)
    weights = _relative_weights(expression, problem)
    assert problem.row_scale is not None
    trust = problem.square_weights * problem.row_scale**2
    with np.errstate(all="ignore"):
        size = np.exp(2 * np.sum(trust * (np.log(np.abs(prediction)) - np.log(problem.row_scale))))
        loss = float(size * np.sum(weights * (problem.y - prediction) ** 2))
    if not np.isfinite(loss):
        return Fit(expression, np.inf, np.zeros((0, 0)), 0)
    normal = fit(expression, problem.X, problem.y, size * weights, max_steps=1).normal
    return Fit(expression, loss, normal, 0)


def _relative_weights(expression: Expression, problem: Problem) -> Floats:
    assert problem.row_scale is not None
    size = np.abs(evaluate(expression, problem.X))
    size = np.maximum(size, _LEAST * np.median(size))
    with np.errstate(all="ignore"):
        weights: Floats = problem.square_weights * problem.row_scale**2 / size**2
    return weights


def fit_signed(found: Fit, problem: Problem, max_steps: int) -> Fit:
    """Fit on with the signs of event weights, by damped Gauss-Newton steps.

    Where the weighted sum of squares has no minimum there, the fit with the sizes of the weights stays.
    """
    weights = problem.signed_weights
    theta = found.expression.constants
    least = 1e-3 * found.loss  # a sum with negative weights has no scale of its own

    def judged(expression: Expression) -> tuple[float, Floats]:
        residual = problem.y - evaluate(expression, problem.X)
        return float(np.sum(weights * residual**2)), residual

    expression, damping = found.expression, 1e-3
    loss, residual = judged(expression)
    for _ in range(max_steps if len(theta) else 0):
        J = jacobian(expression, problem)
        normal = (J * weights) @ J.T
        scale = np.sqrt(np.abs(np.diag(normal)))
        if not np.all(np.isfinite(normal)) or np.any(scale == 0):
            return found
        curved = normal / np.outer(scale, scale)
        if np.linalg.eigvalsh(curved)[0] <= 0:
            return found
        slope = (J * weights) @ residual / scale
        while damping < _LARGEST_DAMPING:
            step = np.linalg.solve(curved + damping * np.eye(len(theta)), slope) / scale
            after, moved = judged(expression.with_constants(expression.constants + step))
            if after < loss:
                break
            damping *= 10
        else:
            break
        expression = expression.with_constants(expression.constants + step)
        done = loss - after <= 1e-12 * abs(loss)
        loss, residual, damping = after, moved, max(damping / 10, 1e-12)
        if done:
            break
    J = jacobian(expression, problem)
    return replace(found, expression=expression, loss=max(loss, least), normal=(J * weights) @ J.T)


def growth_of_noise(expression: Expression, problem: Problem) -> float:
    """Probability that residuals of one size would grow (or shrink) with the prediction as much as these do.

    The test of T. S. Breusch and A. R. Pagan, Econometrica 47 (1979) 1287, in the form of R. Koenker, J. Econometrics
    17 (1981) 107, which does not ask for normal residuals: squared residuals are regressed on the size of the
    prediction, and n R^2 is compared with chi^2 of one degree of freedom. 1 where it says nothing: there are
    uncertainties, another loss, too few rows, or nothing but rounding is left.
    """
    n = len(problem.y)
    silent = problem.measure.kind != "squared" or problem.row_scale is not None or n < 10
    if silent:
        return 1.0
    prediction = evaluate(expression, problem.X)
    weights = problem.square_weights
    squares = weights * (problem.y - prediction) ** 2
    left = float(squares.sum())
    if not np.isfinite(left) or left <= problem.measure.floor_of(expression, left):
        return 1.0
    size = np.abs(prediction)
    a, b = squares - squares.mean(), size - size.mean()
    spread = np.sum(a**2) * np.sum(b**2)
    if not spread > 0 or not np.isfinite(spread):
        return 1.0
    return float(chdtrc(1, n * np.sum(a * b) ** 2 / spread))
