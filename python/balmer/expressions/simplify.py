"""Simplification: the cheapest spelling of a formula that sympy knows and that has the same values.

The work is bounded by the size of the formula, never by a clock, so that one seed gives one result. sympy's
``simplify``, which tries everything, is not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.errors import ConfigError
from balmer.expressions.canonical import canonical
from balmer.expressions.complexity import Complexity
from balmer.expressions.expression import Expression
from balmer.expressions.operators import OPERATORS_BY_CODE, operator_name
from balmer.expressions.rewrite import express_in
from balmer.expressions.sympy_bridge import from_sympy, to_sympy

__all__ = ["simplify", "spellings", "sympy_failures"]

_LARGEST = 40  # nodes
_MOST_GENERATORS_TO_CANCEL = 6  # symbols and functions of them
_MOST_GENERATORS_TO_FACTOR = 4
_LARGEST_DEGREE = (
    60  # of polynomials in roots: factoring one of degree 800 was seen to take more than half an hour
)
_MOST_TERMS = 60  # of the polynomial that expanding everything gives
_NESTED = 2  # what a fraction inside a fraction costs beside its nodes: B/(1 - 4/n^2) is B n^2/(n^2 - 4)
_RELATIVE = 1e-8
_OF_SCALE = 1e-11


def simplify(
    expression: Expression,
    X: ArrayLike,
    *,
    complexity: Complexity | None = None,
    allowed: Collection[str] | None = None,
    accept: Callable[[Expression], bool] | None = None,
    values: ArrayLike | None = None,
) -> Expression:
    """The formula of lowest complexity among the forms that sympy finds for this one.

    Free constants stay free: they are symbols meanwhile, and what is made of constants alone becomes one
    constant (``c1*c2*x`` has one). A form with more free constants is never taken.

    Parameters
    ----------
    expression : Expression
        Returned as it is if it has more than 40 nodes.
    X : float array, shape (n_features, n_rows)
        Rows on which the values must stay: where the given formula is finite, the result is finite and equal
        to about 8 digits. Where it is not, the result may be finite, as where an exponential no longer
        overflows. A feature that is positive in all rows is taken for positive, one that is never negative for that.
    complexity : Complexity, optional
        Costs of the nodes.
    allowed : collection of str, optional
        Names or symbols of the operators that the result may use; all without.
    accept : callable, optional
        What else a form must fulfil to be taken, as to hold dimensionally.
    values : float array, shape (n_rows,), optional
        The values that must stay, if not those which float64 gives to the formula as it is spelt.

    Returns
    -------
    Expression
        The given formula itself if nothing is cheaper, or as cheap and shorter to write.

    Raises
    ------
    ConfigError
        If ``allowed`` names an operator that is not in the table.
    """
    price = complexity or Complexity()
    names = None if allowed is None else frozenset(map(operator_name, allowed))
    data = np.asarray(X, dtype=np.float64)
    if len(expression) > _LARGEST:
        return expression
    wanted = expression.evaluate(data) if values is None else np.asarray(values, dtype=np.float64)
    if not np.isfinite(wanted).any():
        return expression

    def cost(e: Expression) -> tuple[bool, int, int]:
        usable = names is None or e.operators <= names
        return not usable, price.of(e) + _NESTED * _nested_fractions(e), len(e.text(digits=3))

    best = expression
    most_constants = expression.n_constants
    positive, nonnegative = _signs(data)
    own = canonical(
        expression, nonnegative=nonnegative, positive=positive, allowed=names, complexity=complexity
    )
    for k, form in enumerate(chain([own], _forms(expression, data))):
        if k <= 1:  # the formula itself, its constants merged
            most_constants = min(most_constants, form.n_constants)
        candidate = form if names is None else express_in(form, names)
        if candidate is None or candidate.n_constants > most_constants or cost(candidate) >= cost(best):
            continue
        if _same(wanted, candidate.evaluate(data)) and (accept is None or accept(candidate)):
            best = candidate
    return best


def _signs(data: NDArray[np.float64]) -> tuple[list[bool], list[bool]]:
    """Which features are positive in all rows, and which are never negative."""
    return [bool(np.all(row > 0)) for row in data], [bool(np.all(row >= 0)) for row in data]


def _nested_fractions(expression: Expression) -> int:
    """How many divisors contain a division."""

    def node(i: int, below: list[tuple[int, bool]]) -> tuple[int, bool]:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        divides = name in ("div", "inv")
        count = sum(n for n, _ in below) + int(divides and below[-1][1])
        return count, divides or any(inside for _, inside in below)

    return expression.fold(lambda _: (0, False), node)[0]


def _same(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> bool:
    finite = np.isfinite(wanted)
    a, b = wanted[finite], found[finite]
    if not np.isfinite(b).all():
        return False
    # Where terms cancel the given formula itself is only good to the rounding of its terms.
    scale = float(np.abs(a).max())
    return bool(np.all(np.abs(a - b) <= _RELATIVE * np.abs(a) + _OF_SCALE * scale))


def _forms(expression: Expression, data: NDArray[np.float64]) -> Iterator[Expression]:
    """Spellings of the formula, as Expressions."""
    import sympy

    values = expression.constants
    # Positive and negative symbols let sympy take roots and logarithms apart.
    constants = [
        sympy.Dummy(f"c{k}", positive=True) if v > 0 else sympy.Dummy(f"c{k}", negative=True) if v < 0 else 0
        for k, v in enumerate(values)
    ]
    known = {c: float(v) for c, v in zip(constants, values, strict=True) if c != 0}
    names = [f"x{k}" for k in range(len(data))]
    positive, nonnegative = _signs(data)
    seen = set()
    failures: tuple[type[Exception], ...] = (ConfigError, *sympy_failures())
    try:
        start = to_sympy(expression, names, positive, constants, nonnegative)
        for form in spellings(start):
            if form in seen:
                continue
            seen.add(form)
            try:
                yield from_sympy(form, names, known)
            except ConfigError:
                continue
    except failures:
        return


def sympy_failures() -> tuple[type[Exception], ...]:
    """What sympy raises on formulas that it cannot treat."""
    from sympy.polys.polyerrors import BasePolynomialError

    return (
        BasePolynomialError,
        ArithmeticError,
        AttributeError,
        NotImplementedError,
        RecursionError,
        TypeError,
        ValueError,
    )


def spellings(start: Any) -> Iterator[Any]:
    """Forms by sympy's bounded transformations, each tried on what the others gave."""
    import sympy
    from sympy.simplify.fu import TR5

    yield start
    steps: list[Callable[[Any], Any]] = [sympy.powsimp, _join_logarithms, sympy.expand_log, sympy.together]
    if _terms(start) <= _MOST_TERMS:
        steps.append(sympy.expand)
        # The work of these grows without bound with the number of generators: factor was seen to take minutes at nine.
        generators = len(start.free_symbols) + len(start.atoms(sympy.Function))
        if _degree(start) <= _LARGEST_DEGREE:
            steps += [sympy.cancel] if generators <= _MOST_GENERATORS_TO_CANCEL else []
            steps += [sympy.factor] if generators <= _MOST_GENERATORS_TO_FACTOR else []
        if start.has(sympy.sin):
            steps.append(lambda e: sympy.expand(TR5(e)))  # sin^2 = 1 - cos^2
    failures = sympy_failures()
    found = [start]
    for step in steps:
        try:
            found.append(step(start))
        except failures:
            continue
        yield found[-1]
    for form in found[1:]:
        for step in (sympy.powsimp, sympy.factor_terms, sympy.together):
            try:
                yield step(form)
            except failures:
                continue


