"""How sharply the loss fixes the constants of a law: its curvature, and how much its slope scatters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression
from balmer.kernels import Fit, evaluate, fit, losses

__all__ = ["curvature"]

Floats = NDArray[np.float64]
_TO_SIGMA = 1.4826  # median of absolute residuals to a standard deviation, of a normal distribution
_HALF_AN_ERROR = 0.5  # of a constant, by which a function of the user's is probed
_SMALL = 1e-6  # relative change where residuals are zero


def curvature(found: Fit, problem: Problem) -> tuple[Floats, Floats | None]:
    """Half the second derivative A of the loss by the constants, and a quarter of the covariance B of its gradient.

    Both of shape (n_constants, n_constants); second derivatives of the formula itself are left out (Gauss-Newton).
    For the squared loss A is J^T W J, and B is None because it is known: A/n times the variance of the residuals.
    For other losses of a row, A takes their second differences over a step that is a fraction n^(-1/5) of the size of
    the residuals, which has a value for kinks as that of the absolute loss too, where it estimates the density of the
    residuals at zero. For a function of the user's A is half of its second differences, and B is None because
    it is not known.
    """
    expression, k = found.expression, found.expression.n_constants
    if problem.measure.kind == "squared" or k == 0 or not np.isfinite(found.loss):
        return found.normal, None
    if problem.measure.kind == "function":
        return _of_function(found, problem), None
    prediction = evaluate(expression, problem.X)
    measure = problem.measure
    residual = np.abs(prediction - problem.y)
    with np.errstate(all="ignore"):
        step = _TO_SIGMA * float(np.median(residual)) * len(residual) ** -0.2
        step = max(step, _SMALL * float(np.abs(problem.y).max()), 1e-300)
        here = measure.of_rows(prediction)
        beside = measure.of_rows(prediction + step) + measure.of_rows(prediction - step)
        second = np.nan_to_num((beside - 2 * here) / (2 * step**2), nan=0.0, posinf=0.0, neginf=0.0)
        slope = np.nan_to_num(0.5 * measure.slope_of_rows(prediction), nan=0.0, posinf=0.0, neginf=0.0)
    bend = _products(expression, problem, np.maximum(second, 0.0))
    if np.any(second < 0):
        bend = bend - _products(expression, problem, np.maximum(-second, 0.0))
    return bend, _products(expression, problem, slope**2)


def _products(expression: Expression, problem: Problem, factors: Floats) -> Floats:
    """Sum over the rows of factor times the products of the derivatives by the constants."""
    return fit(expression, problem.X, problem.y, factors, max_steps=1).normal


def _of_function(found: Fit, problem: Problem) -> Floats:
    expression, theta = found.expression, found.expression.constants
    k, n = len(theta), len(problem.y)
    squares = fit(expression, problem.X, problem.y, problem.weights, max_steps=1)
    with np.errstate(all="ignore"):
        error = np.sqrt(squares.loss / (n * np.diag(squares.normal)))
    step = np.where(np.isfinite(error), _HALF_AN_ERROR * error, 0.0)
    step = np.maximum(step, _SMALL * np.where(theta == 0.0, 1.0, np.abs(theta)))
    moves = [
        (i, j, s * np.eye(k)[i] + t * np.eye(k)[j])
        for i in range(k)
        for j in range(i + 1)
        for s in (1, -1)
        for t in (1, -1)
    ]
    values = losses(
        [expression.with_constants(theta + move * step) for _, _, move in moves],
        problem.columns, problem.y, problem.weights, loss=problem.loss,
    )  # fmt: skip
    bend = np.zeros((k, k))
    for (i, j, _), (a, b, c, d) in zip(moves[::4], values.reshape(-1, 4), strict=True):
        bend[i, j] = bend[j, i] = (a - b - c + d) / (8 * step[i] * step[j])
    return bend
