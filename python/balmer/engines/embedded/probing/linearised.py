"""Tests of the structures that are not linear in their parts.

Linearised about a first guess, which the free surrogate gives, they are sums of terms with factors, and what the terms
then find corrects the guess: Gauss and Newton's method among functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.probing.stage import BEST_GUESS, Memory, Stage, standard
from balmer.engines.embedded.probing.surrogate import Surrogate, Term

__all__ = ["compositional", "generalised_additive", "multiplicative", "product_parts", "slices"]

Floats = NDArray[np.float64]

_TINY = np.finfo(float).tiny
_CORRECTIONS = 3  # of a first guess at most
_SLICES = 6  # first guesses of an inner function that are slices
_CORRECTION_STEPS = 12  # of a fit that begins near its end
_SMALL = float(np.log(0.03))  # log a with which a correction begins


def multiplicative(stage: Stage, A: Sequence[int], B: Sequence[int], memory: Memory) -> list[float]:
    """f = g(A) h(B), linearised about g0 h0: f + g0 h0 = h0 g + g0 h."""
    g, h = _first_factors(stage, A, B)
    return _products(stage, A, B, g, h, memory)[0]


def product_parts(stage: Stage, A: Sequence[int], B: Sequence[int]) -> tuple[Floats, Floats]:
    """g(A) and h(B) of f = g(A) h(B) at the rows, each up to a factor."""
    g, h = _first_factors(stage, A, B)
    return _products(stage, A, B, g, h, {})[1:]


def _first_factors(stage: Stage, A: Sequence[int], B: Sequence[int]) -> tuple[Floats, Floats]:
    target = stage.target + stage.mean
    references = range(min(30, len(stage)))
    g = _leading(slices(stage, A, B, references) + stage.mean)
    h = _leading(slices(stage, B, A, references) + stage.mean)
    g *= (g * h) @ target / ((g * h) @ (g * h))
    balance = np.sqrt(np.linalg.norm(g) / np.linalg.norm(h))
    return g / balance, h * balance


def _products(
    stage: Stage, A: Sequence[int], B: Sequence[int], g: Floats, h: Floats, memory: Memory
) -> tuple[list[float], Floats, Floats]:
    """The shortfall after each correction, and the last factors."""
    target = stage.target + stage.mean
    shortfalls: list[float] = []
    start = [stage.amplitude, *stage.scales(A), stage.amplitude, *stage.scales(B)]
    for step in range(_CORRECTIONS):
        terms = [Term(stage.Z[list(A)], h), Term(stage.Z[list(B)], g)]
        fit = stage.bound(memory, step, terms, start, target=target + g * h, constant=0.0)
        new_g, new_h = fit.mean(0), fit.mean(1)
        # h0 g + g0 h is the same with g + t g0 and h - t h0: both shall have changed alike.
        t = ((new_h @ h) / (h @ h) - (new_g @ g) / (g @ g)) / 2
        new_g, new_h = new_g + t * g, new_h - t * h
        shortfalls.append(stage.shortfall(fit, (new_g - g) * (new_h - h)))
        start, g, h = list(fit.theta[:-1]), new_g, new_h
        if stage.settled(shortfalls):
            break
    return shortfalls, g, h


def compositional(stage: Stage, S: Sequence[int], memory: Memory) -> list[float]:
    """f = g(h(S), others).

    h is first a slice of f at fixed others, or `_aligned`, and then corrected by dg/dh times a function of S.
    """
    S, R = list(S), stage.others(S)
    start = [stage.amplitude, 0.0, *stage.scales(R)]
    if BEST_GUESS not in memory:
        objectives = [
            stage.bound({}, 0, [_inner(stage, S, R, number)], start, iterations=0).objective
            for number in range(_SLICES + 1)
        ]
        memory[BEST_GUESS] = np.array([np.argmin(objectives)])
    guess = _inner(stage, S, R, int(memory[BEST_GUESS][0]))
    fit, h = stage.bound(memory, 0, [guess], start), guess.Z[0]
    shortfalls = [stage.shortfall(fit)]
    for step in range(1, _CORRECTIONS + 1):
        if stage.settled(shortfalls):
            break
        tilt = fit.mean_and_slope(0, 0)[1]
        size = np.sqrt(np.mean(tilt**2)) + _TINY
        terms = [Term(np.vstack([h, stage.Z[R]])), Term(stage.Z[S], tilt / size)]
        start = [*fit.theta[: 2 + len(R)], _SMALL, *stage.scales(S)]
        fit = stage.bound(memory, step, terms, start, iterations=_CORRECTION_STEPS)
        correction = fit.mean(1) / size
        shortfalls.append(stage.shortfall(fit, _curvature(fit, correction, tilt)))
        h = standard(h + correction)
    return shortfalls


def _inner(stage: Stage, S: Sequence[int], R: Sequence[int], number: int) -> Term:
    """The inputs h(S), R for one of the first guesses of h."""
    if number == _SLICES:
        guess = _aligned(stage, S)
    else:
        guess = slices(stage, S, R, range(number, number + 1))[:, 0]
    return Term(np.vstack([standard(guess), stage.Z[R]]))


def generalised_additive(stage: Stage, A: Sequence[int], B: Sequence[int], memory: Memory) -> list[float]:
    """F(f) = g(A) + h(B) with monotone F, that is f = G(s) and s = g(A) + h(B).

    F is the transformation of f that correlates best with a sum of transformations of slices of f along A and along B
    (Breiman and Friedman 1985); g and h follow from F(f), whose noise is that of f times F'.
    """
    A, B = list(A), list(B)
    f = stage.free.fitted
    along = [*slices(stage, A, B, range(2)).T, *slices(stage, B, A, range(2, 4)).T]
    bent, bases = _splines(f), _orthonormal(np.column_stack([_splines(v) for v in along]))
    F = standard(bent @ np.linalg.svd(bent.T @ bases)[0][:, 0])
    steepness = _local_slope(f, F) ** 2
    steepness = np.maximum(steepness, 1e-3 * np.median(steepness))
    terms = [Term(stage.Z[A]), Term(stage.Z[B])]
    sums = stage.bound(
        memory, -1, terms, [0.0, *stage.scales(A), 0.0, *stage.scales(B)],
        target=F, noise=steepness * stage.noise, free=True,
    )  # fmt: skip
    s = standard(sums.mean(0) + sums.mean(1))
    fit = stage.bound(memory, 0, [Term(s[None])], [0.0, 0.0])
    shortfalls = [stage.shortfall(fit)]
    for step in range(1, _CORRECTIONS):
        if stage.settled(shortfalls):
            break
        tilt = fit.mean_and_slope(0, 0)[1]
        size = np.sqrt(np.mean(tilt**2)) + _TINY
        terms = [Term(s[None]), Term(stage.Z[A], tilt / size), Term(stage.Z[B], tilt / size)]
        start = [*fit.theta[:2], _SMALL, *stage.scales(A), _SMALL, *stage.scales(B)]
        fit = stage.bound(memory, step, terms, start, iterations=_CORRECTION_STEPS)
        correction = (fit.mean(1) + fit.mean(2)) / size
        shortfalls.append(stage.shortfall(fit, _curvature(fit, correction, tilt)))
        s = standard(s + correction)
    return shortfalls


def _curvature(fit: Surrogate, correction: Floats, tilt: Floats) -> Floats:
    """What the first term says with its first input corrected, beyond its value and the tilt times the correction."""
    moved = fit.terms[0].Z.copy()
    moved[0] += correction
    return fit.mean(0, moved) - fit.mean(0) - tilt * correction


def slices(stage: Stage, A: Sequence[int], B: Sequence[int], references: range) -> Floats:
    """The free surrogate at each row's A with the B of each reference row: a column per reference."""
    free = stage.free
    loads = free.weights[:, None] * _likeness(stage, B, references)
    inside: Floats = _likeness(stage, A, range(len(stage))) @ loads
    amplitude, offset = float(np.exp(2 * stage.amplitude)), free.constant * float(free.weights.sum())
    return amplitude * inside + offset