def _join_logarithms(e: Any) -> Any:
    """log(x) - log(y) becomes log(x/y), but a factor before a logarithm stays where it is."""
    import sympy

    return e.replace(lambda part: part.is_Add, sympy.logcombine)


def _degree(e: Any) -> int:
    """The largest degree that polynomials in roots of its parts have: x^(1/2) + x^(1/3) is of degree 3 in x^(1/6)."""
    import sympy

    powers = [p.exp for p in e.atoms(sympy.Pow)] + [f.args[0].as_coeff_Mul()[0] for f in e.atoms(sympy.exp)]
    rational = [p for p in powers if p.is_Rational]
    common = math.lcm(*(int(p.q) for p in rational))
    return max((abs(int(p.p)) * common // int(p.q) for p in rational), default=1)


def _terms(e: Any) -> int:
    """About how many terms there are when all products are multiplied out; this is what factoring costs."""
    if e.is_Add:
        return min(sum(map(_terms, e.args)), 10**6)
    if e.is_Mul:
        count = 1
        for factor in e.args:
            count = min(count * _terms(factor), 10**6)
        return count
    if e.is_Pow and e.exp.is_Integer:
        return min(_terms(e.base) ** min(abs(int(e.exp)), 20), 10**6) if e.base.is_Add else abs(int(e.exp))
    return max((_terms(argument) for argument in e.args), default=1)
