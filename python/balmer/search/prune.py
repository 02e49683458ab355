"""Parts that a formula does not need, taken away: an operator gives way to one of its operands, numbers merge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from balmer.engines import Problem
from balmer.expressions import Expression, apply, constant, literal
from balmer.expressions.literals import known_number
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, VARIABLE
from balmer.kernels import fit
from balmer.search.refine import Refined, refit, units_hold

__all__ = ["merged", "pruned", "shortened", "without_one"]

_SAMPLE = 300  # rows on which a shorter formula must hold before it is fitted to all
_CANCELLED = 1e-9  # part of its terms of which a sum counts as zero


def pruned(refined: Refined, problem: Problem, enough: float) -> Refined:
    """The formula without the parts it can do without.

    Parameters
    ----------
    enough : the loss, after another fit, with which a shorter formula is as good.
    """
    shorter = True
    while shorter:
        shorter = False
        for candidate in without_one(refined.expression):
            fitted = refit(candidate, problem, refined.origin)
            if fitted.loss <= enough:
                refined, shorter = fitted, True
                break
    return refined


def without_one(expression: Expression) -> Iterator[Expression]:
    """Every formula with one operator replaced by one of its operands, the largest gain first."""
    found = []
    for root, op in enumerate(expression.ops):
        if int(op) not in OPERATORS_BY_CODE:
            continue
        start = expression.subtree_start(root)
        for operand in expression.subtree(root).children():
            found.append(
                Expression(
                    np.concatenate([expression.ops[:start], operand.ops, expression.ops[root + 1 :]]),
                    np.concatenate([expression.args[:start], operand.args, expression.args[root + 1 :]]),
                    np.concatenate(
                        [expression.values[:start], operand.values, expression.values[root + 1 :]]
                    ),
                )
            )
    yield from sorted((e for e in found if e.variables), key=len)


def shortened(refined: Refined, problem: Problem) -> Refined:
    """A formula that leaves nothing to explain, with all that it does not need for that taken away.

    A search ends at the first such formula, which need not be the shortest: an evolution leaves terms that are
    rounding, numbers that stand twice, and whole numbers where others would do.
    """
    if not problem.is_exact(refined.expression, refined.loss):
        return refined
    floor = problem.measure.floor_of(refined.expression)
    cost = problem.space.complexity
    rows = np.unique(np.linspace(0, len(problem.y) - 1, _SAMPLE).astype(np.int64))
    X, y, w = np.ascontiguousarray(problem.columns[:, rows]), problem.y[rows], problem.weights[rows]
    enough = floor * max(1.0, w.sum() / problem.weights.sum())
    shorter = True
    while shorter:
        shorter = False
        now = refined.expression
        found = {
            e: None
            for e in (merged(now), *without_one(now), *_without_number(now))
            if cost.of(e) < cost.of(now)
        }
        for candidate in sorted(found, key=cost.of):
            if not problem.space.admits(candidate) or not units_hold(candidate, problem):
                continue
            first = fit(candidate, X, y, w, loss=problem.loss)
            if not first.loss <= enough:
                continue
            fitted = refit(first.expression, problem, refined.origin)
            if problem.is_exact(fitted.expression, fitted.loss):
                refined, shorter = fitted, True
                break
    return refined


def _without_number(expression: Expression) -> Iterator[Expression]:
    """Every formula with an exact number replaced by 1, which then falls away."""
    for place in np.flatnonzero((expression.ops == LITERAL) & (expression.values != 1.0)):
        values = expression.values.copy()
        values[place] = 1.0
        yield merged(Expression(expression.ops, expression.args, values))


@dataclass(frozen=True)
class _Affine:
    """shift + factor * core; a number where there is no core. `free` tells whether a free constant is in a number."""

    shift: float
    factor: float
    core: Expression | None
    free: bool

    @property
    def is_number(self) -> bool:
        return self.core is None

    def times(self, number: float, free: bool) -> _Affine:
        return replace(self, shift=self.shift * number, factor=self.factor * number, free=self.free or free)

    def written(self) -> Expression:
        """The formula, in which no number stands that changes nothing."""
        if self.core is None:
            return self.number(self.shift)
        term = self.core
        if self.factor == -1.0:
            term = apply("neg", term) if self.shift == 0.0 else apply("sub", self.number(self.shift), term)
            return term
        if self.factor != 1.0:
            term = apply("mul", self.number(self.factor), term)
        return term if self.shift == 0.0 else apply("add", self.number(self.shift), term)

    def number(self, value: float) -> Expression:
        # What has no name is a number like any fitted one.
        known = None if self.free else known_number(value)
        return constant(value) if known is None else literal(known.value)


def merged(expression: Expression) -> Expression:
    """The formula with the numbers of sums and products brought together: ``1 - 0.8*(5/4 - x)`` becomes ``0.8*x``."""
    return _affine(expression).written()


def _affine(expression: Expression) -> _Affine:
    op = int(expression.ops[-1])
    if op in (CONSTANT, LITERAL):
        return _Affine(float(expression.values[-1]), 0.0, None, op == CONSTANT)
    if op == VARIABLE:
        return _Affine(0.0, 1.0, expression, False)
    name = OPERATORS_BY_CODE[op].name
    parts = [_affine(child) for child in expression.children()]
    first, last = parts[0], parts[-1]
    match name:
        case "neg":
            return first.times(-1.0, False)
        case "add" | "sub":
            return _sum(first, last.times(-1.0 if name == "sub" else 1.0, False))
        case "mul":
            if first.is_number or last.is_number:
                number, other = (first, last) if first.is_number else (last, first)
                return other.times(number.shift, number.free)
        case "div":
            if last.is_number and last.shift != 0.0:
                return first.times(1.0 / last.shift, last.free)
    if name in ("mul", "div") and last.shift == 0.0 and last.factor != 0.0 and last.core is not None:
        factor = last.factor if name == "mul" else 1.0 / last.factor
        if first.core is None:  # c/(b u)
            return _Affine(0.0, 1.0, apply(name, first.times(factor, last.free).written(), last.core), False)
        if first.shift == 0.0:
            return _Affine(
                0.0, first.factor * factor, apply(name, first.core, last.core), first.free or last.free
            )
    if all(part.is_number for part in parts):  # what is no sum or product is left as it is
        return _Affine(0.0, 1.0, expression, False)
    return _Affine(0.0, 1.0, apply(name, *(part.written() for part in parts)), False)


def _sum(a: _Affine, b: _Affine) -> _Affine:
    shift = a.shift + b.shift
    if abs(shift) <= _CANCELLED * max(abs(a.shift), abs(b.shift)):
        shift = 0.0
    free = a.free or b.free
    if a.core is None or b.core is None:
        core = a if b.core is None else b
        return _Affine(shift, core.factor, core.core, free)
    rest = [replace(part, shift=0.0) for part in (a, b)]
    if rest[1].factor < 0.0:
        inner = apply("sub", rest[0].written(), rest[1].times(-1.0, False).written())
    else:
        inner = apply("add", *(part.written() for part in rest))
    return _Affine(shift, 1.0, inner, a.free if not b.shift else b.free if not a.shift else free)
