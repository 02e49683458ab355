"""From candidates to laws: constants refitted to convergence, whole numbers recognised, formulas simplified."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression, canonical, simplify, tidy, tie, with_plain_numbers
from balmer.kernels import fit
from balmer.search.curvature import curvature
from balmer.search.law import Constant, Law
from balmer.search.selection import Score, score
from balmer.units import Dimension, Unit, parse_unit, pi_groups, solve_powers

__all__ = [
    "Refined",
    "covariance",
    "distinct",
    "law_of",
    "refine",
    "refit",
    "structure",
    "tidied",
    "units_hold",
]

_SAMPLE = 200  # rows on which a simplified formula must agree with the original
_DENOMINATORS = (1, 2, 3, 4)
_LARGEST_NUMERATOR = 100
_SIGMAS = 3.0
_SINGULAR = 1e-13  # eigenvalue of the scaled curvature, per constant, below which a direction is undetermined
_READABLE = 12  # largest denominator in the exponents of a unit worth showing
_LONGEST_TIED = 20  # nodes of a formula in which ratios of constants are looked at
_SHARP = 0.05  # relative error above which a constant is too vague to be called a whole number


@dataclass(frozen=True)
class Refined:
    """A formula with its constants at the optimum on all rows."""

    expression: Expression
    loss: float
    normal: NDArray[np.float64]  # half the second derivative of the loss, shape (n_constants, n_constants)
    scatter: NDArray[np.float64] | None  # of its slope; see `curvature`
    score: Score
    origin: str

    @property
    def length(self) -> float:
        """Description length."""
        return self.score.description_length


def refit(expression: Expression, problem: Problem, origin: str, *, max_steps: int = 200) -> Refined:
    """Fit the free constants to convergence from the values they have, or with one step judge them as they are."""
    found = fit(
        expression, problem.columns, problem.y, problem.weights, loss=problem.loss, max_steps=max_steps
    )
    normal, scatter = curvature(found, problem)
    criteria = score(found.expression, found.loss, normal, problem)
    return Refined(found.expression, found.loss, normal, scatter, criteria, origin)


def refine(refined: Refined, problem: Problem) -> list[Refined]:
    """The formula in its simplest spelling, and what it becomes with exact numbers where those explain as well."""
    current = _plain(_simplified(_determined(refined, problem), problem), problem)
    found = [current]
    for _ in range(3):
        simpler = _plain(_simplified(_tied(_snapped(current, problem), problem), problem), problem)
        if simpler.expression == current.expression:
            break
        found.append(simpler)
        current = simpler
    return [tidied(r, problem) for r in found]


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
    expression = canonical(
        tidy(refined.expression, problem.space.allowed),
        nonnegative=[bool(np.all(row >= 0)) for row in problem.X],
        positive=[bool(np.all(row > 0)) for row in problem.X],
        allowed=problem.space.allowed,
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


def _snapped(refined: Refined, problem: Problem) -> Refined:
    """Fix constants at whole numbers and simple fractions, one at a time, while the description gets no longer."""
    current = refined
    while current.expression.n_constants:
        units = _dimensions_of_constants(current.expression, problem)
        errors = np.sqrt(np.diag(covariance(current, problem)))
        options = []
        for k, (value, error) in enumerate(zip(current.expression.constants, errors, strict=True)):
            exact = _nearest_simple(float(value), float(error))
            unit = None if units is None else units[k]
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
    if k < 2 or len(expression) > _LONGEST_TIED:
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
            ratio = b / a
            variance = matrix[j, j] / a**2 + ratio**2 * matrix[i, i] / a**2 - 2 * ratio * matrix[i, j] / a**2
            exact = _nearest_simple(ratio, float(np.sqrt(max(variance, 0.0))))
            if exact:
                options.append(
                    (abs(ratio - exact) / abs(exact), i, j, Fraction(exact).limit_denominator(1000))
                )
    for _, i, j, fraction in sorted(options):
        for candidate in tie(expression, i, j, fraction, len(problem.X), problem.space.allowed):
            if _fits(candidate, problem):
                tied = refit(candidate, problem, refined.origin)
                if tied.length <= refined.length:
                    return tied
    return refined


def _nearest_simple(value: float, error: float) -> float | None:
    """Zero, or a whole number, half, third or quarter, within the error of the value if that can be told."""
    if not math.isfinite(error) or value == 0.0:
        return None
    if abs(value) <= _SIGMAS * error:
        return 0.0
    if error > _SHARP * abs(value):
        return None
    for denominator in _DENOMINATORS:
        nearest = Fraction(round(value * denominator), denominator)
        if nearest == 0 or abs(nearest.numerator) > _LARGEST_NUMERATOR:
            continue
        if abs(value - float(nearest)) <= max(_SIGMAS * error, 1e-9 * abs(value)):
            return float(nearest)
    return None


def covariance(refined: Refined, problem: Problem) -> NDArray[np.float64]:
    """Covariance of the free constants, shape (n_constants, n_constants).

    Of the squared loss the inverse of half the curvature of chi^2 where uncertainties are known; else scaled by the
    residual variance with n - k degrees of freedom. Of other losses of a row the sandwich A^-1 B A^-1 of their
    curvature and the scatter of their slope, which holds whatever the distribution of the residuals is (P. J. Huber,
    Proc. 5th Berkeley Symp. 1 (1967) 221), times n/(n - k). Of a function of the user's the inverse curvature of the
    likelihood that it stands for. Infinite where the data do not fix a constant.
    """
    n, k = len(problem.y), refined.expression.n_constants
    if k == 0:
        return np.zeros((0, 0))
    scale_is_known = problem.measure.kind == "squared" and problem.dataset.sigma is not None
    if not scale_is_known and n <= k:
        return np.full((k, k), np.inf)
    if refined.scatter is not None:
        inverse = _inverse(refined.normal)
        return inverse @ refined.scatter @ inverse * (n / (n - k)) if np.isfinite(inverse).all() else inverse
    if scale_is_known:
        return _inverse(n * refined.normal)
    return _inverse((n - k) * refined.normal / max(refined.loss, problem.noise_floor, 1e-300))


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
    inverse: NDArray[np.float64] = (vectors / values) @ vectors.T / np.outer(scale, scale)
    return inverse


def law_of(refined: Refined, problem: Problem) -> Law:
    """The refined formula with errors and units of its constants."""
    expression = refined.expression
    matrix = covariance(refined, problem)
    dimensions = _dimensions_of_constants(expression, problem)
    constants = tuple(
        Constant(
            f"c{k + 1}",
            float(value),
            float(np.sqrt(matrix[k, k])),
            None if dimensions is None else _unit(dimensions[k], problem),
        )
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


def _unit(dimension: Dimension | None, problem: Problem) -> Unit | None:
    """A unit for a constant as a product of powers of the columns' units, the target's first; None if ambiguous."""
    if dimension is None or problem.dimensions is None or not _coherent(problem):
        return None
    if dimension.is_dimensionless:
        return parse_unit("1")
    if any(exponent.denominator > _READABLE for exponent in dimension.exponents):
        return None  # of a power with a fitted exponent
    columns = (problem.dataset.target, *problem.dataset.features)
    units = [column.unit for column in columns if column.unit is not None]
    powers = solve_powers(dimension, [unit.dimension for unit in units])
    if powers is None:
        return None
    unit: Unit | None = None
    for factor, power in zip(units, powers, strict=True):
        if power != 0:
            unit = factor**power if unit is None else unit * factor**power
    return unit


def _coherent(problem: Problem) -> bool:
    """Whether the columns' units belong to one system, so that every way to compose a unit gives the same number."""
    columns = (problem.dataset.target, *problem.dataset.features)
    units = [column.unit for column in columns if column.unit is not None]
    for group in pi_groups([unit.dimension for unit in units]):
        logarithm = sum(p * math.log(unit.scale) for p, unit in zip(group, units, strict=True))
        if abs(logarithm) > 1e-9:
            return False
    return True
