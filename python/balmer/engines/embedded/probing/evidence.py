"""A Gaussian process in compiled code: its evidence with gradient, its errors on left-out rows, its fit by L-BFGS.

The covariance of rows i and j is `constant + sum_c a_c^2 f_ci f_cj exp(-sum_k (z_ki - z_kj)^2 / (2 l_k^2))`, plus
`(s^2 + RESOLUTION^2) noise_i` where i = j. The parameters theta are, term by term, log a and its log l, then log s.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.probing.lapack import invert
from balmer.kernels.elementary import fast_exp
from balmer.kernels.jit import entry_jit, jit, loops_jit

__all__ = ["NATS", "RESOLUTION", "Rows", "fit", "mean_and_slope", "shortfall"]

RESOLUTION = 1e-3
"""Violations much smaller than this part of the target's spread are none: the least noise a surrogate assumes."""

NATS = 4.0
"""Least standard error of a difference of log predictive densities: fitted parameters move it by as much."""

Floats = NDArray[np.float64]

_HOPELESS, _PATIENCE = 30.0, 4
_MEMORY = 8  # steps from which L-BFGS knows the curvature
_LARGEST = 40.0  # |theta| beyond which exp(2 theta) says nothing
_PRIOR_WIDTH = 2.0
_NOISE_WIDTH, _NOISE_CENTRE = 10.0, -5.0

Rows = namedtuple("Rows", "Z sizes factors y noise constant")
"""What a surrogate is of: Z (n_inputs, n_rows), all terms' inputs one after another; sizes (n_terms,), how many each
has; factors (n_terms, n_rows); y and noise, each row's target and relative variance, (n_rows,); the constant term."""


@entry_jit
def fit(
    rows: Rows, theta: Floats, iterations: int, rival: Floats, enough: float, potrf: int, potri: int
) -> tuple[Floats, float, Floats, Floats, Floats]:
    """Maximise the evidence under wide priors (Rasmussen and Williams 2006, eqs. 2.30, 5.9) by L-BFGS.

    Parameters
    ----------
    rows : `Rows`.
    theta : where to begin.
    iterations : steps at most; two in turn that gain less than 0.001 end the fit.
    rival : log predictive densities of another surrogate on the rows when left out, or empty.
    enough : the fit ends where the standard errors by which it does worse than the rival, `shortfall`, are fewer, or
        where they are more than `_HOPELESS` and hardly fall.
    potrf, potri : see `lapack.addresses`.

    Returns
    -------
    theta, the objective, the weights (inverse covariance times y), and each row's error and log predictive density
    when it is left out (ibid., eqs. 5.10 to 5.12).
    """
    n, n_theta = rows.y.shape[0], theta.shape[0]
    inverse = np.empty((n, n))
    parts = np.empty((rows.sizes.shape[0], n, n))
    weights, gradient = np.zeros(n), np.zeros(n_theta)
    residual, density = np.zeros(n), np.zeros(n)
    theta = theta.copy()
    value = _objective(rows, theta, inverse, parts, weights, gradient, potrf, potri)
    while not np.isfinite(value) and theta[-1] < 5.0:
        theta[-1] += 1.0
        value = _objective(rows, theta, inverse, parts, weights, gradient, potrf, potri)
    if not np.isfinite(value):
        density[:] = -np.inf
        return theta, value, weights, residual, density
    _leave_out(inverse, weights, residual, density)
    steps, turns = np.zeros((_MEMORY, n_theta)), np.zeros((_MEMORY, n_theta))
    new_weights, new_gradient = np.zeros(n), np.zeros(n_theta)
    known, idle = 0, 0
    behind = np.full(_PATIENCE, np.inf)  # by how much it was behind the rival in the last steps
    for step_number in range(iterations):
        if rival.shape[0] > 0:
            now, before = shortfall(rival, density), behind[step_number % _PATIENCE]
            if now < enough or (now > _HOPELESS and now > 0.8 * before):
                break
            behind[step_number % _PATIENCE] = now
        direction = -_quasi_newton(gradient, steps, turns, known)
        fall = np.dot(direction, gradient)
        if fall >= 0.0:
            known = 0
            direction = -gradient
        if known == 0:
            direction /= max(1.0, np.sqrt(np.sum(gradient * gradient)))
        direction *= min(1.0, 3.0 / (np.max(np.abs(direction)) + 1e-300))  # the parameters are logarithms
        fall, step = np.dot(direction, gradient), 1.0
        new = _objective(rows, theta + direction, inverse, parts, new_weights, new_gradient, potrf, potri)
        while not new <= value + 1e-4 * step * fall and step > 1e-6:
            shrink = 0.2
            if np.isfinite(new):
                shrink = min(max(-fall * step / (2.0 * (new - value - fall * step)), 0.1), 0.5)
            step *= shrink
            trial = theta + step * direction
            new = _objective(rows, trial, inverse, parts, new_weights, new_gradient, potrf, potri)
        if not new < value:
            break
        s, t = step * direction, new_gradient - gradient
        if np.dot(s, t) > 1e-10 * np.sqrt(np.sum(s * s) * np.sum(t * t)):
            steps[known % _MEMORY], turns[known % _MEMORY] = s, t
            known += 1
        idle = idle + 1 if value - new < 1e-3 else 0
        theta += s
        value = new
        gradient[:] = new_gradient
        weights[:] = new_weights
        _leave_out(inverse, weights, residual, density)
        if idle == 2:
            break
    return theta, value, weights, residual, density


