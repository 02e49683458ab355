"""From candidates to laws: constants refitted to convergence, whole numbers recognised, formulas simplified."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from balmer.engines import Problem
from balmer.expressions import Expression, canonical, simplify, tidy, tie, with_plain_numbers
from balmer.expressions.sinusoid import sinusoids
from balmer.kernels import fit
from balmer.search.constant_units import units_of_constants
from balmer.search.curvature import curvature, sandwich
from balmer.search.exact import ExactNumber, proven
from balmer.search.law import Constant, Law
from balmer.search.noise import fit_relative, fit_signed
from balmer.search.selection import Score, score
from balmer.units import Dimension

__all__ = [
    "Refined",
    "covariance",
    "distinct",
    "law_of",
    "polished",
    "refine",
    "refit",
    "structure",
    "tidied",
    "units_hold",
    "with_exact_numbers",
]

_SAMPLE = 200  # rows on which a simplified formula must agree with the original
_SIGMAS = 3.0  # within which a constant may be zero
_SINGULAR = 1e-13  # eigenvalue of the scaled curvature, per constant, below which a direction is undetermined
_LONGEST_TIED = 20  # nodes of a formula in which ratios of constants are looked at
_ONE_SIGMA = float(ndtr(1.0))
_FEW_ROWS = 10  # per constant, below which an error is not trusted to the residuals of single rows


@dataclass(frozen=True)
class Refined:
    """A formula with its constants at the optimum on all rows."""

    expression: Expression
    loss: float
    normal: NDArray[np.float64]  # half the second derivative of the loss, shape (n_constants, n_constants)
    score: Score
    origin: str
    exact: tuple[ExactNumber, ...] = ()  # numbers of the formula that the data prove
    errors: NDArray[np.float64] | None = None  # covariance of the constants with those numbers free

    @property
    def length(self) -> float:
        """Description length."""
        return self.score.description_length


def refit(expression: Expression, problem: Problem, origin: str, *, max_steps: int = 200) -> Refined:
    """Fit the free constants to convergence from the values they have, or with one step judge them as they are."""
    found = fit(
        expression, problem.columns, problem.y, problem.weights, loss=problem.loss, max_steps=max_steps
    )
    if problem.objective.noise == "relative":
        found = fit_relative(found, problem, max_steps)
    if problem.has_negative_weights and problem.measure.kind == "squared":
        found = fit_signed(found, problem, max_steps)
    normal = curvature(found, problem)
    criteria = score(found.expression, found.loss, normal, problem)
    return Refined(found.expression, found.loss, normal, criteria, origin)


def refine(refined: Refined, problem: Problem) -> list[Refined]:
    """The formula in its simplest spelling, and what it becomes with exact numbers where those explain as well."""
    current = _plain(_simplified(_determined(refined, problem), problem), problem)
    found = [current]
    for _ in range(3):
        exact = _tied(with_exact_numbers(current, problem), problem)
        simpler = _plain(_simplified(exact, problem), problem)
        if simpler.expression == current.expression:
            break
        found.append(simpler)
        current = simpler
    return [tidied(r, problem) for r in found]


def polished(refined: Refined, problem: Problem) -> Refined:
    """The formula in its simplest spelling."""
    return tidied(_plain(_simplified(refined, problem), problem), problem)


def _simplified(refined: Refined, problem: Problem) -> Refined:
    sample = problem.X[:, :: max(1, len(problem.y) // _SAMPLE)]
    allowed = problem.space.allowed

    expression = refined.expression
    expression = simplify(
        expression,
        sample,
        complexity=problem.space.complexity,
        allowed=allowed,
        accept=lambda e: _fits(e, problem),
    )
    if expression == refined.expression:
        return refined
    again = refit(expression, problem, refined.origin)
    worse = again.loss > refined.loss * (1 + 1e-6) + problem.noise_floor
    return refined if worse else again


def tidied(refined: Refined, problem: Problem) -> Refined:
    """In its canonical form, with its signs where a reader expects them; a fit may have turned that of a constant."""
    allowed = problem.space.allowed
    expression = canonical(
        tidy(sinusoids(refined.expression, allowed), allowed),
        nonnegative=[bool(np.all(row >= 0)) for row in problem.X],
        positive=[bool(np.all(row > 0)) for row in problem.X],
        allowed=allowed,
        complexity=problem.space.complexity,
    )
    if expression == refined.expression or not _fits(expression, problem):
        return refined
    # The same values but for rounding: if the loss were larger now, the law would have lived on rounding errors.
    return refit(expression, problem, refined.origin)


def _plain(refined: Refined, problem: Problem) -> Refined:
    expression = with_plain_numbers(refined.expression)
    if expression == refined.expression or not _fits(expression, problem):
        return refined
    return refit(expression, problem, refined.origin)


def _determined(refined: Refined, problem: Problem) -> Refined:
    """Fix constants at 1 while there are more than the data could ever determine, as in ``a/(b + c*x)``."""
    current = refined
    while current.expression.n_constants > 1:
        direction = _undetermined(current, problem)
        if direction is None:
            return current
        for k in np.argsort(-np.abs(direction), kind="stable"):
            value = current.expression.constants[k]
            fixed = refit(current.expression.fix(int(k), 1.0 if value > 0 else -1.0), problem, refined.origin)
            as_good = fixed.loss <= current.loss * (1 + 1e-6) + problem.noise_floor
            if as_good and _fits(fixed.expression, problem):
                current = fixed
                break
        else:
            return current
    return current


def _undetermined(refined: Refined, problem: Problem) -> NDArray[np.float64] | None:
    """A direction in the space of relative changes of the constants that changes nothing; None if there is none."""
    scale = np.sqrt(np.diag(refined.normal))
    if not np.all(np.isfinite(scale)) or np.any(scale == 0):
        return None
    values, vectors = np.linalg.eigh(refined.normal / np.outer(scale, scale))
    direction: NDArray[np.float64] = vectors[:, 0]
    return direction if values[0] < _SINGULAR * len(values) else None


def with_exact_numbers(refined: Refined, problem: Problem, *, zero: bool = True) -> Refined:
    """Fix constants at the exact numbers that the data prove, one at a time, while the description gets no longer.

    Parameters
    ----------
    zero : whether what is zero within its error may become that.
    """
    current = refined
    while current.expression.n_constants:
        units = _dimensions_of_constants(current.expression, problem)
        errors = np.sqrt(np.diag(covariance(current, problem)))
        options = []
        for k, (value, error) in enumerate(zip(current.expression.constants, errors, strict=True)):
            exact = _exact_value(float(value), float(error), problem)
            unit = None if units is None else units[k]
            if exact == 0.0 and not zero:
                continue
            if exact and unit is not None and not unit.is_dimensionless:
                continue  # a number with a unit is a whole number only by the choice of units
            if exact is not None:
                options.append((abs(value - exact) / max(abs(exact), 1.0), k, exact))
        for _, k, exact in sorted(options):
            fixed = refit(current.expression.fix(k, exact), problem, refined.origin)
            if fixed.length <= current.length and problem.space.admits(fixed.expression):
                current = fixed
                break
        else:
            return current
    return current


def _tied(refined: Refined, problem: Problem) -> Refined:
    """Make one constant of two in a simple ratio, if the description gets no longer."""
    expression = refined.expression
    k = expression.n_constants
    if k < 2 or len(expression) > _LONGEST_TIED or not problem.objective.exact_numbers:
        return refined
    matrix = covariance(refined, problem)
    if not np.all(np.isfinite(matrix)):
        return refined
    options = []
    for i in range(k):
        for j in range(k):
            a, b = float(expression.constants[i]), float(expression.constants[j])
            if i == j or abs(b) < abs(a) or a == 0.0:
                continue
            exact = proven(b / a, _error_of_ratio(matrix[np.ix_([j, i], [j, i])], b, a), ratio=True)
            if exact:
                options.append(
                    (abs(b / a - exact) / abs(exact), i, j, Fraction(exact).limit_denominator(1000))
                )
    for _, i, j, fraction in sorted(options):
        for candidate in tie(expression, i, j, fraction, len(problem.X), problem.space.allowed):
            if _fits(candidate, problem):
                tied = refit(candidate, problem, refined.origin)
                if tied.length <= refined.length:
                    return tied
    return refined


def _error_of_ratio(matrix: NDArray[np.float64], b: float, a: float) -> float:
    """Standard error of b/a; infinite where their squares are no numbers."""
    with np.errstate(all="ignore"):
        slopes = np.array([1.0, -b / a]) / a
        variance = float(slopes @ matrix @ slopes)
    return math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.inf


def _exact_value(value: float, error: float, problem: Problem) -> float | None:
    """Zero, which the description length decides on, or a number that the data prove."""
    if not math.isfinite(error) or value == 0.0:
        return None
    if abs(value) <= _SIGMAS * error:
        return 0.0
    return proven(value, error) if problem.objective.exact_numbers else None


def covariance(refined: Refined, problem: Problem) -> NDArray[np.float64]:
    """Covariance of the free constants, shape (n_constants, n_constants); of numbers made exact see `assess`.

    With known uncertainties or a declared likelihood, the inverse of its curvature. Without, the sandwich of
    `curvature.sandwich` (HC3), which holds whatever the residuals' distribution is and if it differs from row to row,
    widened by Student's t. Where there are fewer than ten rows for each constant, that is too wide (80 % at 8 rows) and
    scatters much: the larger of the sandwich that is right for residuals of one size (HC2) and what these give is
    taken. Of relative noise the curvature of its likelihood. Infinite where the data do not fix a constant. What
    value +- error then holds is measured in ``benchmarks/coverage.py``.
    """
    n, k, measure = problem.n_effective, refined.expression.n_constants, problem.measure
    if k == 0:
        return np.zeros((0, 0))
    curved = _inverse(refined.normal)
    events = problem.dataset.weights_mean == "events"
    by_rows = measure.kind != "function" and problem.objective.noise != "relative"
    if measure.scale_is_known and (measure.kind == "squared" or measure.is_likelihood):
        return (
            sandwich(refined.expression, curved, problem)
            if events and by_rows
            else curved / (n * (2.0 if measure.is_likelihood else 1.0))
        )
    if n <= k or not np.isfinite(curved).all():
        return np.full((k, k), np.inf)
    floor = max(measure.floor_of(refined.expression, refined.loss), 1e-300)
    classical = curved * (max(refined.loss, floor) / (n - k))
    if by_rows and refined.loss > floor and n < _FEW_ROWS * k and measure.kind == "squared":
        return _at_least(sandwich(refined.expression, curved, problem, 1.0), classical)
    spread = sandwich(refined.expression, curved, problem) if by_rows and refined.loss > floor else classical
    widened: NDArray[np.float64] = spread * float(stdtrit(n - k, _ONE_SIGMA)) ** 2
    return widened


def _at_least(covariance: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """With each variance as large as that of the other, and the correlations as they are."""
    with np.errstate(all="ignore"):
        factors = np.sqrt(np.maximum(np.diag(other) / np.diag(covariance), 1.0))
    factors = np.where(np.isfinite(factors), factors, 1.0)
    larger: NDArray[np.float64] = covariance * np.outer(factors, factors)
    return larger


def _inverse(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a symmetric matrix; infinite where it is not positive."""
    k = len(information)
    if np.any(np.diag(information) <= 0):
        return np.full((k, k), np.inf)
    scale = np.sqrt(np.diag(information))
    if not np.all(np.isfinite(scale)) or np.any(scale == 0):
        return np.full((k, k), np.inf)
    # Scaled to a unit diagonal, so that constants of very different size do not look degenerate.
    correlation = information / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < _SINGULAR * k:
        return np.full((k, k), np.inf)
    with np.errstate(all="ignore"):
        inverse: NDArray[np.float64] = (vectors / values) @ vectors.T / np.outer(scale, scale)
    return inverse


