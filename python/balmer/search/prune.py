"""Parts that a formula does not need, taken away: an operator gives way to one of its operands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from balmer.engines import Problem
from balmer.expressions import Expression
from balmer.expressions.operators import OPERATORS_BY_CODE
from balmer.search.refine import Refined, refit

__all__ = ["pruned"]


def pruned(refined: Refined, problem: Problem, enough: float) -> Refined:
    """The formula without the parts it can do without.

    Parameters
    ----------
    enough : the loss, after another fit, with which a shorter formula is as good.
    """
    shorter = True
    while shorter:
        shorter = False
        for candidate in _without_one(refined.expression):
            fitted = refit(candidate, problem, refined.origin)
            if fitted.loss <= enough:
                refined, shorter = fitted, True
                break
    return refined


def _without_one(expression: Expression) -> Iterator[Expression]:
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
