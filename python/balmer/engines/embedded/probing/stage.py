"""The rows of one stage of a probe with the free surrogate on them, and the tests of the structures that are simple.

Those are linear in their parts, or a change of inputs; the others stand in `linearised.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.probing.evidence import shortfall
from balmer.engines.embedded.probing.surrogate import Surrogate, Term

__all__ = ["BEST_GUESS", "Memory", "Stage", "additive", "coordinates", "standard", "symmetric", "without"]

Floats = NDArray[np.float64]

Memory = dict[int, Floats]
"""Fitted parameters by step of a test, so that a second test on more rows begins where the first one ended."""

BEST_GUESS = -2
"""The place in a Memory of the number of the best first guess."""

_LEAST_LOG_NOISE = -7.0
_STEPS, _STEPS_AGAIN = 30, 10  # of a fit, and of one that begins where another ended
_FREE_STEPS = 40


class Stage:
    """Rows in random order with the free surrogate on them.

    Parameters
    ----------
    X : features, shape (n_features, n_rows).
    y : target, shape (n_rows,).
    noise : each row's relative variance, shape (n_rows,).
    enough : standard errors, see `shortfall`, with which a fit on these rows ends well.
    bearable : with these a test does, as further corrections of its guesses cannot make more of them.
    before : a stage with fewer rows to start from.

    Attributes
    ----------
    Z, target : features and target, standardised.
    mean : of the target, in units of its spread.
    free : the free surrogate.
    """

    def __init__(
        self, X: Floats, y: Floats, noise: Floats, enough: float, bearable: float, before: Stage | None
    ) -> None:
        self.X, self.noise, self.enough, self.bearable = X, noise, enough, bearable
        self.Z = np.array([standard(x) for x in X])
        self.target, self.mean = standard(y), float(y.mean() / y.std())
        # Little noise and much: the evidence may have a maximum at either.
        starts = (
            [np.array([0.0, *np.ones(len(X)), np.log(s)]) for s in (1e-3, 0.1)]
            if before is None
            else [before.free.theta]
        )
        fits = [
            Surrogate.fit([Term(self.Z)], self.target, noise, start, iterations=_FREE_STEPS)
            for start in starts
        ]
        self.free: Surrogate = min(fits, key=lambda fit: fit.objective)

    def __len__(self) -> int:
        return len(self.target)

    @property
    def amplitude(self) -> float:
        """log a of the free surrogate."""
        return float(self.free.theta[0])

    def scales(self, features: Sequence[int]) -> Floats:
        """log l of the free surrogate."""
        scales: Floats = self.free.theta[1:-1][list(features)]
        return scales

    def others(self, features: Sequence[int]) -> list[int]:
        """The remaining features."""
        return [i for i in range(len(self.X)) if i not in features]

    def bound(
        self,
        memory: Memory,
        step: int,
        terms: Sequence[Term],
        start: Sequence[float],
        *,
        target: Floats | None = None,
        noise: Floats | None = None,
        constant: float = 1.0,
        iterations: int | None = None,
        free: bool = False,
    ) -> Surrogate:
        """A surrogate of these terms, fitted until it does as well as the free one, or as well as it can.

        Its noise starts at the free one's, lest it explain by noise what the structure cannot. `free` fits it to the
        end, where it is not to be compared.
        """
        known = memory.get(step)
        if known is None:
            known = np.array([*start, max(self.free.theta[-1], _LEAST_LOG_NOISE)])
            steps = _STEPS if iterations is None else iterations
        else:
            steps = _STEPS_AGAIN if iterations is None else iterations
        surrogate = Surrogate.fit(
            terms,
            self.target if target is None else target,
            self.noise if noise is None else noise,
            known,
            iterations=steps,
            constant=constant,
            rival=np.empty(0) if free else self.free.density,
            enough=self.enough,
        )
        memory[step] = surrogate.theta
        return surrogate

    def shortfall(self, bound: Surrogate, error: Floats | None = None) -> float:
        """By how many standard errors the bound surrogate predicts left-out rows worse than the free one.

        Parameters
        ----------
        error : by how much its structure, where it is not linear, is off what its terms predict.
        """
        density = bound.density if error is None else bound.density_of(error)
        return shortfall(self.free.density, density)

    def settled(self, shortfalls: Sequence[float]) -> bool:
        """Whether the last corrections show that further ones will not change the verdict."""
        now = shortfalls[-1]
        return now < self.bearable or (len(shortfalls) > 1 and now > max(10.0, 0.9 * shortfalls[-2]))


def standard(v: Floats) -> Floats:
    """Of mean 0 and spread 1; of spread 0 if it has none."""
    spread = v.std()
    centred: Floats = v - v.mean()
    return centred / spread if spread > 0 else np.zeros_like(v)


def without(stage: Stage, i: int, memory: Memory) -> list[float]:
    """No dependence on feature i."""
    others = stage.others([i])
    start = [stage.amplitude, *stage.scales(others)]
    return [stage.shortfall(stage.bound(memory, 0, [Term(stage.Z[others])], start))]


def additive(stage: Stage, A: Sequence[int], B: Sequence[int], memory: Memory) -> list[float]:
    """f = g(A) + h(B)."""
    start = [stage.amplitude, *stage.scales(A), stage.amplitude, *stage.scales(B)]
    terms = [Term(stage.Z[list(A)]), Term(stage.Z[list(B)])]
    return [stage.shortfall(stage.bound(memory, 0, terms, start))]


def symmetric(stage: Stage, kind: str, i: int, j: int, memory: Memory) -> list[float]:
    """The pair i, j acts through its invariant alone."""
    others, nearest = stage.others([i, j]), float(stage.scales([i, j]).min())
    shortfalls: list[float] = []
    for step, U in enumerate(coordinates(kind, stage.X[i], stage.X[j])):
        start = [stage.amplitude, *[nearest] * len(U), *stage.scales(others)]
        fit = stage.bound(memory, step, [Term(np.vstack([U, stage.Z[others]]))], start)
        shortfalls.append(stage.shortfall(fit))
        if shortfalls[-1] < stage.bearable:
            break
    return shortfalls


def coordinates(kind: str, x: Floats, y: Floats) -> list[Floats]:
    """Inputs, each of shape (n_inputs, n_rows), of which a function with this symmetry of x and y is a smooth function.

    They are the invariant, and a form of it that spreads its values more evenly.
    """
    if kind in ("difference", "sum"):
        return [standard(x + y if kind == "sum" else x - y)[None]]
    if kind == "product":
        u = x * y
        return [standard(u)[None], *([standard(np.log(np.abs(u)))[None]] if _of_one_sign(u) else [])]
    if kind == "ratio":
        if _of_one_sign(x) and _of_one_sign(y):
            u = x / y
            return [standard(u)[None], standard(np.log(np.abs(u)))[None]]
        # Where y passes through zero x/y is still a point of the projective line, that is of a circle.
        p, q = x / np.sqrt(np.mean(x**2)), y / np.sqrt(np.mean(y**2))
        r = p**2 + q**2 + np.finfo(float).tiny
        return [np.array([standard((p**2 - q**2) / r), standard(p * q / r)])]
    u = x**2 + y**2 if kind == "radius" else x**2 - y**2
    return [standard(u)[None], *([standard(np.sqrt(np.abs(u)))[None]] if _of_one_sign(u) else [])]


def _of_one_sign(u: Floats) -> bool:
    return bool(np.all(u > 0) or np.all(u < 0))
