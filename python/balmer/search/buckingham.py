"""Buckingham's reduction: a problem with units becomes one in dimensionless groups, of which there are fewer.

Any formula that holds dimensionally is y = S g(pi_1, pi_2, ...) with a product of powers S that has the target's
dimension and independent dimensionless products pi (E. Buckingham, Phys. Rev. 4 (1914) 345). Which S and which groups
make g simple cannot be known beforehand, so several of both are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import numpy as np

from balmer.engines import Problem
from balmer.expressions import Expression, apply, constant, express_in, simplify, variable
from balmer.kernels import fit, losses
from balmer.search.enumeration import small_formulas
from balmer.search.power_law import power_laws
from balmer.search.powers import product_of_powers
from balmer.search.reductions import Reduced
from balmer.search.refine import units_hold
from balmer.units import Dimension, pi_groups, solve_powers

__all__ = ["reduced_formulas", "reductions"]

_EFFORT = 0.4  # of that for the problem itself, for each reduction
_SIMPLIFIED = 3  # of the formulas of a reduction that are too long as they come, the best
_SAMPLE = 200  # rows on which a simplification must change nothing
_MOST = 3  # reductions


def reductions(problem: Problem) -> list[tuple[Reduced, Expression]]:
    """The problem for y/S in dimensionless groups, with S, for up to `_MOST` choices of both.

    There are none where that is no help: without units, where all features are dimensionless already, where the target
    follows from its dimension but for a factor, and where a feature that has a dimension is somewhere zero.
    """
    if not problem.check_units or problem.dimensions is None:
        return []
    *features, target = problem.dimensions
    n = len(features)
    dimensional = [i for i, d in enumerate(features) if not d.is_dimensionless]
    if not dimensional or np.any(problem.X[dimensional] == 0):
        return []
    root, found = Reduced.root(problem), []
    for groups, powers in _choices(features, target):
        if not groups or len(groups) >= n:
            return []
        scale, inner = _product(powers), [_product(group) for group in groups]
        with np.errstate(all="ignore"):
            size = scale.evaluate(problem.X) * np.ones(len(problem.y))
            columns = [group.evaluate(problem.X) for group in inner]
            rest = problem.y / size
        usable = np.all(np.isfinite(size)) and np.all(np.isfinite(rest)) and np.all(np.isfinite(columns))
        if usable and np.ptp(rest) > 0:  # else the scale is the law
            found.append((root.in_terms_of(inner, rest, steepness=1 / size), scale))
    return found[:_MOST]


def reduced_formulas(problem: Problem, effort: float) -> list[Expression]:
    """Power laws and small formulas of every reduction, as formulas of the problem's features.

    Parameters
    ----------
    effort : as of `balmer.search.enumeration.small_formulas` for the problem itself.
    """
    formulas = _monomials(problem)
    for node, scale in reductions(problem):
        small = [*power_laws(node.problem), *small_formulas(node.problem, _EFFORT * effort)]
        new = [apply("mul", scale, node.whole(e)) for e in small]
        loss = losses(new, problem.columns, problem.y, problem.weights, loss=problem.loss)
        too_long = 0
        for k in np.argsort(loss, kind="stable"):
            whole = express_in(new[k], problem.space.allowed)
            if whole is None or not np.isfinite(loss[k]):
                continue
            if not _fits(whole, problem) and too_long < _SIMPLIFIED:
                too_long += 1
                whole = simplify(
                    whole,
                    problem.X[:, :: max(1, len(problem.y) // _SAMPLE)],
                    complexity=problem.space.complexity,
                    allowed=problem.space.allowed,
                )
            if _fits(whole, problem):
                formulas.append(whole)
        if np.min(loss, initial=np.inf) <= problem.noise_floor:
            break
    return formulas


def _monomials(problem: Problem) -> list[Expression]:
    """A factor times a product of powers of the target's dimension; features that do not vary take part too."""
    if not problem.check_units or problem.dimensions is None or np.any(problem.X == 0):
        return []
    *features, target = problem.dimensions
    found = []
    for scale in dict.fromkeys(scale for _, scale in _choices(features, target)):
        formula = express_in(apply("mul", constant(1.0), _product(scale)), problem.space.allowed)
        if formula is not None and _fits(formula, problem):
            found.append(fit(formula, problem.X, problem.y, problem.square_weights).expression)
    return found


def _choices(
    features: Sequence[Dimension], target: Dimension
) -> Iterator[tuple[tuple[tuple[Fraction, ...], ...], tuple[Fraction, ...]]]:
    """Powers of the groups and of the scale, each choice once.

    Which basis and which scale the algebra gives depends on the order of the features. First come those that one order
    gives, then the other pairs.
    """
    n = len(features)
    bases: list[tuple[tuple[Fraction, ...], ...]] = []
    scales: list[tuple[Fraction, ...]] = []
    for order in (list(range(n)), list(range(n))[::-1], [*range(n // 2, n), *range(n // 2)]):
        dimensions = [features[i] for i in order]
        powers = solve_powers(target, dimensions)
        if powers is None:
            return
        back = np.argsort(order)
        scales.append(tuple(powers[k] for k in back))
        basis = (tuple(Fraction(group[k]) for k in back) for group in pi_groups(dimensions))
        bases.append(tuple(sorted(basis, reverse=True)))
    yield from dict.fromkeys([*zip(bases, scales, strict=True), *product(bases, scales)])


def _product(powers: Sequence[Fraction]) -> Expression:
    used = [i for i, p in enumerate(powers) if p != 0]
    return product_of_powers(None, [variable(i) for i in used], [powers[i] for i in used])


def _fits(expression: Expression, problem: Problem) -> bool:
    return problem.space.admits(expression) and units_hold(expression, problem)