@entry_jit
def shortfall(rival: Floats, density: Floats) -> float:
    """By how many standard errors left-out rows are predicted worse than by a rival.

    The difference of the log predictive densities over its standard error (Vehtari, Gelman and Gabry 2017, eq. 24).
    """
    n = rival.shape[0]
    total = 0.0
    for i in range(n):
        total += rival[i] - density[i]
    mean, square = total / n, 0.0
    for i in range(n):
        square += (rival[i] - density[i] - mean) ** 2
    standard_error: float = np.sqrt(n * square / (n - 1) + NATS * NATS)
    return total / standard_error


@jit
def _quasi_newton(gradient, steps, turns, known):
    """Inverse Hessian, as the last steps show it, times the gradient (Nocedal and Wright 2006, algorithm 7.4)."""
    q = gradient.copy()
    if known == 0:
        return q
    first = max(known - _MEMORY, 0)
    shares = np.zeros(_MEMORY)
    for m in range(known - 1, first - 1, -1):
        s, t = steps[m % _MEMORY], turns[m % _MEMORY]
        shares[m % _MEMORY] = np.dot(s, q) / np.dot(s, t)
        q -= shares[m % _MEMORY] * t
    s, t = steps[(known - 1) % _MEMORY], turns[(known - 1) % _MEMORY]
    q *= np.dot(s, t) / np.dot(t, t)
    for m in range(first, known):
        s, t = steps[m % _MEMORY], turns[m % _MEMORY]
        q += (shares[m % _MEMORY] - np.dot(t, q) / np.dot(s, t)) * s
    return q


@jit
def _objective(rows, theta, inverse, parts, weights, gradient, potrf, potri):
    """Negative log of evidence times prior; writes its gradient, the inverse (upper triangle) and the weights."""
    n, variance = rows.y.shape[0], np.exp(2.0 * theta[-1])
    if np.max(np.abs(theta)) >= _LARGEST:
        return np.inf
    _covariance(rows, theta, inverse, parts)
    for i in range(n):
        inverse[i, i] += (variance + RESOLUTION * RESOLUTION) * rows.noise[i]
    value = invert(inverse, potrf, potri)
    if not np.isfinite(value):
        return np.inf
    _times(inverse, rows.y, weights)
    value += np.dot(rows.y, weights) / 2.0
    _gradient(rows, theta, inverse, parts, weights, gradient, np.empty(n))
    start = 0
    for c in range(rows.sizes.shape[0]):
        for k in range(
            rows.sizes[c] + 1
        ):  # amplitudes about the target's spread, lengths about the data's width
            off = (theta[start + k] - (0.0 if k == 0 else 1.0)) / _PRIOR_WIDTH
            value += off * off / 2.0
            gradient[start + k] += off / _PRIOR_WIDTH
        start += rows.sizes[c] + 1
    total = 0.0
    for i in range(n):
        total += rows.noise[i] * (inverse[i, i] - weights[i] * weights[i])
    off = (theta[-1] - _NOISE_CENTRE) / _NOISE_WIDTH
    gradient[-1] = variance * total + off / _NOISE_WIDTH
    return value + off * off / 2.0


@jit
def _leave_out(inverse, weights, residual, density):
    for i in range(weights.shape[0]):
        precision = inverse[i, i]
        residual[i] = weights[i] / precision
        density[i] = 0.5 * (np.log(precision / (2.0 * np.pi)) - residual[i] ** 2 * precision)


