"""The surrogate: a Gaussian process whose covariance is a sum of terms, judged by leaving out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.probing import evidence, lapack
from balmer.engines.embedded.probing.evidence import RESOLUTION, Rows

__all__ = ["Surrogate", "Term"]

Floats = NDArray[np.float64]
_NONE = np.empty(0)


@dataclass(frozen=True, eq=False)
class Term:
    """A part of the covariance between rows i and j: `a^2 f_i f_j exp(-sum_k (Z_ki - Z_kj)^2 / (2 l_k^2))`.

    Attributes
    ----------
    Z : the inputs, shape (n_inputs, n_rows).
    factor : f, shape (n_rows,); None is 1.
    """

    Z: Floats
    factor: Floats | None = None


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A fitted Gaussian process with the covariance `constant + sum(terms) + s^2 diag(noise)`.

    Attributes
    ----------
    terms : of the covariance.
    theta : term by term log a and the log l, then log s; at the largest evidence times prior.
    constant : of the covariance.
    objective : negative log of evidence times prior.
    weights : inverse covariance times the target, shape (n_rows,).
    noise : each row's relative variance.
    fitted : posterior mean at the rows.
    residual, density : each row's error and log predictive density when it is left out.
    """

    terms: tuple[Term, ...]
    theta: Floats
    constant: float
    objective: float
    weights: Floats
    noise: Floats
    fitted: Floats
    residual: Floats
    density: Floats

    @staticmethod
    def fit(
        terms: Sequence[Term],
        y: Floats,
        noise: Floats,
        start: Floats,
        *,
        iterations: int,
        constant: float = 1.0,
        rival: Floats = _NONE,
        enough: float = 0.0,
    ) -> Surrogate:
        """Fit by L-BFGS from `start`; see `balmer.engines.embedded.probing.evidence.fit`."""
        ones = np.ones(len(y))
        rows = Rows(
            np.ascontiguousarray(np.vstack([term.Z for term in terms])),
            np.array([len(term.Z) for term in terms]),
            np.array([ones if term.factor is None else term.factor for term in terms]),
            y,
            noise,
            constant,
        )
        theta, objective, weights, residual, density = evidence.fit(
            rows, start, iterations, rival, enough, *lapack.addresses()
        )
        fitted = y - (np.exp(2 * theta[-1]) + RESOLUTION**2) * noise * weights
        return Surrogate(tuple(terms), theta, constant, objective, weights, noise, fitted, residual, density)

    @property
    def validation_error(self) -> float:
        """Root mean square of the error of left-out rows of ordinary noise, in units of the target's spread."""
        return float(np.sqrt(np.average(self.residual**2, weights=1 / self.noise)))

    @property
    def effective_rows(self) -> float:
        """How many rows of equal noise say as much."""
        trust = 1 / self.noise
        return float(trust.sum() ** 2 / (trust**2).sum())

    def mean_and_slope(self, c: int, k: int = 0, at: Floats | None = None) -> tuple[Floats, Floats]:
        """The posterior mean of term c without its factor, and its derivative by its input k.

        Parameters
        ----------
        at : inputs of the term, shape (n_inputs, n_rows); those of the rows if none are given.
        """
        term = self.terms[c]
        start = sum(1 + len(other.Z) for other in self.terms[:c])
        factor = 1.0 if term.factor is None else term.factor
        loads = np.exp(2 * self.theta[start]) * factor * self.weights
        scales = np.exp(self.theta[start + 1 : start + 1 + len(term.Z)])
        Z = np.ascontiguousarray(term.Z)
        return evidence.mean_and_slope(Z, Z if at is None else np.ascontiguousarray(at), scales, loads, k)

    def mean(self, c: int, at: Floats | None = None) -> Floats:
        """The posterior mean of term c without its factor."""
        return self.mean_and_slope(c, 0, at)[0]

    def density_of(self, error: Floats) -> Floats:
        """Log predictive density of each row when it is left out and an error is added to what is predicted of it."""
        precision = np.divide(self.weights, self.residual, out=np.zeros(len(error)), where=self.residual != 0)
        shifted: Floats = self.density + 0.5 * precision * (self.residual**2 - (self.residual - error) ** 2)
        return shifted
