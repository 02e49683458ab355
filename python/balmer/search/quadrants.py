"""A fitted phase that may as well be none: of a sinusoid that begins at zero, or at its height.

Such a law says that a clock was started at the right moment. It competes with the one whose phase is free.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from balmer.engines import Problem
from balmer.expressions import literal
from balmer.expressions.sinusoid import Sinusoid, sinusoids
from balmer.search.refine import Refined, covariance, refit, units_hold

__all__ = ["without_phases"]

_SIGMAS = 3.0
_ROUNDING = 1e-9  # radians


def without_phases(refined: Refined, problem: Problem) -> list[Refined]:
    """The formula with every phase at a multiple of pi/2 that is within three errors of one; nothing if none is."""
    expression = refined.expression
    if not expression.operators & {"sin", "cos"} or not expression.n_constants:
        return []
    if not problem.objective.exact_numbers:
        return []
    errors: dict[float, float] = dict(
        zip(
            expression.constants.tolist(),
            np.sqrt(np.diag(covariance(refined, problem))).tolist(),
            strict=True,
        )
    )

    def at_rest(sinusoid: Sinusoid) -> Sinusoid:
        if sinusoid.phase.n_constants != 1 or len(sinusoid.phase) != 1:
            return sinusoid
        value = float(sinusoid.phase.values[0])
        error: float = errors.get(value, errors.get(-value, math.inf))
        quarters = value / (math.pi / 2)
        near = abs(quarters - round(quarters)) * math.pi / 2
        if not near <= max(_SIGMAS * error, _ROUNDING) or error > math.pi / 2 / _SIGMAS:
            return sinusoid
        turn = (round(quarters) + sinusoid.is_cos) % 4
        return replace(sinusoid, is_cos=turn % 2 == 1, phase=literal(math.pi if turn >= 2 else 0.0))

    simpler = sinusoids(expression, problem.space.allowed, at_rest)
    if simpler.n_constants >= expression.n_constants:
        return []
    if not problem.space.admits(simpler) or not units_hold(simpler, problem):
        return []
    return [refit(simpler, problem, refined.origin)]
