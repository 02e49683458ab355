"""Start formulas with a frequency from the periodogram: a sinusoid, also on a line, dying away, or two of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Candidate, Problem, pareto
from balmer.expressions import Expression, apply, constant, express_in, variable
from balmer.expressions.sinusoid import Sinusoid, sinusoids
from balmer.kernels import fit
from balmer.search.periodogram import peaks
from balmer.search.refine import units_hold

__all__ = ["periodic_laws"]

Floats = NDArray[np.float64]

_ROWS = 1000  # on which frequencies are looked for, and formulas fitted
_STEPS = 40  # of those fits
_FEATURES = 12  # that are looked at
_WORK = 2_000_000  # rows times frequencies, of all features
_EXACT = 1e-24  # loss over mean square of the target, below which a law needs no company
_KEPT = 2.0  # by which factor a fit may change a frequency that the data propose
_DECAYS = (1.0, -1.0, 3.0, -3.0, 8.0, -8.0)  # e-foldings within the range
_LARGEST = 200.0  # exponent of a decay at the smallest value of its feature


def periodic_laws(problem: Problem) -> list[Expression]:
    """Fitted formulas with a sinusoid at a peak of a feature's periodogram that no simpler one of them beats.

    None where sin and cos are not allowed, or the loss is the user's own. The work is bounded by a number of rows and
    frequencies, never by the clock.
    """
    allowed = problem.space.allowed
    if not allowed & {"sin", "cos"} or problem.measure.kind in ("formula", "function"):
        return []
    n = len(problem.y)
    rows = np.arange(n) if n <= _ROWS else np.sort(np.random.default_rng(2).choice(n, _ROWS, replace=False))
    X, y = np.ascontiguousarray(problem.X[:, rows]), problem.y[rows]
    w = np.maximum(problem.square_weights[rows], 0.0)  # events that are subtracted tell no frequency
    size = float(np.max(np.abs(y), initial=0.0))
    if size == 0.0 or not (np.all(np.isfinite(w)) and w.sum() > 0):
        return []
    found: list[Candidate] = []
    exact = _EXACT * float(np.sum(w * y * y))
    looked_at = min(len(X), _FEATURES)
    for feature in range(looked_at):
        for law in _laws_of(feature, X, y / size, w / w.sum(), _WORK // looked_at):
            expression = express_in(law.written(size), allowed)
            if expression is None or not problem.space.admits(expression):
                continue
            if units_hold(expression, problem):
                fitted = fit(expression, X, y, w, max_steps=_STEPS)
                if not _turns_as(fitted.expression, law):
                    continue  # into a curve that is no oscillation
                cost = problem.space.complexity.of(fitted.expression)
                found.append(Candidate(fitted.expression, fitted.loss, cost))
                if fitted.loss <= exact:
                    break
    return [c.expression for c in pareto(found)]


def _turns_as(fitted: Expression, law: _Sum) -> bool:
    """Whether the frequencies of a fitted formula are still about those that it began with."""
    found: list[float] = []

    def look(sinusoid: Sinusoid) -> Sinusoid:
        found.extend(abs(term.factor) for term in sinusoid.terms)
        return sinusoid

    sinusoids(fitted, fitted.operators, look)
    proposed = [wave.frequency for wave in law.waves]
    return all(min(proposed) / _KEPT <= f <= max(proposed) * _KEPT for f in found)


@dataclass(frozen=True)
class _Wave:
    """exp(-decay (x - x0)) z (a sin(w x) + b cos(w x)), where x0 is the smallest x."""

    feature: int
    frequency: float
    decay: float = 0.0
    factor: int | None = None

    def columns(self, X: Floats) -> list[Floats]:
        x = X[self.feature]
        size = np.exp(-self.decay * (x - x.min()))
        if self.factor is not None:
            size = size * X[self.factor]
        return [size * np.sin(self.frequency * x), size * np.cos(self.frequency * x)]

    def written(self, a: float, b: float, begin: float) -> Expression:
        """As A exp(-k x) z sin(w x + phi)."""
        x = variable(self.feature)
        result: Expression = constant(math.hypot(a, b) * math.exp(self.decay * begin))
        if self.decay:
            result = apply("mul", result, apply("exp", apply("mul", constant(-self.decay), x)))
        if self.factor is not None:
            result = apply("mul", result, variable(self.factor))
        turned = apply("add", apply("mul", constant(self.frequency), x), constant(math.atan2(b, a)))
        return apply("mul", result, apply("sin", turned))


@dataclass(frozen=True)
class _Sum:
    """Waves, a constant and a line, with the factors that fit best."""

    waves: tuple[_Wave, ...]
    constant: bool
    line: bool
    factors: Floats
    loss: float
    begin: float

    def written(self, size: float) -> Expression:
        """The formula, of a target that is so many times larger."""
        numbers = iter((self.factors * size).tolist())
        terms = [wave.written(next(numbers), next(numbers), self.begin) for wave in self.waves]
        if self.line:
            terms.append(apply("mul", constant(next(numbers)), variable(self.waves[0].feature)))
        if self.constant:
            terms.append(constant(next(numbers)))
        total = terms[-1]
        for term in terms[-2::-1]:
            total = apply("add", total, term)
        return total


def _columns(waves: tuple[_Wave, ...], constant: bool, line: bool, X: Floats) -> Floats:
    columns = [column for wave in waves for column in wave.columns(X)]
    columns += [X[waves[0].feature]] * line + [np.ones(X.shape[1])] * constant
    return np.array(columns)


def _solved(
    waves: tuple[_Wave, ...], X: Floats, y: Floats, w: Floats, *, constant: bool = False, line: bool = False
) -> _Sum:
    """Weighted least squares of the factors."""
    design = _columns(waves, constant, line, X)
    scale = np.max(np.abs(design), axis=1)
    scale[scale == 0.0] = 1.0
    root = np.sqrt(w)
    factors = np.linalg.lstsq((design / scale[:, None] * root).T, y * root, rcond=None)[0] / scale
    loss = float(np.sum(w * (y - factors @ design) ** 2))
    return _Sum(waves, constant, line, factors, loss, float(X[waves[0].feature].min()))


def _laws_of(feature: int, X: Floats, y: Floats, w: Floats, work: int) -> Iterator[_Sum]:
    """Sums worth fitting, at each peak of one feature."""
    x = X[feature]
    for peak in peaks(x, y, w, work=work):
        frequency, span = peak.frequency, float(np.ptp(x))
        wave = (_Wave(feature, frequency),)
        plain = [_solved(wave, X, y, w), _solved(wave, X, y, w, constant=True)]
        plain.append(_solved(wave, X, y, w, constant=True, line=True))
        yield from plain
        decays = [k / span for k in _DECAYS if abs(k / span * x.min()) < _LARGEST]
        damped = [_solved((_Wave(feature, frequency, k),), X, y, w, constant=True) for k in decays]
        dying = min(damped, key=lambda law: law.loss, default=None)
        if dying is not None and dying.loss < plain[1].loss:
            yield _solved(dying.waves, X, y, w)
            yield dying
        for other in range(min(len(X), _FEATURES)):
            law = _solved((_Wave(feature, frequency, 0.0, other),), X, y, w)
            if np.ptp(X[other]) > 0.0 and law.loss < plain[0].loss:
                yield law
        rest = y - plain[1].factors @ _columns(wave, True, False, X)
        for second in peaks(x, rest, w, 1, work):
            both = (*wave, _Wave(feature, second.frequency))
            yield _solved(both, X, y, w)
            yield _solved(both, X, y, w, constant=True)