def _likeness(stage: Stage, features: Sequence[int], some: range) -> Floats:
    """The features' factor of the free surrogate's covariance between all rows and some."""
    Z = stage.Z[list(features)] / np.exp(stage.scales(features))[:, None]
    there = Z[:, list(some)]
    norms, norms_there = (Z**2).sum(0) / 2, (there**2).sum(0) / 2
    likeness: Floats = np.exp(np.minimum(Z.T @ there - norms[:, None] - norms_there[None], 0.0))
    return likeness


def _aligned(stage: Stage, S: Sequence[int]) -> Floats:
    """A cubic in the features S whose gradient lies along that of f within S, of a slope as even as that allows.

    Slices of f fold where f is not monotone in h(S), this does not.
    """
    G = np.array([stage.free.mean_and_slope(0, k)[1] for k in S])
    G *= np.sign(np.linalg.eigh(G @ G.T)[1][:, -1] @ G)
    Z = stage.Z[list(S)]
    powers = [p for p in product(range(4), repeat=len(S)) if 0 < sum(p) <= 3]
    values = np.array([_monomial(Z, p) for p in powers])
    slopes = [np.array([_derivative(Z, p, k) for p in powers]) for k in range(len(S))]  # (power, row)
    lengths = np.sqrt((G**2).sum(0))
    total = sum((D * lengths**2) @ D.T for D in slopes)
    along = np.asarray(sum(G[k] * slopes[k] for k in range(len(S))))
    # The part of the gradient across f's, with a thousandth of all of it, for a given mean slope along f's.
    across = total - along @ along.T + 1e-3 * total + 1e-12 * np.trace(total) * np.eye(len(powers))
    aligned: Floats = np.linalg.solve(across, along @ lengths) @ values
    return aligned


