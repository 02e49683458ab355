"""Whether a formula holds dimensionally: exact algebra on exponents, solved for the units of free constants.

Every node gets a dimension that is linear in the unknown dimensions of the free constants. Where an operator
asks for something (equal dimensions, a pure number) that is one linear equation over fractions, with one
right side per base quantity. The formula holds if the equations have a solution; a constant's dimension is
reported where they fix it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from balmer.errors import ConfigError
from balmer.expressions.expression import Expression
from balmer.expressions.literals import simple_fraction
from balmer.expressions.operators import LITERAL, OPERATORS_BY_CODE, VARIABLE, Operator, UnitRule
from balmer.expressions.printers import to_text
from balmer.units import BASE, Dimension

__all__ = ["DimensionReport", "check_dimensions"]

_LARGEST_DENOMINATOR = 12
_FITTED_DENOMINATOR = 10_000
_NEAR = 1e-6
_SAME_SIZE = 1e-9  # of logarithms
_NONE = (Fraction(0),) * (
    len(BASE) + 1
)  # the last is the logarithm of a size, which no fraction is: see `scales`
_FEATURES = 1_000_000  # unknowns from here on are the dimensions of features


@dataclass(frozen=True)
class DimensionReport:
    """What `check_dimensions` found.

    Attributes
    ----------
    holds : bool
        Whether the constants can have dimensions with which everything fits.
    constants : tuple of Dimension or None
        Dimension of each free constant, in postfix order; None where nothing fixes it, or nothing holds.
    scales : tuple of float or None
        Logarithm of the size of the unit of each constant, where sizes were asked for and it is fixed.
    dimension : Dimension or None
        Dimension of the value; None where nothing fixes it, or nothing holds.
    reason : str
        Where it does not hold, one sentence that names the part that breaks; else empty.
    """

    holds: bool
    constants: tuple[Dimension | None, ...]
    dimension: Dimension | None
    reason: str = ""
    scales: tuple[float | None, ...] = ()

    def __bool__(self) -> bool:
        return self.holds


def check_dimensions(
    expression: Expression,
    features: Sequence[Dimension | None],
    target: Dimension | None = None,
    *,
    constants: Sequence[Dimension | None] | None = None,
    names: Sequence[str] | None = None,
    scales: Sequence[float] | None = None,
) -> DimensionReport:
    """Check a formula and solve for the dimensions of its free constants.

    Literals are pure numbers, but 0 fits any dimension. A power needs a pure exponent; if that is a number,
    the exponents of the base are multiplied by it (a free constant counts as the rational with a denominator
    up to 12 that it equals within 1e-6), else the base must be pure too.

    Parameters
    ----------
    expression : Expression
    features : sequence of Dimension or None
        Dimension of each feature; None where it is not known, which is then solved for, one for all its places.
    target : Dimension, optional
        Dimension that the value must have.
    constants : sequence of Dimension or None, optional
        Dimension of each free constant, in postfix order, where it is given; None for those to be solved for.
    names : sequence of str, optional
        Names of the features, for the reason.
    scales : sequence of float, optional
        Logarithm of the size of the unit of each feature, then of the target. Given these, the formula must hold in
        the numbers too: what is added must have one unit, not only one dimension (m and mm are two), and the sizes of
        the constants' units are solved for.

    Raises
    ------
    ConfigError
        If a feature or constant of the formula has no entry.

    Examples
    --------
    >>> from balmer.expressions import parse
    >>> length, time = Dimension(m=1), Dimension(s=1)
    >>> str(check_dimensions(parse("0.5*x0*x1**2"), [length, time], length).constants[0])
    's⁻²'
    """
    needed = max(expression.variables, default=-1) + 1
    if len(features) < needed:
        raise ConfigError(f"the formula uses {needed} features, {len(features)} dimensions were given")
    n_constants = expression.n_constants
    if constants is not None and len(constants) != n_constants:
        raise ConfigError(f"the formula has {n_constants} constants, {len(constants)} dimensions were given")
    given = constants or (None,) * n_constants
    return _Check(expression, features, target, given, names, scales).report()


@dataclass(frozen=True, slots=True)
class _Linear:
    """A known dimension times powers of unknown ones; ``number`` is the value where no feature occurs."""

    known: tuple[Fraction, ...]
    unknown: dict[int, Fraction]
    number: float | None = None
    is_free: bool = False  # whether the number depends on a free constant

    def times(self, other: _Linear, power: int) -> _Linear:
        """This times the other to a power; the number is left out."""
        known = tuple(a + power * b for a, b in zip(self.known, other.known, strict=True))
        unknown = dict(self.unknown)
        for k, factor in other.unknown.items():
            unknown[k] = unknown.get(k, Fraction(0)) + power * factor
        return _Linear(known, {k: factor for k, factor in unknown.items() if factor})

    def to(self, power: Fraction) -> _Linear:
        if not power:
            return _PURE
        return _Linear(
            tuple(a * power for a in self.known), {k: factor * power for k, factor in self.unknown.items()}
        )


_PURE = _Linear(_NONE, {})


class _Mismatch(Exception):
    """The equations have no solution any more."""


class _Check:
    """Walks one formula and gathers its equations."""

    def __init__(
        self,
        expression: Expression,
        features: Sequence[Dimension | None],
        target: Dimension | None,
        given: Sequence[Dimension | None],
        names: Sequence[str] | None,
        scales: Sequence[float] | None,
    ) -> None:
        self.expression = expression
        self.features = features
        self.target = target
        self.given = given
        self.names = names
        self.scales = scales
        self.equations: dict[int, _Linear] = {}  # solved for its key: that unknown times the rest is pure
        self.n_constants = 0  # unknowns 0 ... are the constants; those of zeros are negative

    def report(self) -> DimensionReport:
        n = self.expression.n_constants
        try:
            with np.errstate(all="ignore"):
                value = self.expression.fold(self.leaf, self.node)
            if self.target is not None:
                self.require_target(value, self.target)
        except _Mismatch as mismatch:
            return DimensionReport(False, (None,) * n, None, str(mismatch))
        solved = (_Linear(_NONE, {k: Fraction(1)}) for k in range(n))
        constants = tuple(
            dimension if dimension is not None else self.solved(unknown)
            for dimension, unknown in zip(self.given, solved, strict=True)
        )
        scales = tuple(self.size(k) for k in range(n)) if self.scales is not None else ()
        return DimensionReport(True, constants, self.solved(value), scales=scales)

    def size(self, k: int) -> float | None:
        """Logarithm of the size of the unit of a constant."""
        rest = self.reduced(_Linear(_NONE, {k: Fraction(1)}))
        return None if rest.unknown else float(rest.known[-1])

    def known(self, dimension: Dimension, place: int) -> tuple[Fraction, ...]:
        """Exponents of a column, and the logarithm of the size of its unit."""
        size = Fraction(0) if self.scales is None else Fraction(self.scales[place])
        return (*dimension.exponents, size)

    def leaf(self, i: int) -> _Linear:
        op, value = self.expression.ops[i], float(self.expression.values[i])
        if op == VARIABLE:
            place = int(self.expression.args[i])
            dimension = self.features[place]
            if dimension is None:
                return _Linear(_NONE, {_FEATURES + place: Fraction(1)})
            return _Linear(self.known(dimension, place), {})
        if op == LITERAL:
            return _Linear(_NONE, {} if value else {-1 - i: Fraction(1)}, value)
        k = self.n_constants
        self.n_constants += 1
        given = self.given[k]
        if given is None:
            return _Linear(_NONE, {k: Fraction(1)}, value, True)
        return _Linear((*given.exponents, Fraction(0)), {}, value, True)

    def node(self, i: int, below: list[_Linear]) -> _Linear:
        entry = OPERATORS_BY_CODE[int(self.expression.ops[i])]
        found = self.ruled(entry, i, below)
        if any(b.number is None for b in below):
            return _Linear(
                found.known, found.unknown
            )  # a sum with a feature is no number, whatever its first part is
        number = float(entry.numpy(*(b.number for b in below))) if below else math.nan
        return _Linear(found.known, found.unknown, number, any(b.is_free for b in below))

    def ruled(self, entry: Operator, i: int, below: list[_Linear]) -> _Linear:
        first, second = below[0], below[-1]
        match entry.unit_rule:
            case UnitRule.SAME:
                self.require_same(first, second, i)
                return first
            case UnitRule.PRODUCT:
                return first.times(second, 1)
            case UnitRule.QUOTIENT:
                return first.times(second, -1)
            case UnitRule.POWER:
                return first.to(entry.power)
            case UnitRule.POW:
                return self.powered(first, second, i)
        for operand in below:
            self.require_pure(operand, i, f"the argument of {entry.name}")
        return _PURE

    def powered(self, base: _Linear, exponent: _Linear, i: int) -> _Linear:
        self.require_pure(exponent, i, "the exponent")
        power = _rational(exponent)
        if power is not None:
            return base.to(power)
        self.require_pure(base, i, "the base of a power that is no simple number")
        return _PURE

    # -- equations -------------------------------------------------------------------------------------------

    def require_pure(self, operand: _Linear, i: int, what: str) -> None:
        if not self.require(operand):
            raise _Mismatch(f"in {self.shown(i)} {what} has {self.named(operand)}, but must be a pure number")

    def require_same(self, first: _Linear, second: _Linear, i: int) -> None:
        if not self.require(first.times(second, -1)):
            raise _Mismatch(
                f"in {self.shown(i)} the operands have {self.named(first)} and {self.named(second)}"
            )

    def require_target(self, value: _Linear, target: Dimension) -> None:
        if not self.require(value.times(_Linear(self.known(target, -1), {}), -1)):
            whole = self.shown(len(self.expression) - 1)
            raise _Mismatch(f"{whole} has {self.named(value)}, but the target has dimension {target}")

    def require(self, pure: _Linear) -> bool:
        """Add the equation that this is a pure number; False if it contradicts the others."""
        rest = self.reduced(pure)
        if not rest.unknown:
            return not any(rest.known[:-1]) and abs(rest.known[-1]) <= _SAME_SIZE
        # Zeros are solved for first and columns last, so that equations between constants stay such.
        pivot = min(rest.unknown)
        solved = rest.to(1 / rest.unknown[pivot])
        for key, equation in self.equations.items():
            factor = equation.unknown.get(pivot)
            if factor:
                self.equations[key] = equation.times(solved.to(factor), -1)
        self.equations[pivot] = solved
        return True

    def reduced(self, value: _Linear) -> _Linear:
        """The same by the equations, without the unknowns they are solved for."""
        for key, factor in value.unknown.items():
            if key in self.equations:
                value = value.times(self.equations[key].to(factor), -1)
        return value

    def solved(self, value: _Linear) -> Dimension | None:
        rest = self.reduced(value)
        return None if rest.unknown else _dimension(rest.known)

    def named(self, value: _Linear) -> str:
        dimension = self.solved(value)
        return "an unfitting dimension" if dimension is None else f"dimension {dimension}"

    def shown(self, i: int) -> str:
        return to_text(self.expression.subtree(i), self.names, digits=6)


def _rational(exponent: _Linear) -> Fraction | None:
    """The simple rational that an exponent is or, if it is free, the rational that it is nearest to."""
    number = exponent.number
    if number is None or not math.isfinite(number):
        return None
    near = Fraction(number).limit_denominator(_LARGEST_DENOMINATOR)
    if abs(float(near) - number) <= _NEAR * max(1.0, abs(number)):
        return near
    # A fitted exponent such as 3.47 is legal too: a constant beside the power takes the odd unit.
    return (
        Fraction(number).limit_denominator(_FITTED_DENOMINATOR)
        if exponent.is_free
        else simple_fraction(number)
    )


def _dimension(exponents: tuple[Fraction, ...]) -> Dimension:
    return Dimension.from_mapping(dict(zip(BASE, exponents[:-1], strict=True)))
