"""Structure of a function that can be called: each condition at fresh points, to the function's rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from balmer.data import Bounds, Box, evaluator, finite
from balmer.engines.embedded.probing.hypotheses import Hypothesis, hypotheses
from balmer.engines.finding import Finding

__all__ = ["probe_function"]

Floats = NDArray[np.float64]

_VALUES, _SLOPES = 1e-8, 1e-5  # parts of the function's spread, or slopes, to which conditions hold
_POINTS = 200
_EDGE = 0.01  # part of the box kept free at each end, so that difference quotients stay inside
_STEP = 2e-3  # of the difference quotients, in widths of the box
_TINY = np.finfo(float).tiny


def probe_function(
    function: Callable[..., object], box: Mapping[str, Bounds], *, seed: int = 0, points: int = _POINTS
) -> list[Finding]:
    """Test which structure a function has in a box.

    The statistic is the largest violation of the structure's equation among the points, relative to the function's
    spread or slopes; the threshold is what rounding explains. Ctrl-C ends the probe and keeps what was found.

    Parameters
    ----------
    function : of as many numbers as the box has names; see `balmer.data.evaluator`.
    box : (low, high) of each variable.
    points : at which each condition is tested.

    Raises
    ------
    ConfigError
        If the box is none, the function does not fit it, or the function is not finite in it. What the function
        raises is raised.
    """
    where = Box.read(box)
    if len(where.names) < 2:
        return []
    sample = _Sample(function, where, np.random.default_rng([seed, len(where.names)]), points)
    if sample.spread == 0:
        return []
    findings = []
    try:
        for h in hypotheses(len(where.names)):
            statistic, threshold = sample.deviation(h)
            variables, rest = (tuple(where.names[i] for i in group) for group in (h.variables, h.rest))
            findings.append(Finding(h.kind, variables, rest, statistic, threshold, statistic <= threshold))
    except KeyboardInterrupt:  # a finding says nothing of the others
        pass
    return findings


class _Sample:
    """Two independent sets of points in the box, P and Q of shape (n_variables, n_points), and the function there."""

    def __init__(
        self, function: Callable[..., object], box: Box, rng: np.random.Generator, points: int
    ) -> None:
        self.rng, self.box, self.f = rng, box, evaluator(function, box.names)
        inner = Box(
            box.names,
            box.lower + _EDGE * (box.upper - box.lower),
            box.upper - _EDGE * (box.upper - box.lower),
            {},
        )
        self.P, self.Q = inner.draw(points, rng), inner.draw(points, rng)
        self.at_P = finite(box.names, self.P, self.f(self.P))
        self.at_Q = finite(box.names, self.Q, self.f(self.Q))
        self.spread = float(self.at_P.std())
        self.slopes_at_P = self._gradient(self.P, range(len(box.names)))
        self.sizes = np.sqrt(np.mean(self.slopes_at_P**2, axis=1)) + _TINY

    def deviation(self, h: Hypothesis) -> tuple[float, float]:
        """How far the structure is from holding, and the most that rounding explains."""
        largest = float(np.abs(self.at_P).max())
        rounding = 1e3 * np.finfo(float).eps * largest / self.spread
        values, slopes = _VALUES + rounding, _SLOPES + 1e4 * rounding
        if h.kind == "irrelevant":
            return self._off_constant(h.variables), values
        if h.kind == "additive":
            return self._off_sum(h.rest), values
        if h.kind == "multiplicative":
            return self._off_product(h.rest), values * (1 + largest / self.spread)
        if h.kind == "compositional":
            return self._off_direction(h.variables), slopes
        if h.kind == "generalised_additive":
            return self._off_generalised(h.variables, h.rest), slopes
        i, j = h.variables
        return self._off_symmetry(h.kind, i, j), values

    def _off_constant(self, features: Sequence[int]) -> float:
        return _largest(self.f(_exchanged(self.P, self.Q, features)) - self.at_P) / self.spread

    def _off_sum(self, B: Sequence[int]) -> float:
        """f(a, b) + f(a', b') = f(a, b') + f(a', b)."""
        u, v = self.f(_exchanged(self.P, self.Q, B)), self.f(_exchanged(self.Q, self.P, B))
        return _largest(self.at_P + self.at_Q - u - v) / self.spread

    def _off_product(self, B: Sequence[int]) -> float:
        """f(a, b) f(a', b') = f(a, b') f(a', b)."""
        u, v = self.f(_exchanged(self.P, self.Q, B)), self.f(_exchanged(self.Q, self.P, B))
        return _largest(self.at_P * self.at_Q - u * v) / self.spread**2

    def _off_symmetry(self, kind: str, i: int, j: int) -> float:
        """f keeps its value where x moves and y follows so that the invariant stays."""
        x, y, low, high = self.P[i], self.P[j], self.box.lower, self.box.upper
        x2 = low[i] + self.rng.random(len(x)) * (high[i] - low[i])
        follow = _FOLLOW[kind]
        with np.errstate(all="ignore"):
            for _ in range(60):  # half as far, until both are in the box
                y2 = follow(x, y, x2)
                outside = ~((low[j] < y2) & (y2 < high[j]) & (y2 != 0))
                if not outside.any():
                    break
                x2 = np.where(outside, (x + x2) / 2, x2)
        moved = self.P.copy()
        moved[i], moved[j] = np.where(outside, x, x2), np.where(outside, y, y2)
        return _largest(self.f(moved) - self.at_P) / self.spread

    def _off_direction(self, S: Sequence[int]) -> float:
        """f = g(h(S), R): the direction of the gradient within S does not depend on R."""
        rest = [i for i in range(len(self.P)) if i not in S]
        here, size = self.slopes_at_P, self.sizes
        there = dict(zip(S, self._gradient(_exchanged(self.P, self.Q, rest), S), strict=True))
        turns = (
            _largest(here[i] * there[j] - here[j] * there[i]) / (size[i] * size[j])
            for i, j in combinations(S, 2)
        )
        return max(turns, default=0.0)

    def _off_generalised(self, A: Sequence[int], B: Sequence[int]) -> float:
        """F(f) = g(A) + h(B) with monotone F.

        The directions within A and within B are free of the other group, the ratio of slopes between them is a function
        of A times one of B, and no slope in A changes its sign with B.
        """
        here, size = self.slopes_at_P, self.sizes
        a, b = max(A, key=lambda i: size[i]), max(B, key=lambda i: size[i])
        q = self._gradient(self.Q, [a, b])
        u_all = self._gradient(_exchanged(self.P, self.Q, B), [*A, b])
        u = np.array([u_all[list(A).index(a)], u_all[-1]])
        v = self._gradient(_exchanged(self.Q, self.P, B), [a, b])
        p = here[[a, b]]
        unit = size[[a, b], None]
        p, q, u, v = p / unit, q / unit, u / unit, v / unit
        ratio = _largest(p[0] * q[0] * u[1] * v[1] - u[0] * v[0] * p[1] * q[1])
        turned = any(
            bool(np.any(here[i] * other < -1e-9 * size[i] ** 2)) for i, other in zip(A, u_all, strict=False)
        )
        return max(ratio, self._off_direction(A), self._off_direction(B), 1.0 if turned else 0.0)

    def _gradient(self, points: Floats, features: Sequence[int]) -> Floats:
        """Central differences of fourth order, shape (len(features), n_points)."""
        slopes = []
        for i in features:
            h = _STEP * (self.box.upper[i] - self.box.lower[i])
            step = np.zeros((len(points), 1))
            step[i] = h
            near = self.f(points + step) - self.f(points - step)
            far = self.f(points + 2 * step) - self.f(points - 2 * step)
            slopes.append((8 * near - far) / (12 * h))
        return np.array(slopes)


_FOLLOW: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "difference": lambda x, y, x2: x2 - x + y,
    "sum": lambda x, y, x2: x + y - x2,
    "ratio": lambda x, y, x2: y * (x2 / x),
    "product": lambda x, y, x2: y * (x / x2),
    "radius": lambda x, y, x2: np.copysign(np.sqrt(np.maximum(x**2 + y**2 - x2**2, 0.0)), y),
    "hyperbolic": lambda x, y, x2: np.copysign(np.sqrt(np.maximum(x2**2 - x**2 + y**2, 0.0)), y),
}


def _exchanged(P: Floats, Q: Floats, features: Sequence[int]) -> Floats:
    """The first points with the `features` of the second."""
    mixed = P.copy()
    mixed[list(features)] = Q[list(features)]
    return mixed


def _largest(values: Floats) -> float:
    """The largest magnitude; infinite where one is not a number."""
    largest = float(np.abs(values).max())
    return largest if largest == largest else float("inf")
