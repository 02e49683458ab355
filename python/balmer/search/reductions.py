"""Problems with fewer variables, or a simpler target, that a finding of structure allows; and the way back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from balmer.data import Dataset
from balmer.engines import Problem
from balmer.expressions import Expression, apply, literal, variable
from balmer.expressions.operators import OPERATORS_BY_CODE, VARIABLE
from balmer.search.refine import distinct
from balmer.units import Unit, parse_unit

__all__ = [
    "OUTER",
    "SYMMETRIES",
    "Outer",
    "Reduced",
    "free_of_gauge",
    "innermost",
    "invariant",
    "monomial",
    "power",
]

Floats = NDArray[np.float64]

_PARTS = 4  # of formulas that are looked at

SYMMETRIES = ("difference", "sum", "ratio", "product", "radius", "hyperbolic")
"""Kinds of finding by which a pair of features has an invariant."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """A problem in other variables.

    Attributes
    ----------
    problem : the problem.
    inner : each of its features as a formula of the features of the problem it comes from.
    absolute : the same in the user's features.
    names : of the user's features.
    """

    problem: Problem
    inner: tuple[Expression, ...]
    absolute: tuple[Expression, ...]
    names: tuple[str, ...]

    @classmethod
    def root(cls, problem: Problem) -> Reduced:
        """The user's problem."""
        features = tuple(variable(i) for i in range(len(problem.X)))
        return cls(problem, features, features, problem.dataset.feature_names)

    def whole(self, formula: Expression) -> Expression:
        """A formula of the reduced problem in terms of the features of the problem it comes from."""
        return formula.substitute(self.inner)

    def text(self, formula: Expression) -> str:
        """A formula of this problem in the user's words."""
        return formula.substitute(self.absolute).text(self.names, digits=4)

    def said(self, *features: int) -> str:
        """Some of its features in the user's words."""
        return ", ".join(self.text(variable(i)) for i in features)

    def with_inner(
        self, groups: Mapping[tuple[int, ...], Expression], dropped: Collection[int] = ()
    ) -> Reduced:
        """With each group of features replaced by one formula of them, and without some features."""
        gone = {i for group in groups for i in group}.union(dropped)
        kept = [variable(i) for i in range(len(self.inner)) if i not in gone]
        return self._with([*groups.values(), *kept], self.problem.y, self.problem.units[-1])

    def in_terms_of(self, inner: Sequence[Expression], target: Floats, *, steepness: Floats) -> Reduced:
        """The problem of another target, without a unit, in dimensionless formulas of the features.

        Parameters
        ----------
        target, steepness : as of `on_features`.
        """
        return self._with(inner, target, parse_unit("1"), steepness=steepness)

    def on_features(
        self,
        features: Sequence[int],
        target: Floats,
        *,
        unit: Unit | None,
        rows: NDArray[np.int64] | None = None,
        steepness: Floats | None = None,
    ) -> Reduced:
        """The problem of another target, which depends on some of the features alone.

        Parameters
        ----------
        target : of the rows that are kept, shape (n_rows,).
        unit : of the target, None if it is not known: then units are not checked.
        rows : which of the problem's rows, all if None.
        steepness : derivative of the new target by the old one: its uncertainties grow with it.
        """
        return self._with([variable(i) for i in features], target, unit, rows, steepness)

    def _with(
        self,
        inner: Sequence[Expression],
        target: Floats,
        unit: Unit | None,
        rows: NDArray[np.int64] | None = None,
        steepness: Floats | None = None,
    ) -> Reduced:
        problem, data = self.problem, self.problem.dataset
        at = slice(None) if rows is None else rows
        weights = problem.weights[at]
        if steepness is not None:
            weights = weights / np.maximum(steepness**2, 1e-12 * np.max(steepness**2))
        absolute = tuple(formula.substitute(self.absolute) for formula in inner)
        texts = [formula.text(self.names) for formula in absolute]
        name = data.target.name
        while name in texts:
            name += "_"
        values = (formula.evaluate(problem.X[:, at]) for formula in inner)
        columns = dict(zip(texts, values, strict=True))
        own = problem.units
        units = {text: unit_of(formula, own) for text, formula in zip(texts, inner, strict=True)} | {
            name: unit
        }
        # Of a part, constants may have units; the whole is held to what was asked.
        objective = problem.objective.model_copy(update={"constants": "free"})
        if any(u is None for u in units.values()):
            objective = objective.model_copy(update={"units": "ignore"})
        table = Dataset.from_arrays(
            columns, target, target=name, units=units, weights=weights / weights.mean(), name=data.name
        )
        return Reduced(Problem(table, problem.space, objective), tuple(inner), absolute, self.names)


