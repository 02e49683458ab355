"""Between the numbers of columns and those of formulas: degrees and radians, per cent and fractions.

A formula is of numbers in base scale (`balmer.units.Unit.factor`); the user has numbers in the columns' own units. Here
one becomes the other, in arrays and in sympy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from balmer.data import Column, Dataset
from balmer.expressions import Expression, apply, literal, variable
from balmer.units import base_unit

__all__ = ["factor", "from_columns", "in_columns", "into_unit_of", "reading", "to_columns"]

_EXACT = 1e-15  # relative
_LARGEST = 10**13  # denominator of a factor that is taken for exact: a microarcsecond has 6.5e11


def factor(column: Column) -> float:
    """What a number of the column is multiplied by in formulas."""
    return 1.0 if column.unit is None else column.unit.factor


def into_unit_of(column: Column, data: Dataset) -> float:
    """What to multiply a column of another table by to have it in the unit of this one; 1 where that is not known."""
    unit, other = column.unit, data.units.get(column.name)
    if unit is None or other is None or unit.dimension != other.dimension or unit.refusal or other.refusal:
        return 1.0
    return 1.0 if unit.scale == other.scale else other.scale / unit.scale


def in_columns(formula: Any, features: Sequence[Column], target: Column) -> Any:
    """A sympy formula in base scale as one of the columns' own numbers, which gives the target's."""

    scaled = {column.name: factor(column) for column in features if factor(column) != 1.0}
    symbols = {s: s * _sympy_number(scaled[s.name]) for s in formula.free_symbols if s.name in scaled}
    # Not subs, which would look for the whole inside the parts.
    formula = formula.xreplace(symbols)
    of_target = factor(target)
    return formula if of_target == 1.0 else formula / _sympy_number(of_target)


def from_columns(formula: Expression, features: Sequence[Column], target: Column) -> Expression:
    """A formula of the columns' own numbers as one in base scale."""
    factors = [factor(column) for column in features]
    if any(f != 1.0 for f in factors):
        inner = [
            variable(i) if f == 1.0 else apply("div", variable(i), literal(f)) for i, f in enumerate(factors)
        ]
        formula = formula.substitute(inner)
    of_target = factor(target)
    return formula if of_target == 1.0 else apply("mul", literal(of_target), formula)


def to_columns(formula: Expression, features: Sequence[Column], target: Column) -> Expression:
    """A formula in base scale as one of the columns' own numbers."""
    factors = [factor(column) for column in features]
    if any(f != 1.0 for f in factors):
        inner = [
            variable(i) if f == 1.0 else apply("mul", literal(f), variable(i)) for i, f in enumerate(factors)
        ]
        formula = formula.substitute(inner)
    of_target = factor(target)
    return formula if of_target == 1.0 else apply("div", formula, literal(of_target))


def reading(columns: Sequence[Column]) -> str:
    """How a formula takes its numbers, ``theta in rad, p as a plain number``; empty where as in the columns."""
    parts = []
    for column in columns:
        if column.unit is None or factor(column) == 1.0:
            continue
        text = base_unit(column.unit).text
        if text in ("", "1"):
            parts.append(f"{column.name} as a plain number (1 {column.unit} = {factor(column):.6g})")
        else:
            parts.append(f"{column.name} in {text} (1 {column.unit} = {factor(column):.6g})")
    return ", ".join(parts)


def _sympy_number(value: float) -> Any:
    """A factor as an exact number where it is one: 1/100, pi/180."""
    import sympy

    for unit, size in ((sympy.Integer(1), 1.0), (sympy.pi, math.pi)):
        near = Fraction(value / size).limit_denominator(_LARGEST)
        # A short decimal or a fraction of pi; of the many fractions with long denominators one is always near.
        simple = near.numerator == 1 or near.denominator == 1 or near.denominator < 10**6
        if near and simple and abs(float(near) * size / value - 1.0) <= _EXACT:
            return sympy.Rational(near.numerator, near.denominator) * unit
    return sympy.Float(value)