@jit
def _covariance(rows, theta, total, parts):
    """Upper triangles: of each term in `parts`, of their sum with the constant in `total`."""
    n = rows.y.shape[0]
    scaled = np.empty_like(rows.Z)
    start, first = 0, 0
    for c in range(rows.sizes.shape[0]):
        for k in range(rows.sizes[c]):
            scaled[first + k] = rows.Z[first + k] * (np.exp(-theta[start + 1 + k]) * np.sqrt(0.5))
        first += rows.sizes[c]
        start += rows.sizes[c] + 1
    for j in range(n):
        for i in range(j, n):
            total[j, i] = rows.constant
        start, first = 0, 0
        for c in range(rows.sizes.shape[0]):
            row = parts[c, j]
            _distances(scaled, scaled, first, rows.sizes[c], j, j, n, row)
            load = np.exp(2.0 * theta[start]) * rows.factors[c, j]
            _likeness(row, load, rows.factors[c], total[j], j, n)
            first += rows.sizes[c]
            start += rows.sizes[c] + 1


@loops_jit
def _distances(scaled, there, first, size, j, begin, n, row):
    """Half the squared distance of rows `begin` to n from point j."""
    for i in range(begin, n):
        row[i] = 0.0
    for k in range(first, first + size):
        z = there[k, j]
        column = scaled[k]
        for i in range(begin, n):
            row[i] += (column[i] - z) * (column[i] - z)


@jit
def _likeness(row, load, factor, total, j, n):
    for i in range(j, n):
        value = load * factor[i] * fast_exp(-min(row[i], 700.0))
        row[i] = value
        total[i] += value


@loops_jit
def _times(matrix, y, out):
    """A symmetric matrix, given by its upper triangle, times a vector."""
    n = y.shape[0]
    out[:] = 0.0
    for j in range(n):
        row, yj, total = matrix[j], y[j], 0.0
        # Two loops: of one that sums and writes LLVM makes two versions, which round differently, and takes the one or
        # the other by where the arrays lie in memory.
        for i in range(j + 1, n):
            total += row[i] * y[i]
        for i in range(j + 1, n):
            out[i] += row[i] * yj
        out[j] += total + row[j] * yj


@loops_jit
def _gradient(rows, theta, inverse, parts, weights, gradient, pull):
    """Half the trace of (inverse - weights weights') times the covariance's derivatives by log a and log l."""
    n = rows.y.shape[0]
    gradient[:] = 0.0
    for j in range(n):
        w, start, first = weights[j], 0, 0
        row = inverse[j]
        for c in range(rows.sizes.shape[0]):
            part, total = parts[c, j], 0.0
            for i in range(j, n):
                pull[i] = (row[i] - weights[i] * w) * part[i]
            for i in range(j, n):
                total += pull[i]
            gradient[start] += 2.0 * total - pull[j]
            for k in range(rows.sizes[c]):
                column, total = rows.Z[first + k], 0.0
                z = column[j]
                for i in range(j, n):
                    total += pull[i] * (column[i] - z) * (column[i] - z)
                gradient[start + 1 + k] += total
            first += rows.sizes[c]
            start += rows.sizes[c] + 1
    start, first = 0, 0
    for c in range(rows.sizes.shape[0]):
        for k in range(rows.sizes[c]):
            gradient[start + 1 + k] *= np.exp(-2.0 * theta[start + 1 + k])
        first += rows.sizes[c]
        start += rows.sizes[c] + 1


@entry_jit
def mean_and_slope(Z: Floats, at: Floats, scales: Floats, loads: Floats, k: int) -> tuple[Floats, Floats]:
    """The posterior mean of a term without its factor, and its derivative by input k.

    Parameters
    ----------
    Z, at : inputs of the term at the rows, and where it is evaluated, shape (n_inputs, n_rows).
    scales : the length scale of each input.
    loads : a^2 times factor times weight of each row.
    """
    n = Z.shape[1]
    value, slope = np.zeros(n), np.zeros(n)
    scaled, there = np.empty_like(Z), np.empty_like(Z)
    for m in range(Z.shape[0]):
        scaled[m] = Z[m] * (np.sqrt(0.5) / scales[m])
        there[m] = at[m] * (np.sqrt(0.5) / scales[m])
    row = np.empty(n)
    for j in range(n):
        _distances(scaled, there, 0, Z.shape[0], j, 0, n, row)
        value[j], slope[j] = _pulls(row, loads, Z[k], at[k, j])
        slope[j] /= scales[k] ** 2
    return value, slope


@jit
def _pulls(row, loads, z, here):
    total = tilt = 0.0
    for i in range(row.shape[0]):
        row[i] = loads[i] * fast_exp(-min(row[i], 700.0))
    for i in range(row.shape[0]):
        total += row[i]
        tilt += row[i] * (z[i] - here)
    return total, tilt
