"""The likelihood that belongs to a loss: what the criteria of a law, and the errors of its constants, rest on.

A loss L, the mean over n rows (of event weights, over as many as say the same), is taken for a negative log-likelihood
n (L/tau + log Z(tau)), up to a constant:

- squared: normal errors. tau = 2 where uncertainties are known; else tau = 2 s^2, and s^2 = L is the likeliest.
- absolute: Laplace's. tau = 1/sqrt(2) where uncertainties are known; else tau = L.
- huber, log-cosh: tau = 2 where uncertainties are known; else the density proportional to exp(-rho(r)/(2 s^2)) with
  the likeliest s, in which Z is known in closed form.
- a formula or function that the user declares to be a negative log-likelihood: tau = 1.
- another formula or function of the user's: as the squared, for every smooth loss is a square near its minimum; where
  it speaks of uncertainties, as a chi^2 of n rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import minimize_scalar
from scipy.special import erf, gammaln

from balmer.engines import Problem

__all__ = ["Likelihood", "likelihood"]


@dataclass(frozen=True)
class Likelihood:
    """Of a fitted law: twice its negative logarithm up to a constant of the data set, and tau.

    ``scale_is_known`` tells whether tau was known beforehand, or is one more fitted number.
    """

    twice_nll: float
    tau: float
    scale_is_known: bool


def likelihood(loss: float, problem: Problem) -> Likelihood:
    """The likelihood of a loss on all rows of a problem."""
    n, measure = problem.n_effective, problem.measure
    if measure.is_likelihood:
        return Likelihood(2 * n * loss, 1.0, True)
    if measure.uses_sigma:
        tau = math.sqrt(0.5) if measure.kind == "absolute" else 2.0
        return Likelihood(2 * n * loss / tau, tau, True)
    # Below a few units in the last place there is no information in a smaller loss.
    floored = max(loss, problem.noise_floor, 1e-300)
    if measure.kind == "absolute":
        return Likelihood(2 * n * math.log(floored), floored, False)
    if measure.kind in ("huber", "log-cosh"):
        return _with_likeliest_scale(floored, n, _NORMS[measure.kind], problem.objective.delta)
    return Likelihood(n * math.log(floored), 2 * floored, False)


def _with_likeliest_scale(
    loss: float, n: float, norm: Callable[[float, float], float], delta: float
) -> Likelihood:
    """s^2 is the loss where that is small, and half of it in the tails: the likeliest is near."""
    middle = math.log(loss)
    found = minimize_scalar(
        lambda t: loss / (2 * math.exp(t)) + norm(math.exp(0.5 * t), delta),
        bounds=(middle - 3.0, middle + 3.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return Likelihood(2 * n * float(found.fun), 2 * math.exp(float(found.x)), False)


def _huber_norm(s: float, d: float) -> float:
    """Log of the integral of exp(-rho/(2 s^2)) over the residuals, without sqrt(2 pi)."""
    inside = s * erf(d / (math.sqrt(2) * s))
    outside = 2 * s**2 / d * math.exp(-0.5 * (d / s) ** 2) / math.sqrt(2 * math.pi)
    return math.log(inside + outside)


def _log_cosh_norm(s: float, d: float) -> float:
    """The same of cosh(r/d)^(-d^2/s^2)."""
    a = (d / s) ** 2
    if a > 1e8:
        return math.log(s)
    return math.log(d) + float(gammaln(a / 2) - gammaln((a + 1) / 2)) - 0.5 * math.log(2)


_NORMS: dict[str, Callable[[float, float], float]] = {"huber": _huber_norm, "log-cosh": _log_cosh_norm}