def _monomial(Z: Floats, powers: Sequence[int]) -> Floats:
    return np.asarray(np.prod([z**p for z, p in zip(Z, powers, strict=True)], axis=0))


def _derivative(Z: Floats, powers: Sequence[int], k: int) -> Floats:
    if powers[k] == 0:
        return np.zeros(Z.shape[1])
    return powers[k] * _monomial(Z, [p - (j == k) for j, p in enumerate(powers)])


def _leading(M: Floats) -> Floats:
    """The one function whose multiples come closest to all columns."""
    U, S, _ = np.linalg.svd(M, full_matrices=False)
    return np.asarray(U[:, 0] * S[0])


def _splines(v: Floats) -> Floats:
    """Cubic splines of v with knots at its quantiles, without their mean: an orthonormal basis."""
    u = standard(v)
    knots = np.quantile(u, np.arange(1, 8) / 8)
    return _orthonormal(np.column_stack([u, u**2, u**3, np.maximum(u[:, None] - knots, 0.0) ** 3]))


def _orthonormal(M: Floats) -> Floats:
    U, S, _ = np.linalg.svd(M - M.mean(axis=0), full_matrices=False)
    return np.asarray(U[:, S > 1e-9 * S[0]])


def _local_slope(f: Floats, F: Floats) -> Floats:
    """Slope of F as a function of f, each over a twentieth of the rows."""
    n = len(f)
    order, half = np.argsort(f, kind="stable"), max(len(f) // 40, 2)
    low = order[np.maximum(np.arange(n) - half, 0)]
    high = order[np.minimum(np.arange(n) + half, n - 1)]
    slope = np.empty(n)
    slope[order] = (F[high] - F[low]) / (f[high] - f[low] + 1e-12)
    return slope
