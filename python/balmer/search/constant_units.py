"""The units of fitted constants, composed of those of the target and of the columns that the law speaks of.

A fitted constant is a number c with which an equation of numbers holds. Its unit u makes it one of quantities: with
c u in the place of c, and every column's number times its unit, both sides are the same quantity. The dimension of u
follows from the formula; so does its size, which is the point where a table has millimetres in one column and metres in
another. Of the products of powers of the columns' units that have both, the one of fewest columns is shown; where there
is none, a number and SI units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from balmer.engines import Problem
from balmer.expressions import Expression, check_dimensions
from balmer.units import BASE, Dimension, Unit, parse_unit, pi_groups, solve_powers

__all__ = ["units_of_constants"]

_READABLE = 12  # largest denominator in the exponents of a unit worth showing
_SAME_SIZE = 1e-9  # of logarithms
_MOST_COLUMNS = 3  # in one unit, before the whole law's columns are tried


def units_of_constants(expression: Expression, problem: Problem) -> tuple[Unit | None, ...]:
    """A unit for each free constant of a formula; None where nothing fixes it, or the formula does not hold."""
    report = problem.dimension_report(expression)
    if report is None or not report.holds:
        return (None,) * expression.n_constants
    sizes = _sizes(expression, problem)
    used = tuple(_used_units(expression, problem))
    return tuple(
        None if dimension is None else _unit(dimension, size, used)
        for dimension, size in zip(report.constants, sizes, strict=True)
    )


def _sizes(expression: Expression, problem: Problem) -> tuple[float | None, ...]:
    """Logarithms of the sizes of the constants' units; None where the numbers do not say."""
    *features, target = problem.known_dimensions
    scales = [0.0 if unit is None else math.log(unit.scale) for unit in problem.units]
    report = check_dimensions(expression, features, target, scales=scales)
    return report.scales if report.holds else (None,) * expression.n_constants


def _used_units(expression: Expression, problem: Problem) -> list[Unit]:
    """Units with a dimension, each once: the target's, then those of the law's own columns."""
    *features, target = problem.units
    units = [target, *(features[i] for i in expression.variables)]
    kept: list[Unit] = []
    for unit in units:
        if unit is None or unit.is_dimensionless:
            continue
        if all(unit.dimension != other.dimension or unit.scale != other.scale for other in kept):
            kept.append(unit)
    return kept


@lru_cache(1024)
def _unit(dimension: Dimension, size: float | None, used: tuple[Unit, ...]) -> Unit | None:
    if any(exponent.denominator > _READABLE for exponent in dimension.exponents):
        return None  # of a power with a fitted exponent
    if dimension.is_dimensionless and (size is None or abs(size) <= _SAME_SIZE):
        return parse_unit("1")
    for units in _choices(used):
        for powers in _powers(dimension, size, units):
            return _product(units, powers)
    return _in_si(dimension, size)


def _choices(used: Sequence[Unit]) -> Iterator[Sequence[Unit]]:
    """Units to compose of, the fewest first, the target's before others; at last all."""
    for count in range(1, min(_MOST_COLUMNS, len(used)) + 1):
        yield from combinations(used, count)
    if len(used) > _MOST_COLUMNS:
        yield used


def _powers(
    dimension: Dimension, size: float | None, units: Sequence[Unit]
) -> Iterator[tuple[Fraction, ...]]:
    """Powers of all the units that make the dimension and the size; there is at most one, or one for each group."""
    dimensions = [unit.dimension for unit in units]
    powers = solve_powers(dimension, dimensions)
    if powers is None:
        return
    groups = pi_groups(dimensions)
    off = 0.0 if size is None else size - _log_size(units, powers)
    if abs(off) <= _SAME_SIZE:
        if all(powers):
            yield powers
        return
    for group in groups:  # a product of powers that has no dimension but a size, such as m/mm
        ratio = _log_size(units, group)
        if abs(ratio) <= _SAME_SIZE:
            continue
        times = Fraction(off / ratio).limit_denominator(_READABLE)
        if abs(float(times) * ratio - off) <= _SAME_SIZE * max(1.0, abs(off)):
            found = tuple(p + times * g for p, g in zip(powers, group, strict=True))
            if all(found):
                yield found


def _log_size(units: Sequence[Unit], powers: Sequence[Fraction | int]) -> float:
    return sum(float(p) * math.log(unit.scale) for p, unit in zip(powers, units, strict=True))


def _product(units: Sequence[Unit], powers: Sequence[Fraction]) -> Unit:
    found: Unit | None = None
    for factor, power in zip(units, powers, strict=True):
        found = factor**power if found is None else found * factor**power
    assert found is not None
    return found


def _in_si(dimension: Dimension, size: float | None) -> Unit | None:
    """As a number and SI units, such as ``0.001 m^2/s``."""
    exponents = [(base, p) for base, p in zip(BASE, dimension.exponents, strict=True) if p]
    if any(base == "E" for base, _ in exponents):
        return None
    unit = parse_unit("1")
    for base, power in exponents:
        unit = unit * parse_unit(base) ** power
    if size is None or abs(size) <= _SAME_SIZE:
        return unit
    return parse_unit(f"{math.exp(size):.9g}") * unit