def law_of(refined: Refined, problem: Problem) -> Law:
    """The refined formula with errors and units of its constants."""
    expression = refined.expression
    matrix = covariance(refined, problem) if refined.errors is None else refined.errors
    units = units_of_constants(expression, problem)
    constants = tuple(
        Constant(f"c{k + 1}", float(value), float(np.sqrt(matrix[k, k])), units[k])
        for k, value in enumerate(expression.constants)
    )
    report = problem.dimension_report(expression)
    return Law(
        expression=expression,
        loss=refined.loss,
        complexity=problem.space.complexity.of(expression),
        score=refined.score,
        covariance=matrix,
        constants=constants,
        units_hold=None if report is None else report.holds,
        origin=refined.origin,
        features=problem.dataset.features,
        target=problem.dataset.target,
        positive=tuple(bool(np.all(row > 0)) for row in problem.X),
        exact=refined.exact,
    )


def distinct(candidates: Iterable[tuple[Expression, str]]) -> list[tuple[Expression, str]]:
    """Every formula once, up to the values of its constants; the first comes through."""
    seen: set[tuple[bytes, bytes, bytes]] = set()
    kept = []
    for expression, origin in candidates:
        key = structure(expression)
        if key not in seen:
            seen.add(key)
            kept.append((expression, origin))
    return kept


def structure(expression: Expression) -> tuple[bytes, bytes, bytes]:
    """What is left of a formula when the values of its free constants are forgotten."""
    values = expression.with_constants(np.zeros(expression.n_constants)).values
    return expression.ops.tobytes(), expression.args.tobytes(), values.tobytes()


def _fits(expression: Expression, problem: Problem) -> bool:
    """Whether a formula may stand on the front."""
    return problem.space.admits(expression) and units_hold(expression, problem)


def units_hold(expression: Expression, problem: Problem) -> bool:
    """Whether the formula is dimensionally right, or the problem does not ask."""
    report = problem.dimension_report(expression) if problem.check_units else None
    return report is None or report.holds


def _dimensions_of_constants(expression: Expression, problem: Problem) -> tuple[Dimension | None, ...] | None:
    report = problem.dimension_report(expression)
    return report.constants if report is not None and report.holds else None
