"""What a structure is made of: parts of a sum or product at the rows, slices, tests of a proposed inner variable."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.probing.linearised import product_parts, slices
from balmer.engines.embedded.probing.probe import THRESHOLD, one_thread_each
from balmer.engines.embedded.probing.stage import Stage, additive, standard
from balmer.engines.embedded.probing.surrogate import Term
from balmer.engines.problem import Problem

__all__ = ["Surrogates"]

Floats = NDArray[np.float64]

_ROWS = 400
_LARGEST_POWER = 4
_DENOMINATOR = 3
_EULER = 0.1  # error of Euler's equation, in parts of the slopes, beyond which no degree is tested


class Surrogates:
    """Gaussian processes on some rows of a problem, and what they say of the parts of its target.

    Parameters
    ----------
    seed : draws the rows.

    Attributes
    ----------
    rows : which of the problem's rows, shape (n_rows,).
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        n = len(problem.y)
        self.rows = np.random.default_rng([seed, n]).permutation(n)[:_ROWS]
        self._X = np.ascontiguousarray(problem.X[:, self.rows])
        self._y = problem.y[self.rows]
        self._noise = problem.weights.mean() / problem.weights[self.rows]
        with one_thread_each():
            self._stage = Stage(self._X, self._y, self._noise, 0.0, 0.0, None)

    @property
    def noise(self) -> float:
        """The noise of the target, in parts of its spread, as the evidence has it."""
        return float(np.exp(self._stage.free.theta[-1]))

    def summands(self, A: Sequence[int], B: Sequence[int]) -> tuple[Floats, Floats]:
        """g(A) and h(B) of a target that is their sum, each up to a constant, shape (n_rows,)."""
        stage, spread = self._stage, self._y.std()
        with one_thread_each():
            start = [stage.amplitude, *stage.scales(A), stage.amplitude, *stage.scales(B)]
            terms = [Term(stage.Z[list(A)]), Term(stage.Z[list(B)])]
            fit = stage.bound({}, 0, terms, start, free=True)
            return spread * fit.mean(0), spread * fit.mean(1)

    def factors(self, A: Sequence[int], B: Sequence[int]) -> tuple[Floats, Floats]:
        """g(A) and h(B) of a target that is their product, each up to a factor, shape (n_rows,)."""
        with one_thread_each():
            return product_parts(self._stage, A, B)

    def slice(self, S: Sequence[int]) -> Floats:
        """The target as a function of S, the other features as in the row nearest their medians, shape (n_rows,)."""
        stage, others = self._stage, self._stage.others(S)
        middle = np.median(stage.Z[others], axis=1)
        row = int(np.argmin(((stage.Z[others] - middle[:, None]) ** 2).sum(axis=0)))
        with one_thread_each():
            values = slices(stage, S, others, range(row, row + 1))[:, 0]
        shifted: Floats = self._y.mean() + self._y.std() * values
        return shifted

    def acts_through(self, S: Sequence[int], u: Floats) -> bool:
        """Whether the features S act on the target through u alone.

        Parameters
        ----------
        u : a function of S at the rows, shape (n_rows,).
        """
        with one_thread_each():
            return _acts_through(self._stage, S, u)

    def power(self, i: int, j: int) -> Fraction | None:
        """p, if features i and j act through x_i x_j^p alone; None if there is none with a small numerator.

        Along the curves on which such a function is constant, the slopes by log x_j and by log x_i have the ratio p.
        """
        x, y = self._X[i], self._X[j]
        if not (np.all(x > 0) and np.all(y > 0)):
            return None
        with one_thread_each():
            slopes = [
                self._stage.free.mean_and_slope(0, k)[1] * self._X[k] / self._X[k].std() for k in (i, j)
            ]
        ratio = float(slopes[0] @ slopes[1] / (slopes[0] @ slopes[0]))
        p = Fraction(ratio).limit_denominator(_DENOMINATOR) if np.isfinite(ratio) else Fraction(0)
        if p == 0 or abs(p) > _LARGEST_POWER:
            return None
        return p if self.acts_through((i, j), x * y ** float(p)) else None

    def degree(self, i: int, j: int) -> Fraction | None:
        """p, if the target is x_j^p times a function of x_i / x_j and the others; None for none, or a large one.

        Such a function obeys Euler's equation: its slopes by log x_i and by log x_j add up to p times itself.
        """
        x, y, stage = self._X[i], self._X[j], self._stage
        if not (np.all(x > 0) and np.all(y > 0)):
            return None
        with one_thread_each():
            slopes = [stage.free.mean_and_slope(0, k)[1] * self._X[k] / self._X[k].std() for k in (i, j)]
            both, f = slopes[0] + slopes[1], stage.free.fitted + stage.mean
            ratio = float(both @ f / (f @ f))
            p = Fraction(ratio).limit_denominator(2) if np.isfinite(ratio) else Fraction(0)
            off = np.mean((both - float(p) * f) ** 2) / np.mean(slopes[0] ** 2 + slopes[1] ** 2)
            if p == 0 or abs(p) > _LARGEST_POWER or off > _EULER**2:
                return None
            scale = y ** float(p)
            noise = self._noise / scale**2
            scaled = Stage(self._X, self._y / scale, noise / noise.mean(), 0.0, 0.0, None)
            return p if np.ptp(scaled.target) > 0 and _acts_through(scaled, (i, j), x / y) else None

    def is_sum(self, target: Floats, steepness: Floats, A: Sequence[int], B: Sequence[int]) -> bool:
        """Whether a transformed target is g(A) + h(B).

        Parameters
        ----------
        target, steepness : the transformed target at the rows and its derivative by the target, shape (n_rows,).
        """
        if not (np.all(np.isfinite(target)) and np.all(np.isfinite(steepness)) and np.ptp(target) > 0):
            return False
        noise = self._noise * np.maximum(steepness**2, 1e-6 * np.median(steepness**2))
        if not np.all(noise > 0):
            return False
        with one_thread_each():
            stage = Stage(self._X, target, noise / noise.mean(), 0.0, 0.0, None)
            return min(additive(stage, A, B, {})) <= THRESHOLD


def _acts_through(stage: Stage, S: Sequence[int], u: Floats) -> bool:
    others = stage.others(S)
    if not np.all(np.isfinite(u)) or np.ptp(u) == 0:
        return False
    start = [stage.amplitude, 0.0, *stage.scales(others)]
    for form in (u, np.log(np.abs(u))) if np.all(u > 0) or np.all(u < 0) else (u,):
        term = Term(np.vstack([standard(form), stage.Z[others]]))
        if stage.shortfall(stage.bound({}, 0, [term], start)) <= THRESHOLD:
            return True
    return False
