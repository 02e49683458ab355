"""How sharply the loss fixes the constants of a law: its curvature, and how much its slope scatters.

The constants theta minimise L = sum_i rho_i(f_i(theta)). With J_i the derivatives of the prediction of row i by the
constants, the curvature is A = 1/2 sum_i rho_i'' J_i J_i^T, and the estimate scatters by the sandwich

    covariance = A^-1 B A^-1,   B = sum_i (rho_i'/2)^2 / (1 - h_i)^p J_i J_i^T,   h_i = 1/2 rho_i'' J_i^T A^-1 J_i,

whatever the distribution of the residuals is, row by row (P. J. Huber, Proc. 5th Berkeley Symp. 1 (1967) 221). The
leverage h_i makes up for what the fit takes from the residual of its own row: p = 1 is right for residuals of one size
(HC2), p = 2 is what leaving out one row after the other gives (HC3; both in J. G. MacKinnon and H. White,
J. Econometrics 29 (1985) 305). Event weights stand in rho, so that their squares stand in B, as they must.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression
from balmer.kernels import Fit, evaluate, fit, losses

__all__ = ["curvature", "jacobian", "sandwich"]

Floats = NDArray[np.float64]
_TO_SIGMA = 1.4826  # median of absolute residuals to a standard deviation, of a normal distribution
_HALF_AN_ERROR = 0.5  # of a constant, by which a function of the user's is probed, which may have kinks
_PART_OF_AN_ERROR = 0.05  # by which a likelihood is, which has none
_SMALL = 1e-6  # relative change where residuals are zero
_STEP = 1e-5  # of the change of a constant that moves the predictions by their spread
_LEAST_FREEDOM = 1e-3  # of a row, 1 - h: a row that the fit passes through has no residual to speak of


def curvature(found: Fit, problem: Problem) -> Floats:
    """Half the second derivative A of the loss by the constants, shape (n_constants, n_constants).

    Second derivatives of the formula itself are left out (Gauss-Newton): for the squared loss A is J^T W J. For other
    losses of a row see `_bend`. For a function of the user's, or a declared likelihood, A is half of the loss's second
    differences.
    """
    expression, k = found.expression, found.expression.n_constants
    if problem.measure.kind == "squared" or k == 0 or not np.isfinite(found.loss):
        return found.normal
    if problem.measure.kind == "function" or problem.measure.is_likelihood:
        return _second_differences(found, problem)
    bend = _bend(evaluate(expression, problem.X), problem)
    normal = _products(expression, problem, np.maximum(bend, 0.0))
    if np.any(bend < 0):
        normal = normal - _products(expression, problem, np.maximum(-bend, 0.0))
    return normal


def sandwich(expression: Expression, inverse: Floats, problem: Problem, power: float = 2.0) -> Floats:
    """Covariance of the constants, A^-1 B A^-1, shape (n_constants, n_constants); not for a function of the user's.

    Parameters
    ----------
    inverse : the inverse of the `curvature`.
    power : p, with which the leverages count.
    """
    prediction = evaluate(expression, problem.X)
    J = jacobian(expression, problem)
    if problem.measure.kind == "squared":
        bend = problem.signed_weights
        slope = bend * (prediction - problem.y)
    else:
        bend = _bend(prediction, problem)
        with np.errstate(all="ignore"):
            slope = np.nan_to_num(
                0.5 * problem.measure.slope_of_rows(prediction), nan=0.0, posinf=0.0, neginf=0.0
            )
    leverage = bend * np.einsum("in,ij,jn->n", J, inverse, J)
    slope = slope / np.maximum(1.0 - leverage, _LEAST_FREEDOM) ** (0.5 * power)
    if problem.row_scale is not None and problem.measure.kind == "squared":
        slope = bend * problem.row_scale  # what is known of the residuals says more than they themselves
    with np.errstate(all="ignore"):
        pull = inverse @ (J * slope)
        covariance: Floats = pull @ pull.T
    return covariance


def jacobian(expression: Expression, problem: Problem) -> Floats:
    """Derivatives of the predictions by the constants, shape (n_constants, n_rows), by central differences.

    Each constant is moved by what changes the predictions by a 10^-5 of their size; a row in which the formula has no
    value on either side does not count.
    """
    theta, n = expression.constants, len(problem.y)
    unweighted = np.full(n, 1.0 / n)
    size = float(np.sqrt(np.mean(np.square(evaluate(expression, problem.X)))))
    with np.errstate(all="ignore"):
        moves = size / np.sqrt(np.diag(fit(expression, problem.X, problem.y, unweighted, max_steps=1).normal))
    least = 1e-12 * np.maximum(np.abs(theta), 1e-300)
    steps = np.where(
        np.isfinite(moves),
        np.maximum(_STEP * moves, least),
        _SMALL * np.where(theta == 0, 1.0, np.abs(theta)),
    )
    J = np.empty((len(theta), n))
    for k, step in enumerate(steps):
        above, below = theta.copy(), theta.copy()
        above[k] += step
        below[k] -= step
        high, low = (evaluate(expression.with_constants(t), problem.X) for t in (above, below))
        with np.errstate(all="ignore"):
            J[k] = (high - low) / (above[k] - below[k])
    return np.nan_to_num(J, nan=0.0, posinf=0.0, neginf=0.0)


def _bend(prediction: Floats, problem: Problem) -> Floats:
    """Half the second derivative of what each row adds to the loss by its prediction, shape (n_rows,).

    It is a second difference over a step that is a fraction n^(-1/5) of the size of the residuals, which has a value
    for kinks too: for the absolute loss it estimates the density of the residuals at zero.
    """
    measure = problem.measure
    residual = np.abs(prediction - problem.y)
    with np.errstate(all="ignore"):
        step = _TO_SIGMA * float(np.median(residual)) * len(residual) ** -0.2
        step = max(step, _SMALL * float(np.abs(problem.y).max()), 1e-300)
        here = measure.of_rows(prediction)
        beside = measure.of_rows(prediction + step) + measure.of_rows(prediction - step)
        second = (beside - 2 * here) / (2 * step**2)
        found: Floats = np.nan_to_num(second, nan=0.0, posinf=0.0, neginf=0.0)
        return found


def _products(expression: Expression, problem: Problem, factors: Floats) -> Floats:
    """Sum over the rows of factor times the products of the derivatives by the constants."""
    return fit(expression, problem.X, problem.y, factors, max_steps=1).normal


def _second_differences(found: Fit, problem: Problem) -> Floats:
    part = _PART_OF_AN_ERROR if problem.measure.is_likelihood else _HALF_AN_ERROR
    expression, theta = found.expression, found.expression.constants
    k, n = len(theta), len(problem.y)
    squares = fit(expression, problem.X, problem.y, problem.weights, max_steps=1)
    with np.errstate(all="ignore"):
        error = np.sqrt(squares.loss / (n * np.diag(squares.normal)))
    step = np.where(np.isfinite(error), part * error, 0.0)
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
        with np.errstate(all="ignore"):
            bend[i, j] = bend[j, i] = (a - b - c + d) / (8 * step[i] * step[j])
    return bend
