"""Are the exact numbers of a law proven? Each is set free, fitted with all the others, and judged.

``c1*a**(3/2)`` came with its exponent from a list of fractions, ``c1 - log(P)`` with a slope of one that nobody wrote.
A law is compared with its free form ``c1*a**c2``, ``c1 - c2*log(P)``: where the data prove every number (`exact`), the
law stands, tells what the free fit gives for its numbers, and its constants have the errors of that fit. Where they do
not, the free form takes its place, at the price of the law: it is the same law, said more honestly.

Roots and whole powers belong to the form of a law, as its products do: where the data do not prove them they stay, and
are no exact number. A law with a free exponent in their place competes by its own description length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from balmer.engines import Problem
from balmer.expressions import Expression, apply, constant
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, VARIABLE, UnitRule
from balmer.kernels import fit
from balmer.search.exact import ExactNumber, proven
from balmer.search.refine import Refined, covariance, polished, refit, units_hold, with_exact_numbers

__all__ = ["assess", "free_form"]

_MOST = 6  # numbers that are set free at once
_DEGENERATE = (
    1e-8  # eigenvalue of the scaled curvature below which a number cannot be told from the constants
)
_CHEAPER = 1e-6  # nats by which a free form is preferred to its law
_ANOTHER_EXPONENT = 1.01234
_SMALLEST_ROWS = 3  # rows beyond the number of constants, without which nothing is proven


@dataclass(frozen=True)
class _Site:
    """A number of a formula: the literal in that place, or a factor of 1 before the term that ends there."""

    place: int
    is_factor: bool


def assess(refined: Refined, problem: Problem, scored: Callable[[Refined], Refined]) -> list[Refined]:
    """The law with what is known of its exact numbers, and its free form where they are not proven.

    Where exact numbers are not wanted, every number that a fit can tell is free in the form.

    Parameters
    ----------
    scored : gives a law the score by which laws are chosen.
    """
    sites = _identifiable(refined.expression, problem)
    free = _free_fit(refined, sites, problem)
    form = [site for site in sites if _belongs_to_form(refined.expression, site)]
    if free is not None and form and refined.loss > problem.noise_floor:
        numbers = _with_estimates(refined, free, sites, problem).exact
        unproven = [s for s, n in zip(sites, numbers, strict=True) if proven(n.estimate, n.error) != n.value]
        sites = [s for s in sites if s not in form or s not in unproven]
        free = _free_fit(refined, sites, problem)
    if free is None:
        return [refined]
    known = _with_estimates(refined, free, sites, problem)
    wanted = problem.objective.exact_numbers
    if wanted and refined.loss <= problem.noise_floor:  # nothing is left that could speak against them
        return [known]
    after = with_exact_numbers(free, problem, zero=False)
    if after.expression.n_constants <= refined.expression.n_constants:
        return [known] if wanted else [refined]
    honest = scored(polished(after, problem))
    if honest.expression == refined.expression or not problem.space.admits(honest.expression):
        return [known]
    price = min(honest.length, refined.length - _CHEAPER)
    honest = replace(honest, score=replace(honest.score, description_length=price))
    left = [
        s for s in _identifiable(honest.expression, problem) if not _belongs_to_form(honest.expression, s)
    ]
    again = _free_fit(honest, left, problem)
    return [refined, honest if again is None else _with_estimates(honest, again, left, problem)]


def _free_fit(refined: Refined, sites: list[_Site], problem: Problem) -> Refined | None:
    """The fit with these numbers free; None if there are none, or it does not find what the law has."""
    if not sites:
        return None
    free = refit(_freed(refined.expression, sites), problem, refined.origin)
    return free if free.loss <= refined.loss * (1 + 1e-6) + problem.noise_floor else None


def _belongs_to_form(expression: Expression, site: _Site) -> bool:
    """Whether a number is an exponent that makes a whole power or a root."""
    if site.is_factor or site.place not in _exponents(expression):
        return False
    power = abs(float(expression.values[site.place]))
    return power.is_integer() or power == 0.5


def free_form(expression: Expression, problem: Problem) -> Expression:
    """The formula with every number free that a fit can tell from the others, but for whole powers and roots."""
    sites = [s for s in _identifiable(expression, problem) if not _belongs_to_form(expression, s)]
    return _freed(expression, sites)


def _with_estimates(refined: Refined, free: Refined, sites: list[_Site], problem: Problem) -> Refined:
    """The law with what the fit of its free form says of its numbers, and with the errors of that fit."""
    matrix = covariance(free, problem)
    where = [_places(refined.expression, sites, only=site) for site in sites]
    values = [1.0 if s.is_factor else float(refined.expression.values[s.place]) for s in sites]
    estimates = free.expression.constants
    exact = tuple(
        ExactNumber(value, float(estimates[k]), float(np.sqrt(matrix[k, k])), site.is_factor)
        for value, k, site in zip(values, where, sites, strict=True)
    )
    others = [k for k in range(len(estimates)) if k not in where]
    return replace(refined, exact=exact, errors=matrix[np.ix_(others, others)])


def _places(expression: Expression, sites: list[_Site], only: _Site) -> int:
    """Which of the constants of the free form a site is."""
    with_all = _freed(expression, sites)
    marked = _freed(expression, sites, mark=only)
    changed = np.flatnonzero(with_all.constants != marked.constants)
    return int(changed[0])


def _freed(expression: Expression, sites: list[_Site], mark: _Site | None = None) -> Expression:
    """The formula with constants in these places; that of `mark` is not a number."""
    literals = {s.place: s for s in sites if not s.is_factor}
    factors = {s.place: s for s in sites if s.is_factor}

    def number(site: _Site, value: float) -> Expression:
        return constant(np.nan if site == mark else value)

    def with_factor(i: int, part: Expression) -> Expression:
        return apply("mul", number(factors[i], 1.0), part) if i in factors else part

    def leaf(i: int) -> Expression:
        if i in literals:
            return number(literals[i], float(expression.values[i]))
        return with_factor(i, expression.subtree(i))

    def node(i: int, below: list[Expression]) -> Expression:
        return with_factor(i, apply(OPERATORS_BY_CODE[int(expression.ops[i])].name, *below))

    return expression.fold(leaf, node)


def _identifiable(expression: Expression, problem: Problem) -> list[_Site]:
    """The numbers that a fit can tell from the constants and from each other."""
    chosen: list[_Site] = []
    k = expression.n_constants
    for site in _sites(expression, problem):
        if len(chosen) == _MOST or k + len(chosen) + 1 + _SMALLEST_ROWS > len(problem.y):
            break
        if _is_regular(_freed(expression, [*chosen, site]), problem):
            chosen.append(site)
    return chosen


def _is_regular(expression: Expression, problem: Problem) -> bool:
    normal = fit(expression, problem.X, problem.y, problem.square_weights, max_steps=1).normal
    scale = np.sqrt(np.diag(normal)) if len(normal) else np.zeros(1)
    if not np.all(np.isfinite(scale)) or np.any(scale == 0):
        return False
    return bool(np.linalg.eigvalsh(normal / np.outer(scale, scale))[0] > _DEGENERATE)


def _sites(expression: Expression, problem: Problem) -> Iterator[_Site]:
    """Literals first, then factors of 1 before the terms of the whole and of the arguments of functions."""
    exponents = _exponents(expression)
    for i, (op, _, value) in enumerate(expression):
        if op == LITERAL and value != 0.0:
            site = _Site(i, False)
            if not (problem.check_units and i in exponents) or _may_vary(expression, site, problem):
                yield site
    if "mul" not in problem.space.allowed:
        return
    roots = [len(expression) - 1]
    for i, op in enumerate(expression.ops):
        entry = OPERATORS_BY_CODE.get(int(op))
        # A factor in a logarithm is an offset beside it.
        if entry is not None and entry.unit_rule is UnitRule.PURE and entry.name != "log":
            roots.append(i - 1)
    for root in roots:
        for term in _terms(expression, root):
            if not _has_number(expression, term):
                yield _Site(term, True)


def _may_vary(expression: Expression, site: _Site, problem: Problem) -> bool:
    """Whether the units leave an exponent open: a constant beside its power can take up whatever unit it has."""
    varied = _freed(expression, [site])
    k = _places(expression, [site], only=site)
    theta = varied.constants.copy()
    theta[k] *= _ANOTHER_EXPONENT
    return units_hold(varied.with_constants(theta), problem)


def _exponents(expression: Expression) -> set[int]:
    return {i - 1 for i, op in enumerate(expression.ops) if _name(int(op)) == "pow"}


def _terms(expression: Expression, root: int) -> Iterator[int]:
    name = _name(int(expression.ops[root]))
    if name in ("add", "sub", "neg"):
        for child in _operands(expression, root):
            yield from _terms(expression, child)
    elif name or expression.ops[root] == VARIABLE:
        yield root


def _has_number(expression: Expression, root: int) -> bool:
    """Whether a number stands among the factors of a term."""
    if expression.ops[root] in (CONSTANT, LITERAL):
        return True
    if _name(int(expression.ops[root])) in ("mul", "div", "neg"):
        return any(_has_number(expression, child) for child in _operands(expression, root))
    return False


def _operands(expression: Expression, root: int) -> list[int]:
    """Places in which the operands of a node end."""
    found, end = [], root - 1
    for _ in range(OPERATORS_BY_CODE[int(expression.ops[root])].arity):
        found.append(end)
        end = expression.subtree_start(end) - 1
    return found[::-1]


def _name(op: int) -> str:
    entry = OPERATORS_BY_CODE.get(op)
    return "" if entry is None else entry.name