def unit_of(formula: Expression, units: Sequence[Unit | None]) -> Unit | None:
    """The unit of a formula without constants as a product of its features' units; None if there is none."""

    def node(i: int, below: list[Unit | Fraction | None]) -> Unit | Fraction | None:
        name = OPERATORS_BY_CODE[int(formula.ops[i])].name
        first = below[0]
        if not isinstance(first, Unit):
            return None
        second = below[1] if len(below) > 1 else None
        if name in ("add", "sub"):
            return first if isinstance(second, Unit) and second == first else None
        if name in ("mul", "div") and isinstance(second, Unit):
            return first * second if name == "mul" else first / second
        if name == "pow" and isinstance(second, Fraction):
            return first**second
        powers = {"square": Fraction(2), "sqrt": Fraction(1, 2), "cube": Fraction(3)}
        return first ** powers[name] if name in powers else None

    def leaf(i: int) -> Unit | Fraction | None:
        if formula.ops[i] == VARIABLE:
            return units[int(formula.args[i])]
        return Fraction(float(formula.values[i])).limit_denominator(12)

    found = formula.fold(leaf, node)
    return found if isinstance(found, Unit) else None


def invariant(kind: str, i: int, j: int, X: Floats) -> Expression:
    """What two features with a symmetry act through; see `balmer.engines.finding.KINDS`."""
    x, y = variable(i), variable(j)
    simple = {"difference": "sub", "sum": "add", "ratio": "div", "product": "mul"}
    if kind in simple:
        return apply(simple[kind], x, y)
    square = apply("sub" if kind == "hyperbolic" else "add", apply("square", x), apply("square", y))
    return (
        apply("sqrt", square)
        if np.all(X[i] ** 2 + X[j] ** 2 * (1 if kind == "radius" else -1) > 0)
        else square
    )


def monomial(i: int, j: int, p: Fraction) -> Expression:
    """x_i x_j^p, or its least power with whole exponents."""
    x = power(variable(i), Fraction(p.denominator))
    return apply("div" if p < 0 else "mul", x, power(variable(j), Fraction(abs(p.numerator))))


def power(x: Expression, p: Fraction) -> Expression:
    """x^p."""
    names = {Fraction(2): "square", Fraction(1, 2): "sqrt", Fraction(-1): "inv"}
    if p == 1:
        return x
    return apply(names[p], x) if p in names else apply("pow", x, literal(float(p)))


def free_of_gauge(values: Floats, product: bool) -> Floats:
    """A summand without its constant, or a factor of mean square 1: the rest of the target can undo the difference."""
    size = float(np.sqrt(np.mean(values**2)) * np.sign(values[0])) if product else 1.0
    free: Floats = values - (0.0 if product else values.mean())
    return free / size if size != 0 else free


def innermost(formulas: Sequence[Expression], S: Sequence[int]) -> list[Expression]:
    """The shortest parts of formulas in which all of the features S occur."""
    parts = [e.subtree(root) for e in formulas for root in range(len(e))]
    through = sorted((p for p in parts if set(p.variables) == set(S)), key=len)
    return [e for e, _ in distinct((e, "") for e in through)][:_PARTS]


@dataclass(frozen=True)
class Outer:
    """A function F of the target that may make it a sum, with its derivative and the operator that undoes it."""

    name: str
    forward: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    undo: str
    domain: Callable[[Floats], bool]


def _positive(y: Floats) -> bool:
    return bool(np.all(y > 0))


def _within_one(y: Floats) -> bool:
    return bool(np.all(np.abs(y) < 1))


OUTER = (
    Outer("square", np.square, lambda y: 2 * y, "sqrt", _positive),
    Outer(
        "inverse", lambda y: 1 / y, lambda y: -1 / y**2, "inv", lambda y: bool(np.all(y > 0) or np.all(y < 0))
    ),
    Outer("log", np.log, lambda y: 1 / y, "exp", _positive),
    Outer("sqrt", np.sqrt, lambda y: 0.5 / np.sqrt(y), "square", _positive),
    Outer("exp", np.exp, np.exp, "log", lambda y: bool(np.all(np.abs(y) < 50))),
    Outer("asin", np.arcsin, lambda y: 1 / np.sqrt(1 - y**2), "sin", _within_one),
    Outer("acos", np.arccos, lambda y: -1 / np.sqrt(1 - y**2), "cos", _within_one),
    Outer("atanh", np.arctanh, lambda y: 1 / (1 - y**2), "tanh", _within_one),
)
"""Outer functions that are tried, the commonest first."""
